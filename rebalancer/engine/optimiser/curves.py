"""What trading one security costs an account, as a function of whole steps, and that curve's lower convex hull.

A curve adds up tax (lots in the order of the relief method), half the spread, fees, commission and the price of the
drift that is left. It is not convex: a trade is nothing or at least a smallest one, and a loss may only be taken where
no recent purchase is kept. Its hull over all whole steps is what a relaxation may use (`sweep`).
"""

from __future__ import annotations

from math import ceil, floor, inf

from rebalancer.engine.optimiser.compiled import compiled
from rebalancer.engine.optimiser.work import ANY, STATES, Work

EVENNESS = 1e-4
"""Deep deviations count more by this, times deviation over value: of equal trades the deepest comes first."""
LEVELS = (0.01, 0.04, 0.14, 0.4)
"""Deviations, as fractions of the account, at which that difference shows."""


@compiled
def moved(work: Work, row: int, steps: int) -> float:
    """Steps that really change hands: the last step of a sale may be what is left of the position."""
    return max(float(steps), -work.rows[row].whole)


@compiled
def tax_of(work: Work, row: int, state: int, sold: float) -> float:
    """Dollars of tax on so many steps sold, lots in their order."""
    total = 0.0
    begin = 0.0
    for place in range(work.states[row, state].lots):
        end = work.lots[row, state, place].end
        rate = work.lots[row, state, place].tax
        if sold <= end:
            return total + (sold - begin) * rate
        total += (end - begin) * rate
        begin = end
    return total


@compiled
def state_of(work: Work, row: int, sold: int) -> int:
    """The state in which so many steps are sold at the least tax; -1 where none allows it."""
    found, least = -1, inf
    for state in range(STATES):
        begin = work.states[row, state].begin
        if begin > 0 and begin <= sold <= work.states[row, state].end:
            tax = tax_of(work, row, state, sold)
            if tax < least:
                found, least = state, tax
    return found


@compiled
def drift_cost(work: Work, row: int, steps: int, price_of_drift: float, value: float) -> float:
    """The price of half the deviation that is left."""
    off = abs(work.rows[row].held + moved(work, row, steps) * work.rows[row].price - work.rows[row].goal)
    return 0.5 * price_of_drift * off * (1.0 + EVENNESS * off / value)


@compiled
def trade_cost(work: Work, row: int, steps: int, commission: float) -> float:
    """Dollars of tax, spread, fees and commission; infinite for a trade that is not allowed."""
    one = work.rows[row]
    if steps < one.low or steps > one.high or steps < one.lowest or steps > one.highest:
        return inf
    if steps == 0:
        return inf if work.rows[row].bound_to_sell else 0.0
    if steps > 0:
        if steps < work.rows[row].least or steps > work.rows[row].most_buy:
            return inf
        return steps * work.rows[row].friction + commission
    tax = _least_tax(work, row, -steps)
    return tax if tax == inf else -moved(work, row, steps) * (one.friction + one.fee) + commission + tax


@compiled
def _least_tax(work: Work, row: int, sold: int) -> float:
    """Of the states in which so many steps may be sold; infinite where none allows it."""
    least = inf
    for state in range(STATES):
        one = work.states[row, state]
        if one.begin > 0 and one.begin <= sold <= one.end:
            least = min(least, tax_of(work, row, state, sold))
    return least


@compiled
def cash_of(work: Work, row: int, steps: int, commission: float) -> float:
    """What the trade brings into cash."""
    if steps == 0:
        return 0.0
    if steps > 0:
        return -steps * work.rows[row].outlay - commission
    return -moved(work, row, steps) * work.rows[row].proceeds - commission


@compiled
def _add(work: Work, row: int, steps: int) -> None:
    """Take a number of steps among the points of the curve, once, in descending order."""
    count = work.rows[row].points
    place = count
    while place > 0 and work.points[row, place - 1].n < steps:
        place -= 1
    if place > 0 and work.points[row, place - 1].n == steps:
        return
    if count >= work.points.shape[1]:
        return
    for later in range(count, place, -1):
        work.points[row, later] = work.points[row, later - 1]
    work.points[row, place].n = steps
    work.rows[row].points = count + 1


