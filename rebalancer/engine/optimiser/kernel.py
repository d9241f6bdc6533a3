"""Account after account, compiled: households in order, each under its wash-sale guard."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rebalancer.engine.book_tables import Bools, Floats, Ints
from rebalancer.engine.optimiser.branch import Answer, Effort, branch, reprice
from rebalancer.engine.optimiser.codes import skip_code, trade_code
from rebalancer.engine.optimiser.compiled import MICRO, called, compiled, product
from rebalancer.engine.optimiser.curves import draw, state_of, wrap
from rebalancer.engine.optimiser.exact import cash_after, foots, gains, sold_by, traded
from rebalancer.engine.optimiser.problem import Problem, Risk
from rebalancer.engine.optimiser.risk import branch_risk
from rebalancer.engine.optimiser.search import Terms
from rebalancer.engine.optimiser.setup import FREE, FULL, LIQUIDATE, NO_BUY, NO_LOSS, QUIET, lay_out, waits
from rebalancer.engine.optimiser.sweep import Till
from rebalancer.engine.optimiser.variance import fill_matrix
from rebalancer.engine.optimiser.work import Work

IDLE = 1.0
"""Cash above its target counts this much more than other drift: proceeds are not left lying."""
MARGIN = 0.04
"""Dollars kept back for each security, since amounts and costs are charged in whole cents."""
CONFLICTS = 3
"""Wash groups of an account whose two sides are both tried out."""

SALES_ONLY: Any = np.bool_(False)
"""A literal would have all of `_decide` compiled a second time."""
SIDES = (NO_LOSS, NO_BUY, QUIET)


class Outcome(NamedTuple):
    """What was decided; by row of the problem, by lot, and by account of the book."""

    steps: Ints
    """Buys positive."""
    taken: Ints
    """Micro-shares of every lot that are sold."""
    reason: Ints
    """By row, why it is traded: a place in `codes.TRADES`."""
    skip: Ints
    """By row, why it is not, or no further: a place in `codes.SKIPS`."""
    objective: Floats
    bound: Floats
    proven: Bools
    nodes: Ints
    cash: Ints
    """Micro-dollars after withdrawals and trades, exactly."""
    short: Ints
    long: Ints
    """Gains realised, micro-dollars."""
    too_small: Bools
    """Trades were dropped because together they did not exceed the policy's minimum."""
    breach: Ints
    """0, or what `exact.foots` found wrong: a defect."""


class Guard(NamedTuple):
    """By wash group, what one household may do; wiped for the next."""

    not_bought: Bools
    no_loss: Bools
    recent: Ints
    side: Ints
    """FREE, NO_LOSS or NO_BUY, while both are tried."""


def outcome_for(problem: Problem) -> Outcome:
    """An outcome in which nothing is traded."""
    rows, lots, accounts = len(problem.rows), len(problem.lots), len(problem.accounts)
    return Outcome(
        steps=np.zeros(rows, dtype=np.int64),
        taken=np.zeros(lots, dtype=np.int64),
        reason=np.zeros(rows, dtype=np.int64),
        skip=np.zeros(rows, dtype=np.int64),
        objective=np.zeros(accounts),
        bound=np.zeros(accounts),
        proven=np.ones(accounts, dtype=np.bool_),
        nodes=np.zeros(accounts, dtype=np.int64),
        cash=np.zeros(accounts, dtype=np.int64),
        short=np.zeros(accounts, dtype=np.int64),
        long=np.zeros(accounts, dtype=np.int64),
        too_small=np.zeros(accounts, dtype=np.bool_),
        breach=np.zeros(accounts, dtype=np.int64),
    )


def guard_for(problem: Problem) -> Guard:
    """A guard that forbids nothing."""
    groups = problem.wash.groups + 1
    flags, counts = np.bool_, np.int64
    return Guard(
        not_bought=np.zeros(groups, dtype=flags),
        no_loss=np.zeros(groups, dtype=flags),
        recent=np.zeros(groups, dtype=counts),
        side=np.zeros(groups, dtype=counts),
    )


