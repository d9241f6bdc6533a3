"""The relaxation of an account whose distance is variance: the same curves, coupled by a covariance.

Cash moves between two securities, or a security and the till, along their hulls for as long as that pays (sequential
minimal optimisation). The tangent plane at the point reached, swept like any other account, is a lower bound of every
whole-step answer, since the variance term is convex.
"""

from __future__ import annotations

from math import inf

from rebalancer.engine.optimiser.compiled import compiled
from rebalancer.engine.optimiser.curves import moved, retilt
from rebalancer.engine.optimiser.problem import Problem, Risk
from rebalancer.engine.optimiser.search import Terms
from rebalancer.engine.optimiser.sweep import HARD, Till, sweep
from rebalancer.engine.optimiser.work import Work

ROUNDS = 60
"""Moves of the relaxation for each security."""


@compiled
def fill_matrix(work: Work, problem: Problem, risk: Risk, account: int) -> None:
    """The covariance of the account's securities."""
    begin, end = problem.row_offsets[account], problem.row_offsets[account + 1]
    loadings, specific = risk.loadings, risk.specific
    for row in range(begin, end):
        one = problem.rows[row].security
        for other in range(begin, row + 1):
            two = problem.rows[other].security
            total = specific[one] if one == two else 0.0
            for factor in range(loadings.shape[1]):
                total += loadings[one, factor] * loadings[two, factor]
            work.matrix[row - begin, other - begin] = total
            work.matrix[other - begin, row - begin] = total


@compiled
def deviation(work: Work, row: int, steps: float) -> float:
    one = work.rows[row]
    return one.held + steps * one.price - one.goal


@compiled
def refresh(work: Work, rows: int, factor: float) -> float:
    """Gradients from the deviations; gives back the variance term in dollars."""
    total = 0.0
    for row in range(rows):
        grad = 0.0
        for other in range(rows):
            grad += work.matrix[row, other] * work.rows[other].dev
        work.rows[row].grad = factor * grad
        total += 0.5 * factor * grad * work.rows[row].dev
    return total


@compiled
def shift(work: Work, rows: int, factor: float, row: int, by: float) -> None:
    """Change a deviation by dollars and all gradients with it."""
    work.rows[row].dev += by
    for other in range(rows):
        work.rows[other].grad += factor * work.matrix[row, other] * by


@compiled
def edge_of(work: Work, row: int, up: bool) -> int:
    """The hull's edge along which the row's cash can rise or fall: the place of its first corner, or -1."""
    one = work.rows[row]
    for place in range(one.corners - 1):
        low, high = work.points[row, work.corners[row, place]].y, work.points[row, work.corners[row, place + 1]].y
        if (up and low <= one.y < high) or (not up and low < one.y <= high):
            return place
    return -1


@compiled
def slope_of(work: Work, row: int, edge: int) -> tuple[float, float]:
    """Along an edge: cost, and deviation, a dollar of cash."""
    low, high = work.points[row, work.corners[row, edge]], work.points[row, work.corners[row, edge + 1]]
    over, by = high.y - low.y, moved(work, row, high.n) - moved(work, row, low.n)
    return (high.g - low.g) / over, work.rows[row].price * by / over


@compiled
def _till_slope(till: Till, cash: float, up: bool) -> float:
    """What a dollar more (up) or a dollar less of cash changes in what it is worth, a dollar."""
    if cash < till.floor or (not up and cash == till.floor):
        return -HARD
    if cash < till.target or (not up and cash == till.target):
        return -till.below
    return till.above


@compiled
def _till_room(till: Till, cash: float, up: bool) -> float:
    """Dollars until that changes."""
    for kink in (till.floor, till.target):
        if up and cash < kink:
            return kink - cash
    if not up:
        if cash > till.target:
            return cash - till.target
        if cash > till.floor:
            return cash - till.floor
    return inf


@compiled
def _move(work: Work, rows: int, factor: float, row: int, edge: int, up: bool, by: float) -> None:
    """Raise or lower a row's cash along an edge."""
    low, high = work.points[row, work.corners[row, edge]], work.points[row, work.corners[row, edge + 1]]
    one = work.rows[row]
    to = one.y + by if up else one.y - by
    if to >= high.y - 1e-9:
        to = high.y
    elif to <= low.y + 1e-9:
        to = low.y
    share = (to - low.y) / (high.y - low.y)
    begin = moved(work, row, low.n)
    part = begin + share * (moved(work, row, high.n) - begin)
    one.y = to
    shift(work, rows, factor, row, (part - one.part) * one.price)
    one.part = part


