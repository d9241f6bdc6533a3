"""One account laid out for the search: what each security costs, how far it may be traded, and which lots go first."""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from rebalancer.engine.book_tables import Bools, Ints
from rebalancer.engine.optimiser.compiled import MICRO, compiled, product
from rebalancer.engine.optimiser.exact import sold_by
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.work import Work

FULL, INVEST, RAISE, HARVEST, LIQUIDATE = 0, 1, 2, 3, 4
"""Places in `triggers.MODES`."""
PLAIN, EVERYTHING = 0, 1
"""States of a sale: lots in their order, or the whole recent purchase first, so that a loss may follow."""
FREE, NO_LOSS, NO_BUY, QUIET = 0, 1, 2, 3
"""What a wash group is open to while its members pull in opposite directions: anything; buys and gains; sales; or
sales at a loss of all members, once whatever of them was bought lately is sold whole."""
SOFT, STRICT = 1, 2
EDGE = 1e-9


@compiled
def lay_out(
    work: Work, problem: Problem, account: int, mode: int, not_bought: Bools, no_loss: Bools, recent: Ints, side: Ints
) -> int:
    """Fill the rows of `work` for an account; how many there are.

    :param not_bought, no_loss: by wash group, what the household's guard forbids
    :param recent: by wash group, micro-shares bought within the window and kept in the household
    :param side: by wash group, FREE, NO_LOSS, NO_BUY or QUIET
    """
    begin, end = problem.row_offsets[account], problem.row_offsets[account + 1]
    for row in range(begin, end):
        k = row - begin
        _prices(work, k, problem, row)
        _least(work, k, problem, row, account, mode)
        group = problem.rows[row].group
        work.rows[k].most_buy = 0
        if not not_bought[group] and side[group] < NO_BUY:
            work.rows[k].most_buy = _most_bought(work, k, problem, row, account, mode)
        work.rows[k].bound_to_sell = False
        work.rows[k].lowest, work.rows[k].highest = problem.rows[row].lowest, problem.rows[row].highest
        work.states[k, PLAIN].begin = 0
        work.states[k, EVERYTHING].begin = 0
        work.states[k, PLAIN].lots = 0
        work.states[k, EVERYTHING].lots = 0
        if problem.rows[row].sell_bar == 0 and problem.rows[row].quantity > 0:
            locked = no_loss[group] or side[group] == NO_LOSS
            _open_states(work, k, problem, row, account, mode, locked, recent[group], side[group] == QUIET)
    return end - begin


@compiled
def _prices(work: Work, k: int, problem: Problem, row: int) -> None:
    share = problem.rows[row].step / MICRO
    price = problem.rows[row].price / MICRO * share
    spread = problem.rows[row].half_spread / MICRO * share
    fee = price * problem.fees.section_31 + share * problem.fees.activity
    work.rows[k].price = price
    work.rows[k].friction = spread
    work.rows[k].fee = fee
    work.rows[k].outlay = price + spread
    work.rows[k].proceeds = price - spread - fee
    work.rows[k].held = problem.rows[row].quantity / MICRO * (problem.rows[row].price / MICRO)
    work.rows[k].goal = problem.rows[row].goal / MICRO
    work.rows[k].whole = max(problem.rows[row].quantity, 0) / problem.rows[row].step


@compiled
def _least(work: Work, k: int, problem: Problem, row: int, account: int, mode: int) -> None:
    """Fewest steps whose worth reaches the smallest trade."""
    minimum = 1 if mode == LIQUIDATE else problem.accounts[account].minimum
    step, price = problem.rows[row].step, problem.rows[row].price
    if price == 0:
        work.rows[k].least = 1
        return
    steps: int = max(ceil(minimum / MICRO / work.rows[k].price - EDGE), 1)
    while product(steps * step, price) < minimum:
        steps += 1
    work.rows[k].least = steps


@compiled
def past(work: Work, k: int, minimum: float) -> float:
    """Dollars by which a trade may end on the other side of its goal: half a step, or half a smallest trade."""
    return 0.5 * max(work.rows[k].price, minimum)


