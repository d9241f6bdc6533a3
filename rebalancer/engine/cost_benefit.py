"""Is a rebalance worth what it costs? The worth of less drift over a horizon against tax, spread, fees and impact.

An account dislikes a deviation x from its target by ½γ·x'Σx of its value a year (γ: risk aversion, Σ: covariance). Over
H years, trades that leave x' of it are worth ½γ·H·V·(x'Σx − x''Σx'). Without a covariance every class is held to be as
volatile against every other, σ; deviations sum to zero, so that x'Σx = ½σ²·Σxᵢ², and for one class against the rest
this is the σ²x² of `closed_forms`. Magnitudes of decision, in floats; amounts are dollars.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book import NONE, Book
from rebalancer.engine.book_tables import Bools
from rebalancer.engine.joint_decisions import standing_together
from rebalancer.engine.market_impact import market_impact
from rebalancer.engine.optimiser.decision import ClassLine, Decision, Trade
from rebalancer.engine.policy import Distance, Policy, Preset
from rebalancer.engine.triggers import MODES, Code, Mode, Triggers

SESSIONS_A_YEAR = 252
OTHER_CALLS = (
    Code.CALENDAR
    | Code.MODEL_CHANGED
    | Code.HIGH_CASH
    | Code.LOW_CASH
    | Code.NEGATIVE_CASH
    | Code.NEW_MONEY
    | Code.WITHDRAWAL_DUE
)
"""Reasons that trade for their own sake, whatever it costs."""

Covariance = Mapping[tuple[str, str], float]
"""Yearly covariance of two classes by their names, both ways round; cash may be left out."""


@dataclass(frozen=True, slots=True)
class CostBenefit:
    """Dollars. `cost` is tax, trading costs and impact together; a loss realised makes it smaller."""

    benefit: float
    cost: float
    sentence: str

    @property
    def worth(self) -> bool:
        """Strictly more than it costs."""
        return self.benefit > self.cost


def weighed(book: Book, triggers: Triggers) -> Bools:
    """Accounts whose full rebalance is asked for by a band alone, under a HYBRID policy with `cost_benefit`."""
    asked = [policy.cost_benefit and policy.trigger is Preset.HYBRID for policy in book.policies]
    by_policy = np.array(asked, dtype=bool)[book.accounts.policy]
    full = triggers.mode == MODES.index(Mode.FULL)
    alone: Bools = by_policy & full & triggers.has(Code.BAND_BREACHED) & ~triggers.has(OTHER_CALLS)
    return alone


def volumes(book: Book) -> dict[str, int]:
    """Average daily volume in shares by symbol, where it is known and not zero."""
    known = book.securities.adv_shares
    return {symbol: int(known[row]) for row, symbol in enumerate(book.securities.symbol) if known[row] not in (NONE, 0)}


def not_worth_it(book: Book, decisions: Sequence[Decision], asked: AbstractSet[str]) -> dict[str, str]:
    """Why trades are not to be made, by account id, where they would cost more than they are worth.

    Accounts that follow one target together are weighed as one, by the policy of the first of them, and only where
    every one of them is to be weighed: what raises cash in one account is not left undone for another's sake.

    :param asked: ids of the accounts that are to be weighed (`weighed`)
    """
    shares, found = volumes(book), dict[str, str]()
    policy_of = dict(zip(book.accounts.account_id, book.accounts.policy.tolist(), strict=True))
    for group in standing_together(book, decisions):
        names = [one.account_id for one in group]
        if asked >= set(names) and any(one.trades for one in group):
            weighing = worth_together(group, book.policies[policy_of[names[0]]], shares)
            if not weighing.worth:
                found.update(dict.fromkeys(names, weighing.sentence))
    return found


def worth_trading(
    decision: Decision, policy: Policy, adv_shares: Mapping[str, int], *, covariance: Covariance | None = None
) -> CostBenefit:
    """Weigh a decision's trades.

    :param adv_shares: average daily volumes (`volumes`); a security that has none moves no price
    :param covariance: looked at where the policy's distance is RISK; without it the classes are equally volatile
    """
    return worth_together([decision], policy, adv_shares, covariance=covariance)


def worth_together(
    decisions: Sequence[Decision],
    policy: Policy,
    adv_shares: Mapping[str, int],
    *,
    covariance: Covariance | None = None,
) -> CostBenefit:
    """Weigh the trades of one account, or of the accounts of a household that follows one target together.

    :param decisions: one or more; all of them have the same classes before and after
    """
    classes = decisions[0].classes
    value = math.fsum(float(line.before_amount) for line in classes)
    scale = 0.5 * float(policy.risk_aversion) * float(policy.horizon_years) * value
    known = covariance if policy.distance is Distance.RISK else None
    before, after = (_variance(classes, of, policy, known) for of in ("before_weight", "after_weight"))
    sigma = float(policy.relative_sigma)
    trades = [trade for one in decisions for trade in one.trades]
    impact = sum(_impact(trade, adv_shares.get(trade.symbol), sigma) for trade in trades)
    paid = _Paid(sum(float(one.tax) for one in decisions), sum(float(one.cost) for one in decisions), impact)
    benefit = scale * (before - after)
    return CostBenefit(benefit, sum(paid), _sentence(benefit, policy, paid))


class _Paid(NamedTuple):
    """Dollars; a loss realised makes the tax negative."""

    tax: float
    fees: float
    impact: float


def _variance(classes: Sequence[ClassLine], of: str, policy: Policy, covariance: Covariance | None) -> float:
    """x'Σx a year."""
    off = {line.name: float(getattr(line, of)) - line.target_weight for line in classes}
    if covariance is None:
        return 0.5 * float(policy.relative_sigma) ** 2 * math.fsum(each**2 for each in off.values())
    return math.fsum(
        mine * theirs * covariance.get((one, other), 0.0) for one, mine in off.items() for other, theirs in off.items()
    )


def _impact(trade: Trade, adv_shares: int | None, sigma: float) -> float:
    """Temporary impact of an order worked for a day (`market_impact`), at the policy's volatility brought to a day."""
    if not adv_shares:
        return 0.0
    moved = market_impact(
        part_of_volume=float(trade.quantity) / adv_shares,
        days=1.0,
        turnover_days=1.0,  # bears on the permanent part alone, which trading back and forth does not pay
        sigma=sigma / math.sqrt(SESSIONS_A_YEAR),
    )
    return moved.temporary * float(trade.amount)


def _sentence(benefit: float, policy: Policy, paid: _Paid) -> str:
    years = f"{policy.horizon_years.normalize():f} {'year' if policy.horizon_years == 1 else 'years'}"
    verdict = "they are worth making" if benefit > sum(paid) else "they are not made"
    return (
        f"Over {years} the trades would be worth {_dollars(benefit)} in less risk and would cost "
        f"{_dollars(sum(paid))} ({_dollars(paid.tax)} tax, {_dollars(paid.fees)} spread and fees, "
        f"{_dollars(paid.impact)} impact): {verdict}."
    )


def _dollars(amount: float) -> str:
    text = f"${abs(amount):,.2f}"
    return f"\u2212{text}" if round(amount, 2) < 0 else text
