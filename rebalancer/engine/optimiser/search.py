"""From the relaxation to whole steps: a depth-first search over what may still be better, with a proof where it ends.

At the sweep's price of cash every alternative of a row costs some reduced amount (never negative) more than the row's
cheapest, and so does every level of cash. Their sum is what an answer lies above the bound, so an alternative whose
own excess reaches that of the best answer known can be left out for good. Rows are few and alternatives near the
optimum fewer; the row that the sweep left between two corners takes up the cash that the others leave.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np

from rebalancer.engine.optimiser.compiled import compiled
from rebalancer.engine.optimiser.curves import cash_of, drift_cost, trade_cost
from rebalancer.engine.optimiser.sweep import Swept, Till, worth
from rebalancer.engine.optimiser.work import OPTIONS, Work


class Terms(NamedTuple):
    """What a curve needs beside the row, and the differences that no longer matter; dollars."""

    price_of_drift: float
    commission: float
    value: float
    tolerance: float


class Found(NamedTuple):
    """`excess`: dollars above the relaxation's bound. `proven`: nothing cheaper exists."""

    excess: float
    proven: bool
    nodes: int


@compiled
def cost_of(work: Work, row: int, steps: int, terms: Terms) -> float:
    """A row's curve at any number of steps."""
    return trade_cost(work, row, steps, terms.commission) + drift_cost(
        work, row, steps, terms.price_of_drift, terms.value
    )


@compiled
def _excess_cash(till: Till, price: float, cash: float) -> float:
    """What a level of cash costs more than the cheapest level at the price of cash."""
    at = till.target if price <= till.below else till.floor
    return worth(till, cash) + price * cash - (worth(till, at) + price * at)


@compiled
def _offer(work: Work, row: int, steps: int, excess: float, cash: float) -> bool:
    """Keep an option by ascending excess; False where one had to be dropped."""
    count = work.rows[row].options
    place = count
    for known in range(count):
        if work.options[row, known].n == steps:
            return True
    while place > 0 and work.options[row, place - 1].excess > excess:
        place -= 1
    full = count >= OPTIONS
    if full and place >= OPTIONS:
        return False
    for later in range(min(count, OPTIONS - 1), place, -1):
        work.options[row, later].n = work.options[row, later - 1].n
        work.options[row, later].excess = work.options[row, later - 1].excess
        work.options[row, later].cash = work.options[row, later - 1].cash
    work.options[row, place].n = steps
    work.options[row, place].excess = excess
    work.options[row, place].cash = cash
    if not full:
        work.rows[row].options = count + 1
    return not full


@compiled
def _list_options(work: Work, row: int, terms: Terms, price: float, limit: float, walk: int) -> bool:
    """All steps of a row whose excess is below the limit; False where the list is not complete."""
    work.rows[row].options = 0
    complete = True
    points = work.rows[row].points
    for place in range(points):
        steps = work.points[row, place].n
        excess = max(work.points[row, place].g - price * work.points[row, place].y - work.rows[row].base, 0.0)
        if not excess < limit:
            continue
        complete &= _offer(work, row, steps, excess, work.points[row, place].y)
        for side in (-1, 1):
            neighbour = place - side
            if neighbour < 0 or neighbour >= points:
                continue
            end = work.points[row, neighbour].n
            at = steps
            for count in range(walk + 1):
                at += side
                if (end - at) * side <= 0:
                    break
                cost = cost_of(work, row, at, terms)
                cash = cash_of(work, row, at, terms.commission)
                excess = max(cost - price * cash - work.rows[row].base, 0.0)
                if not excess < limit:
                    break
                if count == walk:
                    complete = False
                    break
                complete &= _offer(work, row, at, excess, cash)
    return complete


