"""Tax lots as the compiled optimiser reads them: gain, term, and their place in the order of a relief method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import MICRO, WASH_WINDOW_DAYS, Bools, Dates, Floats, Ints
from rebalancer.engine.lots import Relief

HALF_A_MICRO = 0.5


class LotFacts(NamedTuple):
    """One row a lot, in the order of `Book.lots`."""

    offsets: Ints
    """By position."""
    quantity: Ints
    basis: Ints
    gain: Floats
    """Dollars a share at the price of the book; 0 without one."""
    long: Bools
    loss: Bools
    recent: Bools
    """Acquired within the wash-sale window."""
    days_to_long: Ints
    key: Floats
    """A sale takes its lots by this, ascending, then by `tie`; least tax is ordered by rates and has no key here."""
    tie: Ints
    by_tax: Bools
    """The order is that of the tax a share, which the kernel knows."""


def lot_facts(book: Book) -> LotFacts:
    """The lots of a book."""
    lots, today = book.lots, np.datetime64(book.as_of)
    position = np.repeat(np.arange(len(book.positions.security)), np.diff(lots.offsets))
    price = book.securities.price[book.positions.security[position]]
    shares = lots.quantity / MICRO
    gain = np.where(price > 0, (price - lots.cost_basis / shares) / MICRO, 0.0)
    first_long = first_long_term_on(lots.acquired_on)
    long: Bools = lots.inherited | (today >= first_long)
    relief = [book.policies[policy].relief for policy in range(len(book.policies))]
    method = book.accounts.policy[book.account_of_position()[position]]
    return LotFacts(
        offsets=lots.offsets,
        quantity=lots.quantity,
        basis=lots.cost_basis,
        gain=gain,
        long=long,
        loss=(price > 0) & (lots.cost_basis > lots.quantity * (price / MICRO) + HALF_A_MICRO),
        recent=lots.acquired_on >= today - np.timedelta64(WASH_WINDOW_DAYS, "D"),
        days_to_long=np.where(long, 0, (first_long - today).astype(np.int64)),
        key=_keys(relief, method, lots.acquired_on, (price - gain * MICRO), gain, long),
        tie=_ties(book, position),
        by_tax=np.array([one is Relief.LEAST_TAX for one in relief], dtype=bool)[method],
    )


def _keys(relief: list[Relief], method: Ints, acquired: Dates, cost: Floats, gain: Floats, long: Bools) -> Floats:
    day = acquired.astype(np.int64).astype(np.float64)
    orders: Mapping[Relief, Callable[[], Floats]] = {
        Relief.FIFO: lambda: day,
        Relief.LIFO: lambda: -day,
        Relief.HIFO: lambda: -cost,
        Relief.LOFO: lambda: cost,
        Relief.MIN_TAX: lambda: _category(gain, long),
    }
    key = np.zeros(len(day))
    for place, one in enumerate(relief):
        if one in orders:
            ours = method == place
            key[ours] = orders[one]()[ours]
    return key


def _category(gain: Floats, long: Bools) -> Floats:
    """The published MinTax order as one number: categories far apart, ascending gain a share within."""
    rounded = np.where(np.abs(gain) < 1e-9, 0.0, gain)
    place = np.where(
        rounded < 0, np.where(long, 1, 0), np.where(rounded == 0, np.where(long, 3, 2), np.where(long, 4, 5))
    )
    category: Floats = place * 1e9 + rounded
    return category


def _ties(book: Book, position: Ints) -> Ints:
    """Older first, then by name: the day, with a small number where a position has lots of one day."""
    day = book.lots.acquired_on.astype(np.int64)
    tie: Ints = day * len(day)
    rows = _of_one_day(position, day)
    named = sorted(rows.tolist(), key=lambda row: book.lots.lot_id[row])
    for place, row in enumerate(named):
        tie[row] += place
    return tie


def _of_one_day(position: Ints, day: Ints) -> Ints:
    """Rows of lots whose position has another lot of the same day."""
    if not len(day):
        return np.zeros(0, dtype=np.int64)
    first = day.min()
    key = position * (day.max() - first + 1) + day - first
    ordered = np.sort(key)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    same: Ints = np.flatnonzero(np.isin(key, twice)) if len(twice) else twice
    return same


def first_long_term_on(acquired_on: Dates) -> Dates:
    """`lots.first_long_term_on` for many dates: a year after the day after; 29 February turns into 1 March."""
    begins = acquired_on + np.timedelta64(1, "D")
    month = begins.astype("datetime64[M]")
    day = begins - month.astype("datetime64[D]")
    later: Dates = (month + np.timedelta64(12, "M")).astype("datetime64[D]") + day
    return later
