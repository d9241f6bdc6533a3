"""Hold ranges as limits of what may be traded, and as the reason where a trade stops at one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import Ints
from rebalancer.engine.hold_ranges import HoldRanges, Kept, by_holding, kept, together
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.decision import SkipReason
from rebalancer.engine.optimiser.work import ANY

HELD_RANGE = PLACES[SkipReason.HELD_RANGE.value]


def set_ranges(search: Search, book: Book) -> Ints:
    """Write the book's ranges into the problem as fewest and most steps; the rows that have one."""
    if book.ranges is None:
        return np.zeros(0, dtype=np.int64)
    table, found = search.problem.rows, []
    for row, one in _ranges(search, book.ranges, len(book.securities.symbol)):
        quantity, step = int(table["quantity"][row]), int(table["step"][row])
        if one.lowest is not None and one.lowest > 0:
            table["lowest"][row] = -(max(quantity - one.lowest, 0) // step)
        if one.highest is not None:
            table["highest"][row] = max(one.highest - quantity, 0) // step
        found.append(row)
    return np.array(found, dtype=np.int64)


def explain_ranges(search: Search, rows: Ints) -> None:
    """The range is the reason where a row trades all that it allows, or nothing since that is below the least trade."""
    table, outcome = search.problem.rows[rows], search.outcome
    steps = outcome.steps[rows]
    sells = table["quantity"] * (table["price"] / 1e6) > table["goal"]
    limit = np.where(sells, -table["lowest"], table["highest"])
    minimum = search.problem.accounts["minimum"][table["account"]]
    worth = limit * (table["step"] / 1e6) * table["price"]
    free = np.where(sells, table["sell_bar"], table["buy_bar"]) == 0
    used = (limit < ANY) & free & ((np.abs(steps) == limit) | ((steps == 0) & (worth < minimum)))
    outcome.skip[rows[used & (outcome.skip[rows] > 0)]] = HELD_RANGE


def _ranges(search: Search, ranges: HoldRanges, securities: int) -> Iterator[tuple[int, Kept]]:
    """Rows of the problem that have a price, with their range."""
    table = search.problem.rows
    keys = table["account"] * securities + table["security"]
    order = np.argsort(keys)
    for (account, security), found in by_holding(ranges).items():
        place = int(np.searchsorted(keys, account * securities + security, sorter=order))
        row = int(order[place]) if place < len(order) else -1
        if row < 0 or keys[row] != account * securities + security or table["price"][row] == 0:
            continue
        price, value = int(table["price"][row]), int(search.problem.accounts["value"][account])
        yield row, reduce(together, [kept(ranges, one, price=price, value=value) for one in found])
