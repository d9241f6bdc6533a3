"""Branch and bound over the relaxation: where a search could not end, the row between two corners is cut in two.

The cut lies at the steps where the sweep would have it stand, so that either side excludes the relaxation's answer and
raises the bound. Depth first; a side whose bound reaches the best answer known is left out.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np

from rebalancer.engine.optimiser.compiled import compiled
from rebalancer.engine.optimiser.curves import cash_of, cut
from rebalancer.engine.optimiser.search import Terms, cost_of, search
from rebalancer.engine.optimiser.sweep import Till, sweep, worth
from rebalancer.engine.optimiser.work import ANY, CUTS, Work


class Effort(NamedTuple):
    """How far to go for an account."""

    branches: int
    """Relaxations solved."""
    nodes: int
    """Combinations looked at in each of them."""
    walk: int
    """Steps looked at to either side of a curve's points."""
    tolerance: float
    """Fraction of the account's value that no longer matters."""
    dividing: float
    """Fraction of the account's value above the bound from which it is worth to branch."""


class Answer(NamedTuple):
    """Dollars; no answer costs less than `bound`."""

    objective: float
    bound: float
    proven: bool
    nodes: int


@compiled
def _apply(work: Work, rows: int, depth: int, terms: Terms) -> None:
    """Set every row's range to what the path to this depth allows; a row whose range stays keeps its hull."""
    for row in range(rows):
        one = work.rows[row]
        low, high = -ANY, ANY
        for place in range(depth):
            if work.path[place].row == row:
                low, high = max(low, work.path[place].low), min(high, work.path[place].high)
        if low != one.low or high != one.high:
            cut(work, row, low, high, terms.price_of_drift, terms.commission, terms.value)


@compiled
def _divide(work: Work, row: int, cash: float, below: float, bound: float, stack: int, depth: int) -> int:
    """Put both sides of a row's fractional steps on the stack; the new height."""
    one = work.rows[row]
    here, there = work.points[row, work.corners[row, one.at]], work.points[row, work.corners[row, one.at + 1]]
    share = (cash - below) / (there.y - here.y)
    at = np.int64(np.floor(here.n + share * (there.n - here.n)))
    at = min(max(at, there.n), here.n - 1)
    for side in range(2):
        branch = work.cuts[stack]
        branch.row, branch.depth, branch.bound = row, depth, bound
        branch.low, branch.high = (-ANY, at) if side == 0 else (at + 1, ANY)
        stack += 1
    return stack


@compiled
def has_room(work: Work, row: int) -> bool:
    """Can a row's curve take the two points of another cut?"""
    return row >= 0 and work.rows[row].points + 2 <= work.points.shape[1]


@compiled
def keep(work: Work, rows: int) -> None:
    """Remember the best answer of this branch as the best of all."""
    for row in range(rows):
        work.rows[row].kept = work.rows[row].best


@compiled
def least_open(work: Work, stack: int, bound: float) -> float:
    """The lowest bound of what was left open."""
    for place in range(stack):
        bound = min(bound, work.cuts[place].bound)
    return bound


@compiled
def branch(work: Work, rows: int, till: Till, terms: Terms, effort: Effort) -> Answer:
    """The best answer found within the effort, its steps in `kept`, and the bound proven."""
    best, bound, proven, root = inf, inf, True, -inf
    seen, stack, branches, depth = 0, 0, 0, 0
    while True:
        branches += 1
        swept = sweep(work, rows, till)
        root = swept.bound if branches == 1 else root
        if swept.bound < best - terms.tolerance:
            limit = best - swept.bound + terms.tolerance
            found = search(work, rows, swept, till, terms, limit, effort.nodes, effort.walk)
            seen += found.nodes
            if swept.bound + found.excess < best:
                best = swept.bound + found.excess
                keep(work, rows)
            room = stack + 2 <= CUTS and depth + 1 < CUTS and branches < effort.branches
            room = room and has_room(work, swept.partial)
            if found.proven:
                bound = min(bound, swept.bound + found.excess)
            elif swept.partial >= 0 and room and found.excess > effort.dividing * terms.value:
                stack = _divide(work, swept.partial, swept.cash, swept.below, swept.bound, stack, depth)
            else:
                bound, proven = min(bound, swept.bound), False
        while stack > 0 and work.cuts[stack - 1].bound >= best - terms.tolerance:
            stack -= 1
        if stack == 0 or branches >= effort.branches:
            break
        stack -= 1
        depth = work.cuts[stack].depth
        work.path[depth] = work.cuts[stack]
        depth += 1
        _apply(work, rows, depth, terms)
    best = reprice(work, rows, till, terms)
    bound = min(least_open(work, stack, bound), best - terms.tolerance)
    return Answer(best, min(max(root, bound), best), proven and stack == 0, seen)


@compiled
def reprice(work: Work, rows: int, till: Till, terms: Terms) -> float:
    """What the steps in `kept` cost, from the curves themselves."""
    total, cash = 0.0, till.start
    for row in range(rows):
        one = work.rows[row]
        one.low, one.high = -ANY, ANY
        total += cost_of(work, row, one.kept, terms)
        cash += cash_of(work, row, one.kept, terms.commission)
    return total + worth(till, cash)