@compiled
def till_of(problem: Problem, account: int, mode: int, rows: int, half: float, buys: bool) -> Till:
    """What cash is worth to an account; `half` dollars for a dollar away from its target.

    Whoever buys must leave the reserve; cash that stands below it, but above its lower threshold, may stay there.
    """
    accounts = problem.accounts
    start, reserve = accounts[account].free / MICRO, accounts[account].reserve / MICRO
    above = half * (1.0 + IDLE) + accounts[account].cash_drag
    if mode == LIQUIDATE:
        return Till(start, accounts[account].value / MICRO, accounts[account].value / MICRO, half, 0.0)
    if accounts[account].missing > 0:
        floor = reserve + MARGIN * rows
        if mode != FULL:
            return Till(start, floor, floor, 1.0, 1.0)
        return Till(start, floor, max(accounts[account].cash_target / MICRO, floor), half, above)
    floor = reserve + MARGIN * rows
    if not buys:
        floor = min(floor, start)
    return Till(start, floor, max(accounts[account].cash_target / MICRO, floor), half, above)


@compiled
def _decide(
    work: Work,
    problem: Problem,
    account: int,
    mode: int,
    guard: Guard,
    effort: Effort,
    buys: bool,
    risk: Risk | None,
) -> Answer:
    """Lay out an account, draw its curves, and branch; steps in `kept`."""
    rows = lay_out(work, problem, account, mode, guard.not_bought, guard.no_loss, guard.recent, guard.side)
    one = problem.accounts[account]
    value = one.value / MICRO
    price = one.price_of_drift if risk is None else 0.0
    terms = Terms(price, one.commission / MICRO, value, effort.tolerance * value)
    till = till_of(problem, account, mode, rows, 0.5 * price, buys)
    for row in range(rows):
        if not buys:
            work.rows[row].most_buy = 0
        draw(work, row, price, terms.commission, value)
        wrap(work, row)
    if risk is not None:
        fill_matrix(work, problem, risk, account)
        return branch_risk(work, rows, till, terms, one.price_of_drift / value, effort)
    answer = branch(work, rows, till, terms, effort)
    usual = till_of(problem, account, mode, rows, 0.5 * price, False)
    if till.target == usual.target:
        return answer
    objective = reprice(work, rows, usual, terms)
    bound = min(answer.bound - till.above * (till.target - usual.target), objective)
    return Answer(objective, bound, answer.proven, answer.nodes)


@compiled
def _open_household(problem: Problem, household: int, guard: Guard) -> None:
    wash = problem.wash
    for place in range(wash.offsets[household], wash.offsets[household + 1]):
        guard.not_bought[wash.group[place]] |= wash.sold_at_loss[place]
        guard.no_loss[wash.group[place]] |= wash.bought[place]
    for place in range(wash.recent_offsets[household], wash.recent_offsets[household + 1]):
        guard.recent[wash.recent_group[place]] += wash.recent_quantity[place]


@compiled
def _close_household(problem: Problem, household: int, guard: Guard) -> None:
    wash = problem.wash
    for place in range(wash.offsets[household], wash.offsets[household + 1]):
        guard.not_bought[wash.group[place]] = False
        guard.no_loss[wash.group[place]] = False
    for place in range(wash.recent_offsets[household], wash.recent_offsets[household + 1]):
        guard.recent[wash.recent_group[place]] = 0
    for member in range(wash.member_offsets[household], wash.member_offsets[household + 1]):
        account = wash.members[member]
        for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
            group = problem.rows[row].group
            guard.not_bought[group] = False
            guard.no_loss[group] = False
            guard.recent[group] = 0


@compiled
def _write(work: Work, problem: Problem, account: int, outcome: Outcome) -> None:
    """Write down steps and lots."""
    begin = problem.row_offsets[account]
    for row in range(begin, problem.row_offsets[account + 1]):
        k = row - begin
        steps = work.rows[k].kept
        outcome.steps[row] = steps
        position = problem.rows[row].position
        if position >= 0:
            for lot in range(problem.lot_offsets[position], problem.lot_offsets[position + 1]):
                outcome.taken[lot] = 0
        if steps < 0:
            state = state_of(work, k, -steps)
            wanted = sold_by(problem, row, -steps)
            for place in range(work.states[k, state].lots):
                lot = work.lots[k, state, place].lot
                taken = min(wanted, problem.lots[lot].quantity)
                outcome.taken[lot] = taken
                wanted -= taken


