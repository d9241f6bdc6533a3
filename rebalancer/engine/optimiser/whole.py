"""What a decision looks at beside its own account: the account itself, or the household it is kept on target with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import NONE
from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.joint_drift import JointDrift
from rebalancer.engine.optimiser.facts import Facts, Holding, Reader, dollars


@dataclass(frozen=True, slots=True)
class Whole:
    """An account as part of its household, and the household as if it were one account."""

    own: Facts
    """Weights and targets are the household's."""
    together: Facts
    cash_elsewhere: Decimal
    """Dollars in the other accounts after their trades, withdrawals included."""

    def change(self, own: dict[str, Decimal]) -> dict[str, Decimal]:
        """Dollars bought (sold: negative) by symbol, in all accounts."""
        if self.own is self.together:
            return own
        return {
            one.symbol: money.cents(money.times(dollars(one.buy - one.sell), dollars(one.price)))
            for one in self.together.holdings
            if one.buy != one.sell
        }


def whole_of(reader: Reader, account: int) -> Whole:
    """The account alone, unless it follows one target together with others."""
    joint, own = reader.drift.joint, reader.facts(account)
    if joint is None or joint.owner[account] == NONE:
        return Whole(own, own, Decimal(0))
    members = np.flatnonzero(joint.owner == joint.owner[account]).tolist()
    all_facts = [own if member == account else reader.facts(member) for member in members]
    together = _together(own, all_facts, joint)
    by_security = {one.security: one for one in together.holdings}
    mine = [_as_part(holding, by_security[holding.security]) for holding in own.holdings]
    elsewhere = [_cash_after(reader, facts) for facts in all_facts if facts is not own]
    return Whole(replace(own, holdings=mine), together, money.total(elsewhere))


def _cash_after(reader: Reader, facts: Facts) -> Decimal:
    trades = any(holding.buy or holding.sell for holding in facts.holdings)
    return dollars(int(reader.outcome.cash[facts.index]) + facts.withdrawals if trades else facts.cash)


def _as_part(holding: Holding, together: Holding) -> Holding:
    """With the household's weights, and as far from its target as the household is."""
    target = holding.value + together.target - together.value
    return replace(holding, weight=together.weight, target_weight=together.target_weight, target=target)


def _together(own: Facts, members: Sequence[Facts], joint: JointDrift) -> Facts:
    found: dict[int, list[Holding]] = {}
    for facts in (own, *(one for one in members if one is not own)):
        for holding in facts.holdings:
            found.setdefault(holding.security, []).append(holding)
    value = sum(one.value for one in members)
    return replace(
        own,
        value=value,
        cash=sum(one.cash for one in members),
        free=sum(one.free for one in members),
        withdrawals=sum(one.withdrawals for one in members),
        reserve=sum(one.reserve for one in members),
        missing=sum(one.missing for one in members),
        holdings=[_merged(found[security], value, joint) for security in sorted(found)],
    )


def _merged(holdings: Sequence[Holding], value: int, joint: JointDrift) -> Holding:
    first, rows = holdings[0], joint.drift.rows
    row = int(joint.row[first.row])
    quantity = sum(one.quantity for one in holdings)
    target = round(float(rows.target[row]) * value)
    return replace(
        first,
        quantity=quantity,
        value=quantity * first.price // MICRO,
        target=target,
        goal=target,
        weight=float(rows.weight[row]),
        target_weight=float(rows.target[row]),
        buy=sum(one.buy for one in holdings),
        sell=sum(one.sell for one in holdings),
        lots_sold=(),
        skip=next((one.skip for one in holdings if one.skip), None),
    )
