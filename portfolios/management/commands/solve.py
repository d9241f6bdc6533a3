"""Runs the engine on a portable book, without a database: `manage solve BOOK.json --out TRADES.json`."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import ENGINE_VERSION, Decision, solve
from rebalancer.engine.portable import BadPortableBook, book_of, trades_of


class Command(BaseCommand):
    help = "Decide the trades of a portable book (docs/portable-book.md) and write them as JSON; needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("book", type=Path, help="the portable book, JSON")
        parser.add_argument(
            "--out", type=Path, required=True, help="where the trades go; an old file is replaced whole"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data = _read(options["book"])
        started = time.process_time()
        try:
            book = book_of(data)
        except BadPortableBook as error:
            raise CommandError(f"{options['book']}: {error}") from None
        read = time.process_time()
        decisions = solve(book)
        breaches = Checker(book).check_all(decisions)
        solved = time.process_time()
        accounts = trades_of(decisions)
        for account_id, found in breaches.items():
            accounts[account_id] |= {"trades": [], "error": " ".join(breach.sentence for breach in found)}
        figures = _figures(decisions, errors=len(breaches), reading=read - started, solving=solved - read)
        _write(options["out"], figures | {"accounts": accounts})
        self.stdout.write(
            f"{len(decisions)} accounts, {sum(len(decision.trades) for decision in decisions)} trades, "
            f"{len(breaches)} errors, {figures['acc_per_s']:,.0f} accounts a second of processor time: {options['out']}"
        )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes(), parse_float=Decimal, parse_constant=Decimal)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from None


def _figures(decisions: Sequence[Decision], *, errors: int, reading: float, solving: float) -> dict[str, Any]:
    """Accounts are decided together, so that milliseconds an account are their mean. Solving includes the checks."""
    count = len(decisions)
    each = 1000 * solving / max(count, 1)
    return {
        "peer": "rebalancer",
        "version": ENGINE_VERSION,
        "n": count,
        "errors": errors,
        "acc_per_s": count / max(solving, 1e-9),
        "acc_per_s_with_map": count / max(solving + reading, 1e-9),
        "ms_p50": each,
        "ms_p95": each,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _write(path: Path, trades: dict[str, Any]) -> None:
    """Whole or not at all: written beside its place, then moved there."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            beside = Path(file.name)
            try:
                json.dump(trades, file)
                file.close()
                beside.chmod(0o644)
                beside.replace(path)
            except BaseException:
                beside.unlink()
                raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
