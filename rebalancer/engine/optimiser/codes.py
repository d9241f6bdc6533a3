"""Why each security is traded or not, as a code: worked out beside the decision, put into words when somebody reads."""

from __future__ import annotations

from rebalancer.engine.optimiser.compiled import MICRO, compiled, product
from rebalancer.engine.optimiser.curves import tax_of
from rebalancer.engine.optimiser.decision import SkipReason, TradeReason
from rebalancer.engine.optimiser.exact import traded
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.setup import EVERYTHING, FULL, HARVEST, LIQUIDATE, NO_BUY, PLAIN, RAISE, sellable
from rebalancer.engine.optimiser.work import Work

SKIPS = (None, *SkipReason)
"""A code is the place of its reason; 0 is none."""
TRADES = (None, *TradeReason)
PLACES = {reason.value: place for place, reason in enumerate(SKIPS) if reason}
ON_TARGET_WEIGHT = 0.0001

_S = {reason: place for place, reason in enumerate(SKIPS)}
_T = {reason: place for place, reason in enumerate(TRADES)}
UNPRICED, ON_TARGET, WITHIN_BAND = _S[SkipReason.UNPRICED], _S[SkipReason.ON_TARGET], _S[SkipReason.WITHIN_BAND]
WASH_SALE_BUY, WASH_SALE_LOSS = _S[SkipReason.WASH_SALE_BUY], _S[SkipReason.WASH_SALE_LOSS]
CASH_ONLY, LESS_THAN_A_SHARE = _S[SkipReason.CASH_ONLY], _S[SkipReason.LESS_THAN_A_SHARE]
NOT_ENOUGH_CASH, BELOW_MINIMUM = _S[SkipReason.NOT_ENOUGH_CASH], _S[SkipReason.BELOW_MINIMUM]
VOLUME_CAP, NOTHING_TO_BUY = _S[SkipReason.VOLUME_CAP], _S[SkipReason.NOTHING_TO_BUY]
EQUIVALENT = _S[SkipReason.EQUIVALENT]
NOT_WORTH_TAX, WAITS = _S[SkipReason.NOT_WORTH_TAX], _S[SkipReason.WAITS_FOR_LONG_TERM]
BY_UNDERWEIGHT, BY_CASH, BY_RAISE = (
    _T[TradeReason.UNDERWEIGHT],
    _T[TradeReason.INVEST_CASH],
    _T[TradeReason.RAISE_CASH],
)
BY_OVERWEIGHT, BY_OFF_MODEL, BY_HARVEST, BY_LIQUIDATION = (
    _T[TradeReason.OVERWEIGHT],
    _T[TradeReason.OFF_MODEL],
    _T[TradeReason.HARVEST],
    _T[TradeReason.LIQUIDATION],
)


@compiled
def trade_code(problem: Problem, row: int, account: int, mode: int, steps: int, sells: bool) -> int:
    """Why a trade is made."""
    one = problem.rows[row]
    if steps > 0:
        return BY_UNDERWEIGHT if sells else BY_CASH
    held = product(one.quantity, one.price)
    if mode == LIQUIDATE:
        return BY_LIQUIDATION
    if problem.accounts[account].missing > 0 and (mode != FULL or held <= one.goal):
        return BY_RAISE
    if held <= one.goal or mode == HARVEST:
        return BY_HARVEST
    return BY_OVERWEIGHT if one.target > 0 else BY_OFF_MODEL


@compiled
def skip_code(
    work: Work, k: int, problem: Problem, row: int, account: int, mode: int, steps: int, banned: bool, side: int
) -> int:
    """Why a security is not traded, or stops short of its goal by a trade's size or more; 0 where there is no more.

    :param banned: the household's guard forbids to buy it
    """
    one, value = problem.rows[row], problem.accounts[account].value
    if one.quantity == 0 and one.target == 0:
        return 0
    held = product(one.quantity, one.price)
    barred = banned or side >= NO_BUY
    if steps != 0:
        return _why_not_more(work, k, problem, row, account, mode, steps, held)
    if one.price == 0:
        return UNPRICED
    if abs(held - one.target) <= ON_TARGET_WEIGHT * value:
        return ON_TARGET
    if mode == FULL and abs(held - one.goal) <= ON_TARGET_WEIGHT * value:
        return EQUIVALENT if _has_equivalent(problem, row, account) else WITHIN_BAND
    if held < one.goal:
        return _why_no_buy(work, k, problem, row, account, mode, barred, one.goal - held)
    return _why_no_sale(work, k, problem, row, account, mode, held - one.goal)