@compiled
def _settle(
    work: Work, row: int, terms: Terms, till: Till, price: float, cash: float, limit: float
) -> tuple[float, int]:
    """The balancing row's best steps, given all others; its excess with that of cash, or `limit` where none is less."""
    best, least = 0, limit
    for place in range(work.rows[row].points):
        excess = work.points[row, place].g - price * work.points[row, place].y - work.rows[row].base
        if excess < least:
            excess += _excess_cash(till, price, cash + work.points[row, place].y)
            if excess < least:
                best, least = work.points[row, place].n, excess
    for wanted in (till.target, till.floor):
        short = wanted - cash
        unit = work.rows[row].proceeds if short > 0.0 else work.rows[row].outlay
        if unit <= 0.0 or abs(short) == inf:
            continue
        near = np.int64(np.floor(-(short + terms.commission) / unit))
        for steps in range(near - 1, near + 3):
            brings = cash_of(work, row, steps, terms.commission)
            beside = _excess_cash(till, price, cash + brings)
            if beside >= least:
                continue
            excess = cost_of(work, row, steps, terms) - price * brings - work.rows[row].base + beside
            if excess < least:
                best, least = steps, excess
    return least, best


@compiled
def search(work: Work, rows: int, swept: Swept, till: Till, terms: Terms, limit: float, nodes: int, walk: int) -> Found:
    """Choose whole steps for every row, in `best`: whatever is less than the limit above the relaxation's bound.

    :param limit: excess of the best answer known from elsewhere; given back where nothing less is found
    :param nodes: how many combinations may be looked at
    :param walk: how many steps to either side of a curve's points
    """
    partial, price = swept.partial, swept.price
    cash = till.start
    for row in range(rows):
        work.rows[row].best = work.rows[row].start
        if row != partial:
            cash += cash_of(work, row, work.rows[row].start, terms.commission)
    if partial < 0:
        return Found(min(max(_excess_cash(till, price, cash), 0.0), limit), True, 0)
    least, steps = _settle(work, partial, terms, till, price, cash, inf)
    work.rows[partial].best = steps
    least = min(least, limit)
    if least <= terms.tolerance:
        return Found(max(least, 0.0), True, 1)
    complete = True
    depths = 0
    for row in range(rows):
        if row == partial:
            continue
        complete &= _list_options(work, row, terms, price, least, walk)
        if work.rows[row].options > 1:
            cash -= cash_of(work, row, work.rows[row].start, terms.commission)
            place = depths
            while place > 0 and work.options[work.levels[place - 1].row, 1].excess < work.options[row, 1].excess:
                work.levels[place].row = work.levels[place - 1].row
                place -= 1
            work.levels[place].row = row
            depths += 1
    return _descend(work, depths, swept, till, terms, cash, least, nodes, complete)


@compiled
def _descend(
    work: Work,
    depths: int,
    swept: Swept,
    till: Till,
    terms: Terms,
    cash: float,
    least: float,
    nodes: int,
    complete: bool,
) -> Found:
    """Depth first over the listed options of the rows in `levels`, the balancing row last.

    :param cash: with all rows of the levels and the balancing row left out
    :param least: excess of the best answer known
    """
    partial, price = swept.partial, swept.price
    if depths == 0:
        return Found(max(least, 0.0), complete, 1)
    depth, seen = 0, 0
    work.levels[0].option = -1
    work.levels[0].spent = 0.0
    work.levels[0].cash = cash
    while depth >= 0:
        row = work.levels[depth].row
        work.levels[depth].option += 1
        option = work.levels[depth].option
        if (
            option >= work.rows[row].options
            or work.levels[depth].spent + work.options[row, option].excess >= least - terms.tolerance
        ):
            depth -= 1
            continue
        seen += 1
        if seen > nodes:
            return Found(max(least, 0.0), least <= terms.tolerance, seen)
        work.levels[depth].chosen = option
        spent = work.levels[depth].spent + work.options[row, option].excess
        held = work.levels[depth].cash + work.options[row, option].cash
        if depth + 1 < depths:
            depth += 1
            work.levels[depth].option = -1
            work.levels[depth].spent = spent
            work.levels[depth].cash = held
            continue
        limit = least - spent
        excess, steps = _settle(work, partial, terms, till, price, held, limit)
        if excess < limit:
            least = spent + excess
            work.rows[partial].best = steps
            for place in range(depths):
                chosen = work.levels[place].row
                work.rows[chosen].best = work.options[chosen, work.levels[place].chosen].n
            if least <= terms.tolerance:
                return Found(max(least, 0.0), True, seen)
    return Found(max(least, 0.0), complete, seen)
