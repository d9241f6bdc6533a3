"""From the relaxed variance to whole steps: rounding, exact improvement of one and two securities, branching."""

from __future__ import annotations

from math import ceil, floor, inf

from rebalancer.engine.optimiser.branch import Answer, Effort, has_room, keep, least_open
from rebalancer.engine.optimiser.compiled import MICRO, compiled
from rebalancer.engine.optimiser.curves import cash_of, cut, moved, trade_cost, wrap
from rebalancer.engine.optimiser.search import Terms
from rebalancer.engine.optimiser.sweep import Till, worth
from rebalancer.engine.optimiser.variance import deviation, edge_of, refresh, relax, shift, slope_of, tangent_bound
from rebalancer.engine.optimiser.work import ANY, CUTS, Work

SWEEPS = 8
STEPS = (1, -1, 3, -3)


@compiled
def _nearest(work: Work, row: int, part: float) -> int:
    """The whole number of steps nearest to a part of one; what sells a position counts as whole."""
    whole = work.rows[row].whole
    return -ceil(whole) if whole > 0.0 and part <= -whole + 1e-9 else round(part)


@compiled
def _allowed(work: Work, row: int, near: float, terms: Terms) -> int:
    """The allowed number of steps nearest to a number of them; 0 where none is found."""
    below, above = floor(near), ceil(near)
    for steps in (_nearest(work, row, near), below, above):
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
        one.dev = deviation(work, row, moved(work, row, one.best))
        cash += cash_of(work, row, one.best, terms.commission)
    refresh(work, rows, factor)
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
    by = (moved(work, row, steps) - moved(work, row, one.best)) * one.price
    cost -= trade_cost(work, row, one.best, terms.commission)
    return cost + one.grad * by + 0.5 * factor * work.matrix[row, row] * by * by


@compiled
def _take(work: Work, rows: int, row: int, steps: int, terms: Terms, factor: float) -> float:
    """Set other steps; the cash that brings."""
    one = work.rows[row]
    brings = cash_of(work, row, steps, terms.commission) - cash_of(work, row, one.best, terms.commission)
    by = moved(work, row, steps) - moved(work, row, one.best)
    shift(work, rows, factor, row, by * one.price)
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
    by = (moved(work, row, steps) - moved(work, row, work.rows[row].best)) * work.rows[row].price
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
            answers = moved(work, other, tried) - moved(work, other, one.best)
            total = change + also + coupled * answers + worth(till, left) - worth(till, cash)
            if total < least:
                found, answer, least = other, tried, total
    return found, answer


@compiled
def _total(work: Work, rows: int, till: Till, terms: Terms, factor: float, cash: float) -> float:
    """What the steps in `best` cost."""
    total = worth(till, cash)
    for row in range(rows):
        work.rows[row].dev = deviation(work, row, moved(work, row, work.rows[row].best))
        total += trade_cost(work, row, work.rows[row].best, terms.commission)
    return total + refresh(work, rows, factor)


@compiled
def _to_divide(work: Work, rows: int, terms: Terms) -> int:
    """The row furthest, in dollars, from steps that are allowed, or whose curve lies furthest above its hull.

    Its relaxed steps are kept in `kept_part`.
    """
    found, most = -1, 1e-7 * terms.value / MICRO
    for row in range(rows):
        one = work.rows[row]
        one.kept_part = one.part
        if one.corners < 2:
            continue
        steps = _nearest(work, row, one.part)
        away = abs(one.part - moved(work, row, steps))
        distance = away * one.price
        if away < 1e-7 or trade_cost(work, row, steps, terms.commission) == inf:
            distance = max(distance, _above_hull(work, row, terms))
        if distance > most:
            found, most = row, distance
    return found


@compiled
def _above_hull(work: Work, row: int, terms: Terms) -> float:
    """Dollars by which the curve at the relaxed steps lies above the hull."""
    one = work.rows[row]
    cost = trade_cost(work, row, _nearest(work, row, one.part), terms.commission)
    edge = max(edge_of(work, row, True), edge_of(work, row, False))
    if cost == inf:
        return one.price
    low = work.points[row, work.corners[row, edge]]
    return cost - (low.g + (one.y - low.y) * slope_of(work, row, edge)[0])


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
def _divide(work: Work, row: int, bound: float, stack: int, depth: int) -> int:
    """Put both sides of a row's relaxed steps on the stack; the new height."""
    at = floor(work.rows[row].kept_part + 1e-7)
    for side in range(2):
        one = work.cuts[stack]
        one.row, one.depth, one.bound = row, depth, bound
        one.low, one.high = (-ANY, at) if side == 0 else (at + 1, ANY)
        stack += 1
    return stack


@compiled
def _try(work: Work, rows: int, till: Till, terms: Terms, factor: float) -> float:
    """Round, improve and price: what the steps in `best` cost."""
    cash = _round(work, rows, till, terms, factor)
    return _total(work, rows, till, terms, factor, _improve(work, rows, till, terms, factor, cash))


@compiled
def branch_risk(work: Work, rows: int, till: Till, terms: Terms, factor: float, effort: Effort) -> Answer:
    """The best answer found within the effort, its steps in `kept`, and the bound proven."""
    best, bound, proven, stack, depth, seen, root = inf, inf, True, 0, 0, 0, -inf
    while True:
        seen += 1
        relax(work, rows, till, factor, 1e-8)
        below = tangent_bound(work, rows, till, terms, factor)
        root = below if seen == 1 else root
        if below < best - terms.tolerance:
            row = _to_divide(work, rows, terms)
            total = _try(work, rows, till, terms, factor)
            if total < best:
                best = total
                keep(work, rows)
            room = stack + 2 <= CUTS and depth + 1 < CUTS and seen < effort.branches and has_room(work, row)
            if total - below <= terms.tolerance:
                bound = min(bound, total)
            elif row >= 0 and room and best - below > effort.dividing * terms.value:
                stack = _divide(work, row, below, stack, depth)
            else:
                bound, proven = min(bound, below), False
        while stack > 0 and work.cuts[stack - 1].bound >= best - terms.tolerance:
            stack -= 1
        if stack == 0 or seen >= effort.branches:
            break
        stack -= 1
        depth = work.cuts[stack].depth
        work.path[depth] = work.cuts[stack]
        depth += 1
        _set_path(work, rows, depth, terms)
    bound = min(least_open(work, stack, bound), best - terms.tolerance)
    return Answer(best, min(max(root, bound), best), proven and stack == 0, seen)
