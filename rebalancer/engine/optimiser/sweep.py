"""The relaxation of one account: a sorted sweep over one multiplier, the price of cash.

Securities meet only in cash. With every curve replaced by its lower convex hull, the cheapest combination takes the
hulls' edges in order of what a dollar of cash costs there, until cash is worth no more than that. The value it comes
to is a lower bound of what any whole-step answer costs (weak duality), and its corners are whole-step trades.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from rebalancer.engine.optimiser.compiled import compiled
from rebalancer.engine.optimiser.work import Work

HARD = 10_000.0
"""Dollars that a dollar of missing cash costs: more than any trade saves."""


class Till(NamedTuple):
    """What cash is worth to an account; dollars. `start` is there before trades, `floor` <= `target`."""

    start: float
    floor: float
    target: float
    below: float
    """A dollar missing to the target."""
    above: float
    """A dollar above it."""


class Swept(NamedTuple):
    """Where a sweep ended."""

    bound: float
    price: float
    """Dollars that one more dollar of cash would save."""
    partial: int
    """The row that stands between two corners, or -1."""
    cash: float
    below: float
    """Cash where the sweep stands, and where it would be with that row at the first of its corners."""


@compiled
def worth(till: Till, cash: float) -> float:
    """What is paid for having so much cash, above or below what is wanted."""
    if cash >= till.target:
        return till.above * (cash - till.target)
    missing = till.below * (till.target - cash)
    if cash < till.floor:
        missing += (HARD - till.below) * (till.floor - cash)
    return missing


@compiled
def rate(till: Till, cash: float) -> float:
    """What one more dollar of cash saves."""
    if cash < till.floor:
        return HARD
    return till.below if cash < till.target else -till.above


@compiled
def _until(till: Till, cost: float) -> float:
    """The cash up to which a dollar that costs so much is worth having."""
    if cost < -till.above:
        return inf
    return till.target if cost < till.below else till.floor


@compiled
def _edge(work: Work, row: int) -> float:
    """What a dollar of cash costs on the hull's edge after the row's corner; infinite at its end."""
    at = work.rows[row].at
    if at + 1 >= work.rows[row].corners:
        return inf
    here, there = work.points[row, work.corners[row, at]], work.points[row, work.corners[row, at + 1]]
    slope: float = (there.g - here.g) / (there.y - here.y)
    return slope


@compiled
def sweep(work: Work, rows: int, till: Till) -> Swept:
    """Find the cheapest combination of hulls; leaves each row's corner in `at`, its steps in `start`, its `base`."""
    cash, total = till.start, 0.0
    for row in range(rows):
        work.rows[row].at = 0
        work.rows[row].edge = _edge(work, row)
        first = work.corners[row, 0]
        cash += work.points[row, first].y
        total += work.points[row, first].g
    partial, price, last, before = -1, 0.0, -inf, cash
    while True:
        best, cost = -1, inf
        for row in range(rows):
            if work.rows[row].edge < cost:
                best, cost = row, work.rows[row].edge
        if best < 0 or cost >= rate(till, cash):
            price = max(rate(till, cash), last)
            break
        here, there = work.corners[best, work.rows[best].at], work.corners[best, work.rows[best].at + 1]
        step = work.points[best, there].y - work.points[best, here].y
        until = _until(till, cost)
        if cash + step > until:
            share = (until - cash) / step
            total += share * (work.points[best, there].g - work.points[best, here].g)
            cash, partial, price, before = until, best, cost, cash
            break
        cash += step
        total += work.points[best, there].g - work.points[best, here].g
        work.rows[best].at += 1
        work.rows[best].edge = _edge(work, best)
        last = cost
    for row in range(rows):
        place = work.corners[row, work.rows[row].at]
        work.rows[row].start = work.points[row, place].n
        work.rows[row].base = work.points[row, place].g - price * work.points[row, place].y
    return Swept(total + worth(till, cash), price, partial, cash, before)
