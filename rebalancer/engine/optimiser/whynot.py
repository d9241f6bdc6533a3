"""Words for every trade that is not made, or not made as far as its goal; and what its being left leaves of drift."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.engine.optimiser.decision import Skipped, SkipReason
from rebalancer.engine.optimiser.facts import Facts, Holding, dollars
from rebalancer.engine.optimiser.sentences import INSTEAD, WHY_NOT, money_text, percent

FOLLOWING = frozenset({SkipReason.NOTHING_TO_BUY, SkipReason.NOT_ENOUGH_CASH, SkipReason.NOT_WORTH_TAX})
"""Reasons that follow from other trades: where those were dropped, their being dropped is the reason."""
ROUNDING, CASH = "ROUNDING", "CASH"
"""Codes for what no rule stands in the way of: parts of a share, and cash that nothing was found for."""
SMALL = 0.001


def skips(facts: Facts) -> list[Skipped]:
    """One for every holding that is not traded, or stops short of its goal by a trade's size or more."""
    return [
        Skipped(holding.symbol, reason, _sentence(facts, holding, reason))
        for holding in facts.holdings
        if (reason := _reason(facts, holding))
    ]


def leftover(facts: Facts, after: Sequence[float], cash_off: float) -> tuple[tuple[str, float], ...]:
    """Drift that is left by the code of what stands in its way, half of each deviation, the largest first.

    :param after: weight of every holding after the trades
    :param cash_off: deviation of cash
    """
    found: dict[str, float] = {}
    for holding, weight in zip(facts.holdings, after, strict=True):
        reason = _reason(facts, holding)
        known = reason and reason not in (SkipReason.ON_TARGET, SkipReason.LESS_THAN_A_SHARE)
        code = str(reason.value) if reason and known else ROUNDING
        found[code] = found.get(code, 0.0) + 0.5 * abs(weight - holding.target_weight)
    code = ROUNDING if abs(cash_off) < SMALL else CASH
    found[code] = found.get(code, 0.0) + 0.5 * abs(cash_off)
    return tuple(sorted(((code, part) for code, part in found.items() if part > 0), key=lambda one: (-one[1], one[0])))


def _reason(facts: Facts, holding: Holding) -> SkipReason | None:
    if holding.instead:
        return SkipReason.ALTERNATE
    dropped = facts.too_small and holding.skip in FOLLOWING
    return SkipReason.TRADES_TOO_SMALL if dropped else holding.skip


def _sentence(facts: Facts, holding: Holding, reason: SkipReason) -> str:
    if reason is SkipReason.ALTERNATE:
        barred = _sentence(facts, holding, holding.bar or SkipReason.WASH_SALE_BUY)
        return INSTEAD.format(barred=barred.removesuffix("."), other=holding.instead)
    return WHY_NOT[reason].format(
        symbol=holding.symbol,
        weight=percent(holding.weight),
        target=percent(holding.target_weight),
        traded="bought" if holding.value < holding.target else "sold",
        minimum=money_text(dollars(facts.minimum)),
        cap=percent(facts.policy.adv_cap),
        days=facts.policy.short_gain_days,
    )
