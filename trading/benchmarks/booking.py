"""Booking tax lots: purchases and sales a second, method by method, in books of 10,000 and of 100,000 lots.

The floor is a loop that does nothing but put the same rows into lists by lot. Ten microseconds a booking are 100,000
bookings a second. The last figure of each method sets ten times the lots beside ten times the small book: 1 is linear,
and what is above it are the logarithm of a heap and the caches of the machine. Processor time, in rounds that book the
small book, the large one and its floor one right after the other: the best of the rounds, and the median of ratios
within one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from statistics import median
from typing import NamedTuple

from rebalancer.engine.booking import Booker
from rebalancer.engine.lots import Rates, Relief
from trading.benchmarks.rows import Row

SMALL, LARGE = 10_000, 100_000
RUNS, SMALL_RUNS = 3, 3
RATES = Rates(short=Decimal("0.408"), long=Decimal("0.238"))
MICRO = 1_000_000
FIRST_DAY, BUYING_DAYS = date(2022, 1, 3), 1_000
MOST_MICROSECONDS, MOST_GROWTH = 10, 2


class Bought(NamedTuple):
    """Shares in millionths, cost in micro-dollars."""

    lot_id: str
    on: date
    quantity: int
    cost: int


class Sold(NamedTuple):
    """A sale; `named` is the lot that SPECIFIC sells."""

    on: date
    quantity: int
    price: int
    named: Bought


History = tuple[list[Bought], list[Sold]]


class Round(NamedTuple):
    """Processor seconds."""

    small: float
    large: float
    floor: float
    """Of the large book."""


def measure_booking() -> Iterator[Row]:
    """For every method: microseconds a booking, times the floor, and how that grows with the lots."""
    small, large = history(SMALL), history(LARGE)
    for by in Relief:
        rounds = [_round(by, small, large) for _ in range(RUNS)]
        for lots, seconds in ((SMALL, min(one.small for one in rounds)), (LARGE, min(one.large for one in rounds))):
            each = seconds / (2 * lots) * MICRO
            yield Row("engine", f"book {by}: {lots:,} lots", each, "us each", MOST_MICROSECONDS)
        yield Row("engine", f"book {by}: {LARGE:,} lots", median(one.large / one.floor for one in rounds), "x floor")
        growth = median(one.large / one.small for one in rounds) / (LARGE / SMALL)
        yield Row("engine", f"book {by}: ten times the lots", growth, "x linear", MOST_GROWTH)


def history(lots: int) -> History:
    """Lots bought over years, then as many sales of about a lot each, until nearly everything is sold."""
    dice = random.Random(lots)  # noqa: S311 the same history every time
    bought = []
    for at in range(lots):
        on, quantity = FIRST_DAY + timedelta(days=at * BUYING_DAYS // lots), dice.randint(1, 200) * MICRO
        bought.append(Bought(f"{at:06}", on, quantity, quantity * dice.randint(2_000, 9_000) // 100))
    sold = []
    last = FIRST_DAY + timedelta(days=BUYING_DAYS)
    for at, lot in enumerate(dice.sample(bought, lots)):
        on = last + timedelta(days=at * BUYING_DAYS // lots)
        sold.append(Sold(on, lot.quantity, dice.randint(2_000, 9_000) * MICRO // 100, lot))
    return bought, sold


def book_all(by: Relief, bought: Sequence[Bought], sold: Sequence[Sold]) -> None:
    booker = Booker(by, RATES)
    for lot in bought:
        booker.buy(*lot)
    named = by is Relief.SPECIFIC
    for sale in sold:
        specific = [(sale.named.lot_id, sale.quantity)] if named else ()
        booker.sell(sale.quantity, sale.price, sale.on, specific=specific)


def put_away(bought: Sequence[Bought], sold: Sequence[Sold]) -> None:
    """The floor."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    for lot in bought:
        rows.setdefault(lot.lot_id, []).append((lot.on, lot.quantity, lot.cost))
    for sale in sold:
        rows[sale.named.lot_id].append((sale.on, sale.quantity, sale.price))


def _round(by: Relief, small: History, large: History) -> Round:
    return Round(
        small=_processor_seconds(partial(_often, by, small)) / SMALL_RUNS,
        large=_processor_seconds(partial(book_all, by, *large)),
        floor=_processor_seconds(partial(put_away, *large)),
    )


def _often(by: Relief, small: History) -> None:
    for _ in range(SMALL_RUNS):
        book_all(by, *small)


def _processor_seconds(act: Callable[[], None]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun
