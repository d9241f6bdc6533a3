"""Distance as variance: the same curves, coupled by a covariance.

The relaxation moves cash between two securities, or a security and the till, along their hulls for as long as that
pays (sequential minimal optimisation); its tangent plane at the point reached, swept like any other account, is a lower
bound of every whole-step answer, since the variance term is convex. Steps are rounded, improved one and two securities
at a time with exact differences, and branched upon.
"""

from __future__ import annotations

from math import ceil, floor, inf

from rebalancer.engine.optimiser.branch import Answer, Effort
from rebalancer.engine.optimiser.compiled import MICRO, compiled
from rebalancer.engine.optimiser.curves import ANY, cash_of, cut, retilt, trade_cost, wrap
from rebalancer.engine.optimiser.problem import Problem, Risk
from rebalancer.engine.optimiser.search import Terms
from rebalancer.engine.optimiser.sweep import HARD, Till, sweep, worth
from rebalancer.engine.optimiser.work import CUTS, Work

ROUNDS = 60
"""Moves of the relaxation for each security."""
SWEEPS = 8
STEPS = (1, -1, 3, -3)


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
def _deviation(work: Work, row: int, steps: float) -> float:
    one = work.rows[row]
    return one.held + steps * one.price - one.goal


@compiled
def _refresh(work: Work, rows: int, factor: float) -> float:
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
def _shift(work: Work, rows: int, factor: float, row: int, by: float) -> None:
    """Change a deviation by dollars and all gradients with it."""
    work.rows[row].dev += by
    for other in range(rows):
        work.rows[other].grad += factor * work.matrix[row, other] * by


@compiled
def _edge(work: Work, row: int, up: bool) -> int:
    """The hull's edge along which the row's cash can rise or fall: the place of its first corner, or -1."""
    one = work.rows[row]
    for place in range(one.corners - 1):
        low, high = work.points[row, work.corners[row, place]].y, work.points[row, work.corners[row, place + 1]].y
        if (up and low <= one.y < high) or (not up and low < one.y <= high):
            return place
    return -1


@compiled
def _slope(work: Work, row: int, edge: int) -> tuple[float, float]:
    """Along an edge: cost, and deviation, a dollar of cash."""
    low, high = work.points[row, work.corners[row, edge]], work.points[row, work.corners[row, edge + 1]]
    over = high.y - low.y
    return (high.g - low.g) / over, work.rows[row].price * (high.n - low.n) / over


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
    part = low.n + share * (high.n - low.n)
    one.y = to
    _shift(work, rows, factor, row, (part - one.part) * one.price)
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
        one.y, one.part = point.y, float(point.n)
        one.dev = _deviation(work, row, one.part)
        cash += point.y
    _refresh(work, rows, factor)
    return cash


@compiled
def relax(work: Work, rows: int, till: Till, factor: float, tolerance: float) -> float:
    """Minimise over the hulls; leaves `part`, `y`, `dev` and `grad` of every row. Gives back cash."""
    cash = _start(work, rows, factor, till)
    for _ in range(ROUNDS * (rows + 1)):
        raising, falling, cheapest, dearest = -1, -1, inf, -inf
        for row in range(rows):
            edge = _edge(work, row, True)
            if edge >= 0:
                cost, tilt = _slope(work, row, edge)
                if cost + work.rows[row].grad * tilt < cheapest:
                    raising, cheapest = row, cost + work.rows[row].grad * tilt
            edge = _edge(work, row, False)
            if edge >= 0:
                cost, tilt = _slope(work, row, edge)
                if cost + work.rows[row].grad * tilt > dearest:
                    falling, dearest = row, cost + work.rows[row].grad * tilt
        pair = dearest - cheapest if raising >= 0 and falling >= 0 else -inf
        alone_up = -(cheapest + _till_slope(till, cash, True)) if raising >= 0 else -inf
        alone_down = dearest + _till_slope(till, cash, False) if falling >= 0 else -inf
        best = max(pair, alone_up, alone_down)
        if best <= tolerance:
            break
        with_up, with_down = best == pair or best == alone_up, best == pair or best == alone_down
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
        up = _edge(work, raising, True)
        tilt_up = _slope(work, raising, up)[1]
        room = min(room, _room(work, raising, up, True))
        curve += tilt_up * tilt_up * work.matrix[raising, raising]
    if falling >= 0:
        down = _edge(work, falling, False)
        tilt_down = -_slope(work, falling, down)[1]
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
def _tangent_bound(work: Work, rows: int, till: Till, terms: Terms, factor: float) -> float:
    """The least that any whole-step answer in the rows' ranges costs, by the tangent plane at the relaxed point."""
    variance = _refresh(work, rows, factor)
    for row in range(rows):
        retilt(work, row, work.rows[row].grad, terms.commission)
    bound = sweep(work, rows, till).bound - variance
    for row in range(rows):
        retilt(work, row, 0.0, terms.commission)
    return bound