@compiled
def _most_bought(work: Work, k: int, problem: Problem, row: int, account: int, mode: int) -> int:
    """Most steps that may be bought; 0 below a smallest trade."""
    closed = mode in (RAISE, LIQUIDATE) or (mode == INVEST and problem.accounts[account].missing > 0)
    short = work.rows[k].goal - work.rows[k].held
    if problem.accounts[account].any_direction:
        short = problem.accounts[account].value / MICRO
    if closed or problem.rows[row].buy_bar != 0 or short <= EDGE:
        return 0
    over = past(work, k, problem.accounts[account].minimum / MICRO)
    steps: int = floor((short + over) / work.rows[k].price - EDGE)
    cap = problem.rows[row].cap
    if cap >= 0:
        steps = min(steps, cap // problem.rows[row].step)
    return steps if steps >= work.rows[k].least else 0


@compiled
def _towards(work: Work, k: int, problem: Problem, account: int, mode: int) -> float:
    """Steps that may be sold whatever the lots are: down to the goal, or all where cash must be raised."""
    if mode == LIQUIDATE or problem.accounts[account].missing > 0:
        return np.inf
    over = work.rows[k].held - work.rows[k].goal
    if problem.accounts[account].any_direction:
        return np.inf
    if mode != FULL or over <= EDGE:
        return 0.0
    if work.rows[k].goal <= EDGE:
        return np.inf
    return floor((over + past(work, k, problem.accounts[account].minimum / MICRO)) / work.rows[k].price - EDGE)


@compiled
def sellable(problem: Problem, row: int) -> int:
    """Most steps that one order can sell; the last may be what is left of a position that is not a whole of them."""
    most = problem.rows[row].quantity
    if problem.rows[row].cap >= 0:
        most = min(most, problem.rows[row].cap)
    return steps_of(problem, row, most)


@compiled
def steps_of(problem: Problem, row: int, shares: int) -> int:
    """Steps that make up so many micro-shares; all of the position is sold with its part of a step."""
    step: int = problem.rows[row].step
    return -(-shares // step) if shares == problem.rows[row].quantity else shares // step


@compiled
def _open_states(
    work: Work, k: int, problem: Problem, row: int, account: int, mode: int, locked: bool, recent: int, quiet: bool
) -> None:
    """The ways in which the row may be sold, each with its lots in order and its range of steps."""
    position = problem.rows[row].position
    count = _ordered(work, k, problem, position, account)
    taxable = problem.accounts[account].taxable
    here = 0
    for place in range(count):
        lot = work.lots[k, PLAIN, place].lot
        if problem.lots[lot].recent:
            here += problem.lots[lot].quantity
    locked = locked or (recent > here and not quiet)
    guarded = taxable and (locked or here > 0)
    work.rows[k].bound_to_sell = quiet and here > 0
    if guarded and not locked:
        _everything(work, k, problem, count)
        most = _range(work, k, EVERYTHING, problem, row, account, mode, work.states[k, EVERYTHING].lots)
        first = max(work.rows[k].least, -(-here // problem.rows[row].step))
        if first <= most:
            work.states[k, EVERYTHING].begin = first
            work.states[k, EVERYTHING].end = most
    if guarded:
        count = 0 if quiet and here > 0 else _gains_only(work, k, problem, count)
    work.states[k, PLAIN].lots = count
    _price_lots(work, k, PLAIN, problem, row, account, count)
    most = _range(work, k, PLAIN, problem, row, account, mode, count)
    if work.rows[k].least <= most:
        work.states[k, PLAIN].begin = work.rows[k].least
        work.states[k, PLAIN].end = most
    if work.states[k, EVERYTHING].begin > 0:
        _price_lots(work, k, EVERYTHING, problem, row, account, work.states[k, EVERYTHING].lots)


@compiled
def _rate(problem: Problem, account: int, lot: int) -> float:
    """Tax rate of a lot, with what a short-term gain is made to cost more."""
    if problem.lots[lot].long:
        return problem.accounts[account].long_rate
    rate = problem.accounts[account].short_rate
    if problem.accounts[account].short_rule == SOFT and problem.lots[lot].gain > 0.0:
        rate += problem.accounts[account].short_penalty
    return rate


@compiled
def waits(problem: Problem, account: int, lot: int) -> bool:
    """A short-term gain that is about to turn long-term and may not be taken before."""
    strict = problem.accounts[account].short_rule == STRICT and problem.accounts[account].missing == 0
    near = problem.lots[lot].days_to_long <= problem.accounts[account].short_days
    return strict and near and not problem.lots[lot].long and problem.lots[lot].gain > 0.0


@compiled
def _ordered(work: Work, k: int, problem: Problem, position: int, account: int) -> int:
    """The lots that may be sold in the order of the relief method, in state PLAIN; how many."""
    count = 0
    for lot in range(problem.lot_offsets[position], problem.lot_offsets[position + 1]):
        if problem.accounts[account].taxable and waits(problem, account, lot):
            continue
        key = problem.lots[lot].key
        if problem.lots[lot].by_tax:
            key = problem.lots[lot].gain * _rate(problem, account, lot)
        place = count
        while place > 0:
            before = work.lots[k, PLAIN, place - 1].lot
            other = work.lots[k, PLAIN, place - 1].end
            if other < key or (other == key and problem.lots[before].tie < problem.lots[lot].tie):
                break
            work.lots[k, PLAIN, place].lot = before
            work.lots[k, PLAIN, place].end = other
            place -= 1
        work.lots[k, PLAIN, place].lot = lot
        work.lots[k, PLAIN, place].end = key
        count += 1
    return count


@compiled
def _everything(work: Work, k: int, problem: Problem, count: int) -> None:
    """State EVERYTHING: recent lots first, then the others, each in their order."""
    filled = 0
    for recent in (True, False):
        for place in range(count):
            lot = work.lots[k, PLAIN, place].lot
            if problem.lots[lot].recent == recent:
                work.lots[k, EVERYTHING, filled].lot = lot
                filled += 1
    work.states[k, EVERYTHING].lots = filled


@compiled
def _gains_only(work: Work, k: int, problem: Problem, count: int) -> int:
    kept = 0
    for place in range(count):
        lot = work.lots[k, PLAIN, place].lot
        if not problem.lots[lot].loss:
            work.lots[k, PLAIN, kept].lot = lot
            kept += 1
    return kept


@compiled
def _price_lots(work: Work, k: int, state: int, problem: Problem, row: int, account: int, count: int) -> None:
    """Ends of the lots in steps and their tax a step."""
    step = problem.rows[row].step
    total = 0
    for place in range(count):
        lot = work.lots[k, state, place].lot
        total += problem.lots[lot].quantity
        work.lots[k, state, place].end = total / step
        tax = 0.0
        if problem.accounts[account].taxable:
            tax = problem.lots[lot].gain * _rate(problem, account, lot) * (step / MICRO)
        work.lots[k, state, place].tax = tax


@compiled
def _range(work: Work, k: int, state: int, problem: Problem, row: int, account: int, mode: int, count: int) -> int:
    """Most steps sold in a state: to the goal, and past it by losses that come first where those may be harvested."""
    held, losses, leading = 0, 0, True
    for place in range(count):
        lot = work.lots[k, state, place].lot
        held += problem.lots[lot].quantity
        leading = leading and problem.lots[lot].loss
        if leading:
            losses += problem.lots[lot].quantity
    most = min(steps_of(problem, row, held), sellable(problem, row))
    minimum = 1 if mode == LIQUIDATE else problem.accounts[account].minimum
    if product(sold_by(problem, row, most), problem.rows[row].price) < minimum:
        most -= 1
    towards = _towards(work, k, problem, account, mode)
    if towards < most:
        harvest = problem.accounts[account].taxable and (
            mode == HARVEST or (mode == FULL and problem.accounts[account].harvest)
        )
        past_goal = steps_of(problem, row, losses) if harvest else 0
        most = min(most, max(int(towards), past_goal))
    return most