@compiled
def _add_buy(work: Work, row: int, at: float) -> None:
    for steps in (floor(at), ceil(at)):
        if work.rows[row].least <= steps <= work.rows[row].most_buy:
            _add(work, row, int(steps))


@compiled
def _add_sale(work: Work, row: int, state: int, at: float) -> None:
    for steps in (floor(at), ceil(at)):
        if work.states[row, state].begin <= steps <= work.states[row, state].end:
            _add(work, row, -int(steps))


@compiled
def draw(work: Work, row: int, price_of_drift: float, commission: float, value: float) -> None:
    """Find the points of a row's curve: between two neighbours in `points` the curve is not below their chord."""
    one = work.rows[row]
    one.points = 0
    one.low, one.high = -ANY, ANY
    _add(work, row, 0)
    short = (one.goal - one.held) / one.price if one.price > 0.0 else 0.0
    level = value / one.price if one.price > 0.0 and price_of_drift > 0.0 else 0.0
    if one.most_buy > 0:
        _add(work, row, one.least)
        _add(work, row, one.most_buy)
        _add_buy(work, row, short)
        for part in LEVELS:
            if level > 0.0:
                _add_buy(work, row, short - part * level)
    for state in range(STATES):
        if work.states[row, state].begin > 0:
            _draw_sales(work, row, state, -short, level)
    for steps in (one.lowest, one.highest):
        if abs(steps) < ANY and trade_cost(work, row, steps, commission) < inf:
            _add(work, row, steps)
    for place in range(one.points):
        mark(work, row, place, price_of_drift, commission, value)


@compiled
def _draw_sales(work: Work, row: int, state: int, over: float, level: float) -> None:
    """Points of the sales of one state: its ends, the goal, the levels of deviation, and the ends of its lots."""
    _add(work, row, -work.states[row, state].begin)
    _add(work, row, -work.states[row, state].end)
    _add_sale(work, row, state, over)
    for part in LEVELS:
        if level > 0.0:
            _add_sale(work, row, state, over - part * level)
    for place in range(work.states[row, state].lots):
        _add_sale(work, row, state, work.lots[row, state, place].end)


@compiled
def mark(work: Work, row: int, place: int, price_of_drift: float, commission: float, value: float) -> None:
    """Work out cash and cost of a point."""
    point = work.points[row, place]
    point.y = cash_of(work, row, point.n, commission)
    point.g = trade_cost(work, row, point.n, commission) + drift_cost(work, row, point.n, price_of_drift, value)


@compiled
def retilt(work: Work, row: int, slope: float, commission: float) -> None:
    """Give the curve a slope by deviation, in place of a price of drift, and wrap it."""
    one = work.rows[row]
    for place in range(one.points):
        point = work.points[row, place]
        if point.n < one.low or point.n > one.high:
            continue
        tilt = slope * (one.held + moved(work, row, point.n) * one.price - one.goal)
        point.g = trade_cost(work, row, point.n, commission) + tilt
    wrap(work, row)


@compiled
def cut(work: Work, row: int, low: int, high: int, price_of_drift: float, commission: float, value: float) -> None:
    """Allow no fewer and no more steps than these, and wrap what is left."""
    one = work.rows[row]
    one.low, one.high = low, high
    for steps in (low, high):
        if abs(steps) < ANY and trade_cost(work, row, steps, commission) < inf:
            before = one.points
            _add(work, row, steps)
            if one.points > before:
                place = 0
                while work.points[row, place].n != steps:
                    place += 1
                mark(work, row, place, price_of_drift, commission, value)
    wrap(work, row)


@compiled
def wrap(work: Work, row: int) -> None:
    """The lower convex hull of the row's allowed points, by ascending cash (Andrew's monotone chain)."""
    count = 0
    one = work.rows[row]
    for place in range(one.points):
        point = work.points[row, place]
        if point.n < one.low or point.n > one.high or point.g == inf:
            continue
        if count > 0 and point.y <= work.points[row, work.corners[row, count - 1]].y:
            continue
        while count >= 2:
            before, last = (
                work.points[row, work.corners[row, count - 2]],
                work.points[row, work.corners[row, count - 1]],
            )
            if (last.g - before.g) * (point.y - last.y) < (point.g - last.g) * (last.y - before.y):
                break
            count -= 1
        work.corners[row, count] = place
        count += 1
    one.corners = count