@compiled
def _allowed(work: Work, row: int, near: float, terms: Terms) -> int:
    """The allowed number of steps nearest to a number of them; 0 where none is found."""
    below, above = floor(near), ceil(near)
    for steps in (round(near), below, above):
        if trade_cost(work, row, int(steps), terms.commission) < inf:
            return int(steps)
    best, least = 0, inf
    for place in range(work.rows[row].points):
        point = work.points[row, place]
        if trade_cost(work, row, point.n, terms.commission) < inf and abs(point.n - near) < least:
            best, least = point.n, abs(point.n - near)
    return best


@compiled
def _round(work: Work, rows: int, till: Till, terms: Terms, factor: float) -> float:
    """Whole steps next to the relaxed point, in `best`; the cash they leave."""
    cash = till.start
    for row in range(rows):
        one = work.rows[row]
        one.best = _allowed(work, row, one.part, terms)
        one.dev = _deviation(work, row, float(one.best))
        cash += cash_of(work, row, one.best, terms.commission)
    _refresh(work, rows, factor)
    return cash


@compiled
def _candidate(work: Work, row: int, place: int) -> int:
    """Steps to try for a row instead of `best`: neighbours, nothing, and the smallest trades."""
    at = work.rows[row].best
    if place < len(STEPS):
        return at + STEPS[place]
    if place == len(STEPS):
        return 0
    return work.points[row, place - len(STEPS) - 1].n


@compiled
def _change(work: Work, row: int, steps: int, terms: Terms, factor: float) -> float:
    """What other steps of one row change, the till apart; infinite where they are not allowed."""
    one = work.rows[row]
    cost = trade_cost(work, row, steps, terms.commission)
    if cost == inf:
        return inf
    by = (steps - one.best) * one.price
    cost -= trade_cost(work, row, one.best, terms.commission)
    return cost + one.grad * by + 0.5 * factor * work.matrix[row, row] * by * by


@compiled
def _take(work: Work, rows: int, row: int, steps: int, terms: Terms, factor: float) -> float:
    """Set other steps; the cash that brings."""
    one = work.rows[row]
    brings = cash_of(work, row, steps, terms.commission) - cash_of(work, row, one.best, terms.commission)
    _shift(work, rows, factor, row, (steps - one.best) * one.price)
    one.best = steps
    return brings


@compiled
def _answering(work: Work, row: int, cash: float, place: int) -> int:
    """Steps of a row that take up cash another row brought: about as much, or a neighbour of that."""
    one = work.rows[row]
    unit = one.outlay if cash > 0.0 else one.proceeds
    return one.best + floor(cash / unit) + place


@compiled
def _improve(work: Work, rows: int, till: Till, terms: Terms, factor: float, cash: float) -> float:
    """Change one or two rows at a time while that lowers the cost; the cash left."""
    for _ in range(SWEEPS):
        before = cash
        changed = False
        for row in range(rows):
            for place in range(len(STEPS) + 1 + work.rows[row].points):
                steps = _candidate(work, row, place)
                if steps == work.rows[row].best:
                    continue
                change = _change(work, row, steps, terms, factor)
                if change == inf:
                    continue
                brings = cash_of(work, row, steps, terms.commission)
                brings -= cash_of(work, row, work.rows[row].best, terms.commission)
                if change + worth(till, cash + brings) - worth(till, cash) < -1e-9:
                    cash += _take(work, rows, row, steps, terms, factor)
                    changed = True
                    continue
                if place >= len(STEPS) + 1 and rows > 8:
                    continue
                other, answer = _partner(work, rows, row, steps, change, brings, till, terms, factor, cash)
                if other >= 0:
                    cash += _take(work, rows, row, steps, terms, factor)
                    cash += _take(work, rows, other, answer, terms, factor)
                    changed = True
        if not changed and cash == before:
            break
    return cash


@compiled
def _partner(  # noqa: PLR0913 - compiled code has no objects to carry these in
    work: Work,
    rows: int,
    row: int,
    steps: int,
    change: float,
    brings: float,
    till: Till,
    terms: Terms,
    factor: float,
    cash: float,
) -> tuple[int, int]:
    """The other row, and its steps, with which a change of a row pays best; (-1, 0) where none does."""
    found, answer, least = -1, 0, -1e-9
    by = (steps - work.rows[row].best) * work.rows[row].price
    for other in range(rows):
        if other == row:
            continue
        one = work.rows[other]
        coupled = factor * work.matrix[row, other] * by * one.price
        for place in range(-1, 4):
            tried = _answering(work, other, brings, place) if place < 3 else 0
            if tried == one.best:
                continue
            also = _change(work, other, tried, terms, factor)
            if also == inf:
                continue
            left = cash + brings + cash_of(work, other, tried, terms.commission)
            left -= cash_of(work, other, one.best, terms.commission)
            total = change + also + coupled * (tried - one.best) + worth(till, left) - worth(till, cash)
            if total < least:
                found, answer, least = other, tried, total
    return found, answer


