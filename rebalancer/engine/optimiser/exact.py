"""What trades come to in whole cents and micro-dollars, and whether an account's trades foot: integers throughout.

This is the compiled twin of what `report` writes down in decimals; `checks` looks at both from outside.
"""

from __future__ import annotations

from rebalancer.engine.book_tables import Ints
from rebalancer.engine.optimiser.compiled import CENT, MICRO, amount_cents, cents_up, compiled, product, remainder
from rebalancer.engine.optimiser.problem import Problem

BILLION_CENTS = 10**12
"""Section 31 is in cents per million dollars of micro-dollars."""


@compiled
def share_of(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole` rounded half to even, without leaving 64 bits; 0 <= part <= whole."""
    if part == whole:
        return amount
    if part % MICRO == 0 and whole % MICRO == 0:
        part, whole = part // MICRO, whole // MICRO
    result, rest = amount // whole * part, 0
    begin = amount % whole
    quotient = 0
    for bit in range(62, -1, -1):
        quotient *= 2
        rest *= 2
        if part >> bit & 1:
            rest += begin
        if rest >= whole:
            quotient += rest // whole
            rest %= whole
    result += quotient
    if 2 * rest > whole or (2 * rest == whole and result % 2 == 1):
        result += 1
    return result


@compiled
def sold_by(problem: Problem, row: int, steps: int) -> int:
    """Micro-shares of a sale of so many steps; the last may be what is left of the position."""
    quantity: int = problem.rows[row].quantity
    return min(steps * problem.rows[row].step, max(quantity, 0))


@compiled
def traded(problem: Problem, row: int, steps: int) -> int:
    """Micro-shares that so many steps buy, or sell where they are negative."""
    return sold_by(problem, row, -steps) if steps < 0 else steps * problem.rows[row].step


@compiled
def fees_cents(problem: Problem, quantity: int, price: int) -> int:
    """Regulatory fees of a sale, each rounded up to the cent."""
    fees = problem.fees
    sold, below = product(quantity, price), remainder(quantity, price)
    section = 0
    if fees.section_31_cents > 0:
        charged = sold * fees.section_31_cents
        section = charged // BILLION_CENTS
        if charged % BILLION_CENTS > 0 or below > 0:
            section += 1
    activity = product(quantity, fees.activity_micros)
    cents = cents_up(activity + (1 if remainder(quantity, fees.activity_micros) > 0 else 0))
    return section + min(cents, fees.activity_cap)


@compiled
def cost_cents(problem: Problem, row: int, account: int, steps: int) -> int:
    """Half the spread, commission and fees of a trade, up to the next cent."""
    if steps == 0:
        return 0
    one = problem.rows[row]
    quantity = traded(problem, row, steps)
    spread = product(quantity, one.half_spread) + (1 if remainder(quantity, one.half_spread) > 0 else 0)
    fees = fees_cents(problem, quantity, one.price) if steps < 0 else 0
    return cents_up(spread + problem.accounts[account].commission) + fees


@compiled
def cash_after(problem: Problem, account: int, steps: Ints) -> int:
    """Cash after withdrawals and trades, micro-dollars."""
    total = 0
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        if steps[row] != 0:
            one = problem.rows[row]
            amount = amount_cents(traded(problem, row, steps[row]), one.price)
            total -= cost_cents(problem, row, account, steps[row])
            total += amount if steps[row] < 0 else -amount
    return problem.accounts[account].free + total * CENT


@compiled
def gains(problem: Problem, account: int, taken: Ints) -> tuple[int, int]:
    """Short- and long-term gain of the lots taken, micro-dollars; nothing where no tax is paid."""
    short, long = 0, 0
    if not problem.accounts[account].taxable:
        return 0, 0
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        position = problem.rows[row].position
        if position < 0:
            continue
        for lot in range(problem.lot_offsets[position], problem.lot_offsets[position + 1]):
            if taken[lot] > 0:
                one = problem.lots[lot]
                gain = product(taken[lot], problem.rows[row].price) - share_of(one.basis, taken[lot], one.quantity)
                if one.long:
                    long += gain
                else:
                    short += gain
    return short, long


@compiled
def foots(problem: Problem, account: int, steps: Ints, taken: Ints, cash: int) -> int:
    """Re-foot an account's trades; 0, or the number of what is wrong with them.

    1 lots do not sum, 2 a lot or position is oversold, 3 a trade is below the minimum, 4 something is barred, 5 volume,
    6 cash is below what is kept although something is bought, 7 a trade does not lead towards its goal.
    """
    buys = False
    for row in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        wrong = _lots_foot(problem, row, steps[row], taken)
        if wrong == 0 and steps[row] != 0:
            wrong = _trade_foots(problem, row, account, steps[row], taken)
        if wrong != 0:
            return wrong
        buys = buys or steps[row] > 0
    return 6 if buys and cash < problem.accounts[account].reserve else 0


@compiled
def _lots_foot(problem: Problem, row: int, step: int, taken: Ints) -> int:
    """Do the lots that are taken come to what is sold, and hold as much?"""
    one, sold = problem.rows[row], 0
    if one.position >= 0:
        for lot in range(problem.lot_offsets[one.position], problem.lot_offsets[one.position + 1]):
            if taken[lot] < 0 or taken[lot] > problem.lots[lot].quantity:
                return 2
            sold += taken[lot]
    if sold != sold_by(problem, row, max(-step, 0)):
        return 1
    return 2 if max(-step, 0) * one.step >= max(one.quantity, 0) + one.step else 0


@compiled
def _trade_foots(problem: Problem, row: int, account: int, step: int, taken: Ints) -> int:
    """Size, permission and volume of a trade, then its direction."""
    one, accounts = problem.rows[row], problem.accounts[account]
    quantity = traded(problem, row, step)
    if product(quantity, one.price) < accounts.minimum:
        return 3
    if (one.buy_bar if step > 0 else one.sell_bar) != 0:
        return 4
    if one.cap >= 0 and quantity > one.cap:
        return 5
    return 0 if _leads_to_goal(problem, row, account, step, taken) else 7


@compiled
def _leads_to_goal(problem: Problem, row: int, account: int, step: int, taken: Ints) -> bool:
    """Towards the goal and past it by half a step or half a smallest trade; cash, losses and closing out are free."""
    one, accounts = problem.rows[row], problem.accounts[account]
    held = product(one.quantity, one.price)
    worth = product(traded(problem, row, step), one.price)
    room = max(product(one.step, one.price), accounts.minimum) // 2 + MICRO
    if step > 0:
        return held < one.goal and held + worth <= one.goal + room
    if accounts.missing > 0 or one.goal == 0:
        return True
    losses = accounts.taxable
    for lot in range(problem.lot_offsets[one.position], problem.lot_offsets[one.position + 1]):
        losses = losses and (taken[lot] == 0 or problem.lots[lot].loss)
    return losses or (held > one.goal and held - worth >= one.goal - room)