@compiled
def _room(work: Work, row: int, edge: int, up: bool) -> float:
    place = edge + 1 if up else edge
    return abs(work.points[row, work.corners[row, place]].y - work.rows[row].y)


@compiled
def _start(work: Work, rows: int, factor: float, till: Till) -> float:
    """Put every row on its hull, at no trade where that is a corner; the cash that makes."""
    cash = till.start
    for row in range(rows):
        one = work.rows[row]
        at = 0
        for place in range(one.corners):
            here = work.points[row, work.corners[row, place]]
            if abs(here.n) < abs(work.points[row, work.corners[row, at]].n):
                at = place
        point = work.points[row, work.corners[row, at]]
        one.y, one.part = point.y, moved(work, row, point.n)
        one.dev = deviation(work, row, one.part)
        cash += point.y
    refresh(work, rows, factor)
    return cash


@compiled
def relax(work: Work, rows: int, till: Till, factor: float, tolerance: float) -> float:
    """Minimise over the hulls; leaves `part`, `y`, `dev` and `grad` of every row. Gives back cash."""
    cash = _start(work, rows, factor, till)
    for _ in range(ROUNDS * (rows + 1)):
        raising, falling, cheapest, dearest = -1, -1, inf, -inf
        for row in range(rows):
            edge = edge_of(work, row, True)
            if edge >= 0:
                cost, tilt = slope_of(work, row, edge)
                if cost + work.rows[row].grad * tilt < cheapest:
                    raising, cheapest = row, cost + work.rows[row].grad * tilt
            edge = edge_of(work, row, False)
            if edge >= 0:
                cost, tilt = slope_of(work, row, edge)
                if cost + work.rows[row].grad * tilt > dearest:
                    falling, dearest = row, cost + work.rows[row].grad * tilt
        pair = dearest - cheapest if raising >= 0 and falling >= 0 else -inf
        alone_up = -(cheapest + _till_slope(till, cash, True)) if raising >= 0 else -inf
        alone_down = dearest + _till_slope(till, cash, False) if falling >= 0 else -inf
        best = max(pair, alone_up, alone_down)
        if best <= tolerance:
            break
        with_up, with_down = best in (pair, alone_up), best in (pair, alone_down)
        cash += _exchange(
            work, rows, factor, till, cash, best, raising if with_up else -1, falling if with_down else -1
        )
    return cash


@compiled
def _exchange(
    work: Work, rows: int, factor: float, till: Till, cash: float, gain: float, raising: int, falling: int
) -> float:
    """Move cash from one row to another, or to or from the till, as far as it pays; the change of cash."""
    room, curve = inf, 0.0
    tilt_up, tilt_down = 0.0, 0.0
    up, down = -1, -1
    if raising >= 0:
        up = edge_of(work, raising, True)
        tilt_up = slope_of(work, raising, up)[1]
        room = min(room, _room(work, raising, up, True))
        curve += tilt_up * tilt_up * work.matrix[raising, raising]
    if falling >= 0:
        down = edge_of(work, falling, False)
        tilt_down = -slope_of(work, falling, down)[1]
        room = min(room, _room(work, falling, down, False))
        curve += tilt_down * tilt_down * work.matrix[falling, falling]
    if raising >= 0 and falling >= 0:
        curve += 2.0 * tilt_up * tilt_down * work.matrix[raising, falling]
    else:
        room = min(room, _till_room(till, cash, raising >= 0))
    by = room if factor * curve <= 0.0 else min(room, gain / (factor * curve))
    if raising >= 0:
        _move(work, rows, factor, raising, up, True, by)
    if falling >= 0:
        _move(work, rows, factor, falling, down, False, by)
    if raising >= 0 and falling >= 0:
        return 0.0
    return by if raising >= 0 else -by


@compiled
def tangent_bound(work: Work, rows: int, till: Till, terms: Terms, factor: float) -> float:
    """The least that any whole-step answer in the rows' ranges costs, by the tangent plane at the relaxed point."""
    variance = refresh(work, rows, factor)
    for row in range(rows):
        retilt(work, row, work.rows[row].grad, terms.commission)
    bound = sweep(work, rows, till).bound - variance
    for row in range(rows):
        retilt(work, row, 0.0, terms.commission)
    return bound