@compiled
def _has_equivalent(problem: Problem, row: int, account: int) -> bool:
    for other in range(problem.row_offsets[account], problem.row_offsets[account + 1]):
        if other != row and problem.rows[other].group == problem.rows[row].group:
            return True
    return False


@compiled
def _nearest(work: Work, k: int, amount: int) -> int:
    """Steps whose worth is nearest to micro-dollars."""
    return int(amount / MICRO / work.rows[k].price + 0.5)


@compiled
def _why_no_buy(
    work: Work, k: int, problem: Problem, row: int, account: int, mode: int, barred: bool, short: int
) -> int:
    one = problem.rows[row]
    if one.buy_bar != 0:
        return one.buy_bar
    if barred:
        return WASH_SALE_BUY
    if mode in (RAISE, LIQUIDATE):
        return CASH_ONLY
    wanted = _nearest(work, k, short)
    if wanted == 0:
        return LESS_THAN_A_SHARE
    if work.rows[k].most_buy > 0:
        return NOT_ENOUGH_CASH
    if product(wanted * one.step, one.price) < problem.accounts[account].minimum:
        return BELOW_MINIMUM
    capped = one.cap >= 0 and one.cap // one.step < work.rows[k].least
    return VOLUME_CAP if capped else NOT_ENOUGH_CASH


@compiled
def _why_no_sale(work: Work, k: int, problem: Problem, row: int, account: int, mode: int, over: int) -> int:
    one = problem.rows[row]
    if one.sell_bar != 0:
        return one.sell_bar
    if mode not in (FULL, LIQUIDATE):
        return CASH_ONLY
    wanted = min(_nearest(work, k, over), one.quantity // one.step)
    if wanted == 0:
        return LESS_THAN_A_SHARE
    if product(wanted * one.step, one.price) < problem.accounts[account].minimum and mode != LIQUIDATE:
        return BELOW_MINIMUM
    return _what_limits(work, k, problem, row, account, wanted)


@compiled
def _what_limits(work: Work, k: int, problem: Problem, row: int, account: int, wanted: int) -> int:
    """Why a sale that could be made stops short of what is wanted."""
    one = problem.rows[row]
    limit = 0
    for state in (PLAIN, EVERYTHING):
        if work.states[k, state].begin > 0:
            limit = max(limit, work.states[k, state].end)
    if one.cap >= 0 and one.cap // one.step < wanted and limit >= one.cap // one.step:
        return VOLUME_CAP
    if limit < wanted and limit < sellable(problem, row):
        strict, losses = problem.accounts[account].short_rule == 2, False
        for lot in range(problem.lot_offsets[one.position], problem.lot_offsets[one.position + 1]):
            lots = problem.lots[lot]
            near = not lots.long and lots.days_to_long <= problem.accounts[account].short_days
            losses = losses or lots.loss
            if strict and near and lots.gain > 0.0:
                return WAITS
        if losses and problem.accounts[account].taxable:
            return WASH_SALE_LOSS
    if limit > 0 and tax_of(work, k, PLAIN, float(min(limit, wanted))) > 0.0:
        return NOT_WORTH_TAX
    return NOTHING_TO_BUY


@compiled
def _why_not_more(
    work: Work, k: int, problem: Problem, row: int, account: int, mode: int, steps: int, held: int
) -> int:
    one = problem.rows[row]
    moved = product(traded(problem, row, steps), one.price)
    left = one.goal - held - moved if steps > 0 else one.goal - held + moved
    over = held > one.goal
    size = max(problem.accounts[account].minimum, product(one.step, one.price))
    if mode != FULL or over != (left < 0) or abs(left) < size:
        return 0
    if over:
        return _what_limits(
            work, k, problem, row, account, min(_nearest(work, k, held - one.goal), one.quantity // one.step)
        )
    if one.cap >= 0 and steps * one.step >= one.cap:
        return VOLUME_CAP
    return NOT_ENOUGH_CASH