@compiled
def _total(work: Work, rows: int, till: Till, terms: Terms, factor: float, cash: float) -> float:
    """What the steps in `best` cost."""
    total = worth(till, cash)
    for row in range(rows):
        work.rows[row].dev = _deviation(work, row, float(work.rows[row].best))
        total += trade_cost(work, row, work.rows[row].best, terms.commission)
    return total + _refresh(work, rows, factor)


@compiled
def _to_divide(work: Work, rows: int, terms: Terms) -> int:
    """The row that is furthest, in dollars, from steps that are allowed; or whose curve lies furthest above its hull."""
    found, most = -1, 1e-7 * terms.value / MICRO
    for row in range(rows):
        one = work.rows[row]
        if one.corners < 2:
            continue
        away = abs(one.part - round(one.part))
        distance = away * one.price
        if away < 1e-7 or trade_cost(work, row, int(round(one.part)), terms.commission) == inf:
            distance = max(distance, _above_hull(work, row, terms))
        if distance > most:
            found, most = row, distance
    return found


@compiled
def _above_hull(work: Work, row: int, terms: Terms) -> float:
    """Dollars by which the curve at the relaxed steps lies above the hull."""
    one = work.rows[row]
    steps = round(one.part)
    cost = trade_cost(work, row, int(steps), terms.commission)
    edge = max(_edge(work, row, True), _edge(work, row, False))
    if cost == inf:
        return one.price
    low = work.points[row, work.corners[row, edge]]
    return cost - (low.g + (one.y - low.y) * _slope(work, row, edge)[0])


@compiled
def _set_path(work: Work, rows: int, depth: int, terms: Terms) -> None:
    for row in range(rows):
        if work.rows[row].low > -ANY or work.rows[row].high < ANY:
            work.rows[row].low, work.rows[row].high = -ANY, ANY
            wrap(work, row)
    for place in range(depth):
        step = work.path[place]
        one = work.rows[step.row]
        low, high = max(one.low, step.low), min(one.high, step.high)
        cut(work, step.row, low, high, 0.0, terms.commission, terms.value)


@compiled
def branch_risk(work: Work, rows: int, till: Till, terms: Terms, factor: float, effort: Effort) -> Answer:
    """The best answer found within the effort, its steps in `kept`, and the bound proven."""
    best, bound, proven, stack, depth, seen, root = inf, inf, True, 0, 0, 0, -inf
    while True:
        seen += 1
        relax(work, rows, till, factor, 1e-8)
        below = _tangent_bound(work, rows, till, terms, factor)
        root = below if seen == 1 else root
        if below < best - terms.tolerance:
            row = _to_divide(work, rows, terms)
            part = work.rows[row].part if row >= 0 else 0.0
            cash = _improve(work, rows, till, terms, factor, _round(work, rows, till, terms, factor))
            total = _total(work, rows, till, terms, factor, cash)
            if total < best:
                best = total
                for one in range(rows):
                    work.rows[one].kept = work.rows[one].best
            if total - below > terms.tolerance:
                room = stack + 2 <= CUTS and depth + 1 < CUTS and seen < effort.branches
                if row >= 0 and room and best - below > effort.dividing * terms.value:
                    for side in range(2):
                        one = work.cuts[stack]
                        one.row, one.depth, one.bound = row, depth, below
                        one.low, one.high = (-ANY, floor(part + 1e-7)) if side == 0 else (floor(part + 1e-7) + 1, ANY)
                        stack += 1
                else:
                    bound, proven = min(bound, below), False
            else:
                bound = min(bound, total)
        while stack > 0 and work.cuts[stack - 1].bound >= best - terms.tolerance:
            stack -= 1
        if stack == 0 or seen >= effort.branches:
            break
        stack -= 1
        depth = work.cuts[stack].depth
        work.path[depth] = work.cuts[stack]
        depth += 1
        _set_path(work, rows, depth, terms)
    for place in range(stack):
        bound = min(bound, work.cuts[place].bound)
    bound = min(bound, best - terms.tolerance)
    return Answer(best, min(max(root, bound), best), proven and stack == 0, seen)