@compiled
def _commit(problem: Problem, account: int, guard: Guard, outcome: Outcome) -> None:
    """Lock what the account buys or sells at a loss for the rest of its household.

    What it bought recently stays in the rest's way even where it is sold here: that sale may not be approved.
    """
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        group, steps = problem.rows[row].group, outcome.steps[row]
        if steps > 0:
            guard.no_loss[group] = True
        elif steps < 0:
            position = problem.rows[row].position
            for lot in range(problem.lot_offsets[position], problem.lot_offsets[position + 1]):
                if outcome.taken[lot] > 0 and problem.lots[lot].loss and problem.accounts[account].taxable:
                    guard.not_bought[group] = True


@compiled
def _conflicts(work: Work, problem: Problem, account: int, guard: Guard) -> int:
    """Groups with several members here that may pull in opposite directions, in `work.conflict`; how many."""
    if not problem.accounts[account].taxable:
        return 0
    begin, end = problem.row_offsets[account], problem.row_offsets[account + 1]
    count = 0
    for row in range(begin, end):
        group = problem.rows[row].group
        if guard.no_loss[group] or problem.rows[row].quantity <= 0:
            continue
        for other in range(begin, end):
            if other == row or problem.rows[other].group != group or count >= CONFLICTS:
                continue
            one = problem.rows[other]
            wanted = one.goal > 0 and one.buy_bar == 0 and not guard.not_bought[group]
            if wanted or guard.recent[group] > 0:
                known = False
                for place in range(count):
                    known |= work.conflict[place] == group
                if not known:
                    work.conflict[count] = group
                    count += 1
    return count


@compiled
def _set_sides(work: Work, problem: Problem, account: int, guard: Guard, conflicts: int, choice: int) -> bool:
    """Set every conflict's side by one digit of the choice each; False where that cannot be."""
    possible = True
    for place in range(conflicts):
        group = work.conflict[place]
        side = SIDES[choice % len(SIDES)]
        choice //= len(SIDES)
        guard.side[group] = side
        if side == QUIET:
            here = _recent_here(problem, account, group)
            possible = possible and here > 0 and guard.recent[group] == here
    return possible


@compiled
def _recent_here(problem: Problem, account: int, group: int) -> int:
    """Micro-shares of a group that the account bought within the window, if all of them may be sold; else -1."""
    total = 0
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        one = problem.rows[row]
        if one.group != group or one.position < 0:
            continue
        for lot in range(problem.lot_offsets[one.position], problem.lot_offsets[one.position + 1]):
            if problem.lots[lot].recent:
                if one.sell_bar != 0 or waits(problem, account, lot):
                    return -1
                total += problem.lots[lot].quantity
    return total


@compiled
def _account(
    work: Work,
    problem: Problem,
    account: int,
    mode: int,
    guard: Guard,
    effort: Effort,
    outcome: Outcome,
    risk: Risk | None,
) -> None:
    """Decide one account; where a wash group pulls both ways, all combinations are tried and the cheapest kept."""
    conflicts = _conflicts(work, problem, account, guard)
    best, bound, proven, seen, chosen = np.inf, np.inf, True, 0, 0
    choices = len(SIDES) ** conflicts
    one = problem.accounts[account]
    tight = one.missing == 0 and one.free / MICRO < one.reserve / MICRO + MARGIN * _rows(problem, account)
    for choice in range(2 * choices if tight else choices):
        if not _set_sides(work, problem, account, guard, conflicts, choice % choices):
            continue
        answer = _decide(work, problem, account, mode, guard, effort, bool(choice < choices), risk)
        seen += answer.nodes
        bound = min(bound, answer.bound)
        proven = proven and answer.proven
        if answer.objective < best - 1e-9:
            best, chosen = answer.objective, choice
    if conflicts > 0 or tight:
        _set_sides(work, problem, account, guard, conflicts, chosen % choices)
        _decide(work, problem, account, mode, guard, effort, bool(chosen < choices), risk)
    _write(work, problem, account, outcome)
    if _spends_reserve(problem, account, outcome):
        best = _decide(work, problem, account, mode, guard, effort, SALES_ONLY, risk).objective
        proven = False
        _write(work, problem, account, outcome)
    outcome.objective[account], outcome.bound[account] = best, bound
    outcome.proven[account], outcome.nodes[account] = proven, seen
    _drop_if_too_small(problem, account, mode, outcome)
    _explain(work, problem, account, mode, guard, outcome)
    for place in range(conflicts):
        guard.side[work.conflict[place]] = FREE


