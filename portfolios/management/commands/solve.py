"""Runs the engine on a portable book, without a database: `manage solve BOOK.json --out TRADES.json`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rebalancer.engine.book import Book
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import (
    ENGINE_VERSION,
    SLIDERS,
    Decisions,
    Distance,
    NoRiskModel,
    solve,
)
from rebalancer.engine.optimiser.compiled import KEPT
from rebalancer.engine.optimiser.native import is_kept, ready
from rebalancer.engine.portable import BadPortableBook, book_of, orders_of, trades_of

Result = TypeVar("Result")
SCENARIOS = {scenario.lower(): slider for scenario, slider in SLIDERS.items()}


@dataclass(frozen=True, slots=True)
class Seconds:
    """Of processor time."""

    reading: float
    solving: float
    listing: float
    """Symbols, quantities and lots of all trades."""


class Command(BaseCommand):
    help = "Decide the trades of a portable book (docs/portable-book.md) and write them as JSON; needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("book", type=Path, help="the portable book, JSON")
        parser.add_argument(
            "--out", type=Path, required=True, help="where the trades go; an old file is replaced whole"
        )
        place = parser.add_mutually_exclusive_group()
        place.add_argument("--scenario", choices=SCENARIOS, help="a named place of the slider (closest)")
        place.add_argument("--slider", type=_slider, metavar="0…1", help="0 least tax, 1 closest to the model")
        parser.add_argument(
            "--distance",
            choices=[distance.lower() for distance in Distance],
            default=Distance.WEIGHTS.lower(),
            help="what distance from the model means; risk needs the book's covariance",
        )
        parser.add_argument("--exact", action="store_true", help="search until the best answer is proven")

    def handle(self, *args: Any, **options: Any) -> None:
        slider = SCENARIOS[options["scenario"]] if options["scenario"] else options["slider"]
        distance = Distance[options["distance"].upper()]
        book, reading = _book(options["book"])
        self._load(distance)
        try:
            decisions, solving = _timed(lambda: solve(book, slider=slider, distance=distance, exact=options["exact"]))
        except NoRiskModel as error:
            raise CommandError(f"{options['book']}: {error}") from None
        orders, listing = _timed(lambda: orders_of(decisions))
        accounts, errors = _checked(decisions, orders)
        figures = _figures(decisions, errors, Seconds(reading, solving, listing))
        asked = {"slider": float(decisions.sliders.max(initial=0.0)), "distance": distance, "exact": options["exact"]}
        _write(options["out"], figures | asked | {"accounts": accounts})
        trades = sum(len(account["trades"]) for account in accounts.values())
        self.stdout.write(
            f"{len(decisions)} accounts, {trades} trades, {errors} errors, "
            f"{figures['acc_per_s']:,.0f} accounts a second of processor time: {options['out']}"
        )

    def _load(self, distance: Distance) -> None:
        """Machine code comes into memory before anything is timed; another process compiles it, which takes memory.

        Where it cannot be kept, or that process was stopped, this one compiles for itself.
        """
        if not is_kept(distance):
            self.stderr.write("Compiling the engine once for this machine: this is not part of the figures.")
            if KEPT is not None:
                manage = str(settings.BASE_DIR / "manage.py")
                command = [sys.executable, manage, "compile_engine", "--distance", distance.lower()]
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ready(distance)


def _slider(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise ArgumentTypeError(f"must be a number from 0 (least tax) to 1 (closest to the model), not {text}.")


def _timed(act: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and seconds of processor time."""
    begun = time.process_time()
    result = act()
    return result, time.process_time() - begun


def _book(path: Path) -> tuple[Book, float]:
    """The book, and the seconds that it took to make it of the file's objects, which are let go."""
    data = _read(path)
    try:
        return _timed(lambda: book_of(data))
    except BadPortableBook as error:
        raise CommandError(f"{path}: {error}") from None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes(), parse_float=Decimal, parse_constant=Decimal)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from None


def _checked(decisions: Decisions, orders: Mapping[str, list[dict[str, Any]]]) -> tuple[dict[str, Any], int]:
    """What is written of every account, and how many decisions do not foot: they lose their trades and say why."""
    made = decisions[:]
    accounts = trades_of(made)
    breaches = Checker(decisions.book, decisions.drift).check_all(made)
    wrong = {account_id: " ".join(breach.sentence for breach in found) for account_id, found in breaches.items()}
    for account_id, account in accounts.items():
        if _plain(account["trades"]) != _plain(orders[account_id]):
            wrong.setdefault(account_id, "The trades that were decided are not those that were checked.")
    for account_id, sentences in wrong.items():
        accounts[account_id] |= {"trades": [], "error": sentences}
    return accounts, len(wrong)


def _plain(trades: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Symbols, quantities and lots, in no order."""
    return {
        (trade["symbol"], trade["qty"], frozenset((lot["id"], lot["qty"]) for lot in trade.get("lots", ())))
        for trade in trades
    }


def _figures(decisions: Decisions, errors: int, seconds: Seconds) -> dict[str, Any]:
    """Accounts are decided together, so that milliseconds an account are their mean."""
    count = len(decisions)
    each = 1000 * seconds.solving / max(count, 1)
    return {
        "peer": "rebalancer",
        "version": ENGINE_VERSION,
        "n": count,
        "errors": errors,
        "acc_per_s": count / max(seconds.solving, 1e-9),
        "acc_per_s_with_map": count / max(seconds.reading + seconds.solving + seconds.listing, 1e-9),
        "ms_p50": each,
        "ms_p95": each,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "proven": int(decisions.proven.sum()),
        "gap_bps_mean": float(decisions.gap_bps.mean()) if count else 0.0,
    }


def _write(path: Path, trades: Mapping[str, Any]) -> None:
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
