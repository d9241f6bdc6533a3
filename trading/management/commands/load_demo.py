"""`manage.py load_demo`: the demonstration's two firms, read in through the true feeds. Twice is once."""

from __future__ import annotations

import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.tenancy import firm_ids, firm_scope
from portfolios.selectors.days import book_day
from rebalancer.demo.files import write_demo_files
from trading.services import demonstration
from trading.tasks.scans import start_scan_and_nudge

SLUGS = ["birch", "cedar"]


class Command(BaseCommand):
    help = "Load the demonstration: two made-up firms at simulated prices."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-scan", dest="scan", action="store_false", help="leave the first scan to others")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="the day of the files; today's session if left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if demonstration.is_loaded(SLUGS):
            self.stdout.write("The demonstration is already loaded.")
            return
        self.begun = time.perf_counter()
        as_of = options["as_of"] or book_day(timezone.localdate())
        with tempfile.TemporaryDirectory(prefix="rebalancer-demo-") as directory:
            book = write_demo_files(Path(directory), seed=options["seed"], as_of=as_of)
            self._tell(f"the book of {as_of:%-d %B %Y} was made and written as custodians' files")
            try:
                demonstration.load(book, at=timezone.now(), tell=self._tell)
            except demonstration.FeedRefused as refused:
                raise CommandError(f"A file of the demonstration was refused: {refused}") from None
            except httpx.HTTPError as error:
                raise CommandError(f"The simulated custodian did not take the accounts: {error}") from None
        if options["scan"]:
            self._scan(as_of)
        self._tell(book.market_note)

    def _scan(self, as_of: date) -> None:
        """Have the workers look at both books for the first time."""
        for firm_id in firm_ids():
            with firm_scope(firm_id):
                start_scan_and_nudge(firm_id=firm_id, as_of=as_of, requested_by="demonstration", at=timezone.now())
        self._tell("the first scan has begun")

    def _tell(self, line: str) -> None:
        self.stdout.write(f"{time.perf_counter() - self.begun:5.1f} s  {line}")
        self.stdout.flush()