@compiled
def _rows(problem: Problem, account: int) -> int:
    rows: int = problem.row_offsets[account + 1] - problem.row_offsets[account]
    return rows


@compiled
def _spends_reserve(problem: Problem, account: int, outcome: Outcome) -> bool:
    """Is something bought although less cash than the reserve is left?"""
    outcome.cash[account] = cash_after(problem, account, outcome.steps)
    if outcome.cash[account] >= problem.accounts[account].reserve:
        return False
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        if outcome.steps[row] > 0:
            return True
    return False


@compiled
def _drop_if_too_small(problem: Problem, account: int, mode: int, outcome: Outcome) -> None:
    """The last condition of the HYBRID preset: trades together exceed the minimum. Missing cash is raised anyway."""
    one = problem.accounts[account]
    outcome.too_small[account] = False
    if mode != FULL or one.missing > 0 or one.smallest_turnover < 0:
        return
    turnover = 0
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        turnover += product(traded(problem, row, outcome.steps[row]), problem.rows[row].price)
    if turnover == 0 or turnover > one.smallest_turnover:
        return
    outcome.too_small[account] = True
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        outcome.steps[row] = 0
        position = problem.rows[row].position
        if position >= 0:
            for lot in range(problem.lot_offsets[position], problem.lot_offsets[position + 1]):
                outcome.taken[lot] = 0


@compiled
def _explain(work: Work, problem: Problem, account: int, mode: int, guard: Guard, outcome: Outcome) -> None:
    """Codes of every row, exact cash and gains, and whether all of it foots."""
    begin, end = problem.row_offsets[account], problem.row_offsets[account + 1]
    sells = False
    for row in range(begin, end):
        sells = sells or outcome.steps[row] < 0
    for row in range(begin, end):
        steps, group = outcome.steps[row], problem.rows[row].group
        outcome.reason[row] = trade_code(problem, row, account, mode, steps, sells) if steps != 0 else 0
        outcome.skip[row] = skip_code(
            work, row - begin, problem, row, account, mode, steps, guard.not_bought[group], guard.side[group]
        )
    outcome.cash[account] = cash_after(problem, account, outcome.steps)
    outcome.short[account], outcome.long[account] = gains(problem, account, outcome.taken)
    if mode != LIQUIDATE:
        outcome.breach[account] = foots(problem, account, outcome.steps, outcome.taken, outcome.cash[account])


@called
def run(
    problem: Problem,
    wanted: Ints,
    modes: Ints,
    effort: Effort,
    work: Work,
    guard: Guard,
    outcome: Outcome,
    risk: Risk | None,
) -> None:
    """Decide the wanted accounts, which come sorted by household; by variance where there is a covariance."""
    current = -1
    for place in range(len(wanted)):
        account = wanted[place]
        household = problem.accounts[account].household
        if household != current:
            if current >= 0:
                _close_household(problem, current, guard)
            _open_household(problem, household, guard)
            current = household
        if problem.accounts[account].open:
            _account(work, problem, account, modes[place], guard, effort, outcome, risk)
            _commit(problem, account, guard, outcome)
    if current >= 0:
        _close_household(problem, current, guard)
