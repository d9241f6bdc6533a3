"""The reason for every trade that is not made, or not made as far as its goal."""

from __future__ import annotations

from rebalancer.engine.optimiser.buys import most_wanted, steps_to
from rebalancer.engine.optimiser.decision import Skipped, SkipReason
from rebalancer.engine.optimiser.facts import Facts, Holding, dollars
from rebalancer.engine.optimiser.sales import Seller
from rebalancer.engine.optimiser.sentences import WHY_NOT, money_text, percent
from rebalancer.engine.optimiser.waterfall import Outcome
from rebalancer.engine.triggers import Mode

ON_TARGET_WEIGHT = 0.0001
FOLLOWING = frozenset({SkipReason.NOTHING_TO_BUY, SkipReason.NOT_ENOUGH_CASH})
"""Reasons that follow from other trades: where those were dropped, their being dropped is the reason."""


def skips(facts: Facts, outcome: Outcome, mode: Mode) -> list[Skipped]:
    """One for every holding that is not traded, or stops short of its goal by a trade's size or more."""
    found = []
    for holding in facts.holdings:
        if not holding.quantity and not holding.target:
            continue
        reason = _reason(facts, holding, outcome.seller, mode)
        if outcome.too_small and reason in FOLLOWING:
            reason = SkipReason.TRADES_TOO_SMALL
        if reason:
            found.append(Skipped(holding.symbol, reason, _sentence(facts, holding, reason)))
    return found


def _reason(facts: Facts, holding: Holding, seller: Seller, mode: Mode) -> SkipReason | None:
    if holding.buy or holding.sell:
        return _why_not_more(facts, holding, seller, mode)
    if not holding.price:
        return SkipReason.UNPRICED
    if abs(holding.value - holding.target) <= ON_TARGET_WEIGHT * facts.value:
        return SkipReason.ON_TARGET
    if mode is Mode.FULL and abs(holding.value - holding.goal) <= ON_TARGET_WEIGHT * facts.value:
        return SkipReason.WITHIN_BAND
    return (
        _why_no_buy(facts, holding, seller, mode)
        if holding.value < holding.goal
        else _why_no_sale(facts, holding, seller, mode)
    )


def _why_no_buy(facts: Facts, holding: Holding, seller: Seller, mode: Mode) -> SkipReason:
    if holding.buy_bar:
        return holding.buy_bar
    if not seller.guard.may_buy(holding.group):
        return SkipReason.WASH_SALE_BUY
    if mode is Mode.RAISE_CASH:
        return SkipReason.CASH_ONLY
    wanted = steps_to(holding.goal - holding.value, holding)
    if not wanted:
        return SkipReason.LESS_THAN_A_SHARE
    if most_wanted(facts, holding):
        return SkipReason.NOT_ENOUGH_CASH
    return SkipReason.BELOW_MINIMUM if holding.worth(wanted) < facts.minimum else SkipReason.VOLUME_CAP


def _why_no_sale(facts: Facts, holding: Holding, seller: Seller, mode: Mode) -> SkipReason:
    if holding.sell_bar:
        return holding.sell_bar
    if mode is not Mode.FULL:
        return SkipReason.CASH_ONLY
    wanted = min(steps_to(holding.value - holding.goal, holding), holding.quantity // holding.step * holding.step)
    if not wanted:
        return SkipReason.LESS_THAN_A_SHARE
    if holding.worth(wanted) < facts.minimum:
        return SkipReason.BELOW_MINIMUM
    return _limited(holding, wanted, seller) or SkipReason.NOTHING_TO_BUY


def _why_not_more(facts: Facts, holding: Holding, seller: Seller, mode: Mode) -> SkipReason | None:
    """For a trade that stops short of its goal by at least a smallest trade."""
    moved = holding.worth(holding.buy) - holding.worth(holding.sell)
    left = holding.goal - holding.value - moved
    over = holding.value > holding.goal
    if mode is not Mode.FULL or over != (left < 0) or abs(left) < max(facts.minimum, holding.worth(holding.step)):
        return None
    if over:
        wanted = steps_to(holding.value - holding.goal, holding)
        return _limited(holding, wanted, seller) or SkipReason.NOTHING_TO_BUY
    return (
        SkipReason.VOLUME_CAP if holding.cap is not None and holding.buy >= holding.cap else SkipReason.NOT_ENOUGH_CASH
    )


def _limited(holding: Holding, wanted: int, seller: Seller) -> SkipReason | None:
    if holding.cap is not None and holding.cap < wanted and seller.limit(holding) >= holding.cap:
        return SkipReason.VOLUME_CAP
    return SkipReason.WASH_SALE_LOSS if seller.limit(holding) < wanted else None


def _sentence(facts: Facts, holding: Holding, reason: SkipReason) -> str:
    return WHY_NOT[reason].format(
        symbol=holding.symbol,
        weight=percent(holding.weight),
        target=percent(holding.target_weight),
        traded="bought" if holding.value < holding.target else "sold",
        minimum=money_text(dollars(facts.minimum)),
        cap=percent(facts.policy.adv_cap),
    )
