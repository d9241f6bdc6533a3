"""`manage.py run_day`: one whole day of the demonstration without a browser, summed up as one JSON object."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.selectors.members import member_with_role
from accounts.tenancy import firm_ids, firm_scope
from portfolios.selectors.days import book_day
from trading.selectors.day import DayFigures, day_figures, drifts
from trading.services.day import DayStuck, approve_all, scan_book, trade_until_done
from trading.services.reconcile import Reconciliation, reconcile


class Command(BaseCommand):
    help = "Load the demonstration, scan, approve, trade and reconcile; print what came of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the summary as JSON on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        self.seconds: dict[str, float] = {}
        with self._stage("files"):
            call_command("load_demo", scan=False, stdout=self.stderr)
        try:
            figures, found = self._trade()
        except DayStuck as stuck:
            raise CommandError(f"The day did not come to its end: {stuck}.") from None
        summary = _summary(figures, found, self.seconds)
        self.stdout.write(json.dumps(summary, indent=None if options["json"] else 2))
        if summary["cash_difference_cents"] or summary["share_differences"] or summary["breached_unexplained"]:
            raise CommandError("The day does not foot: see the differences above.")

    def _trade(self) -> tuple[list[DayFigures], list[Reconciliation]]:
        """Every firm's day, a stage at a time."""
        as_of = book_day(timezone.localdate())
        firms = firm_ids()
        with self._stage("scan"):
            scans = {
                firm: scan_book(firm_id=firm, as_of=as_of, requested_by="run_day", clock=timezone.now) for firm in firms
            }
        with self._stage("approve"):
            for firm in firms:
                with firm_scope(firm):
                    first, second = member_with_role(firm, "ADVISER"), member_with_role(firm, "COMPLIANCE")
                for sentence in approve_all(firm_id=firm, first=first, second=second, clock=timezone.now).refused:
                    self.stderr.write(f"not approved: {sentence}")
        with self._stage("trade"):
            for firm in firms:
                trade_until_done(firm_id=firm, clock=timezone.now)
        with self._stage("reconcile"):
            found = [reconcile(firm_id=firm, now=timezone.now()) for firm in firms]
        figures = []
        for firm in firms:
            with firm_scope(firm):
                after = drifts(firm, as_of=as_of)
                figures.append(day_figures(firm, scan_id=scans[firm], drift_after=after))
        return figures, found

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        self.stderr.write(f"{name} …")
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 2)
        self.stderr.write(f"{name} took {self.seconds[name]} s")


def _summary(figures: list[DayFigures], found: list[Reconciliation], seconds: dict[str, float]) -> dict[str, Any]:
    before = [drift for one in figures for drift in one.drift_before]
    after = [drift for one in figures for drift in one.drift_after]
    return {
        "accounts": sum(one.accounts for one in figures),
        "lots": sum(one.lots for one in figures),
        "scanned": sum(one.scanned for one in figures),
        "breached": sum(one.breached for one in figures),
        "breached_unexplained": sum(one.breached_unexplained for one in figures),
        "proposals": sum(one.proposals for one in figures),
        "approved": sum(one.approved for one in figures),
        "orders": sum(one.orders for one in figures),
        "executions": sum(one.executions for one in figures),
        "cash_difference_cents": sum(one.cash_difference_cents for one in found),
        "share_differences": sum(one.share_differences for one in found),
        "unapplied_rows": sum(one.unapplied_rows for one in found),
        "accounts_not_compared": sum(one.not_asked for one in found),
        "drift_before_median": round(median(before), 6) if before else None,
        "drift_after_median": round(median(after), 6) if after else None,
        "seconds": seconds,
    }
