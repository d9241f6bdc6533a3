"""One account as the oracles see it: dollars and whole shares, straight from the rows a book is made of.

Nothing here comes from the optimiser. What an account minimises, in dollars: the price of the drift that is left, what
cash off its target is worth, half the spread, commission, regulatory fees, and tax on the lots sold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, WashRow
from rebalancer.engine.fees import ACTIVITY, SECTION_31_PER_MILLION, in_force
from rebalancer.engine.policy import Policy, ShortGainRule

WINDOW_DAYS = 30
LONG_AFTER_DAYS = 366
"""Lots of an age near to this are for the engine's own tests; the accounts looked at here have none."""
CASH_COUNTS = 2.0
"""Cash above its target, against other drift."""
KEPT_BACK = 0.04
"""Dollars a row kept above the reserve, since amounts are charged in whole cents."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A tax lot: whole shares, dollars of tax a share sold (negative: saved), and what the wash rule asks of it."""

    shares: int
    tax: float
    loss: bool
    recent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A security that is held or wanted; dollars a share. `parcels` stand in the order of least tax."""

    symbol: str
    group: str
    price: float
    half_spread: float
    fee: float
    held: int
    goal: float
    """Dollars."""
    cap: int
    no_buy: bool
    no_sell: bool
    no_loss: bool
    """The household bought something of the group elsewhere."""
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All of it; dollars."""

    value: float
    cash: float
    """After withdrawals."""
    raises: bool
    """Less cash than must be there: every holding may be sold for it."""
    reserve: float
    """Nothing is bought with less cash than this."""
    floor: float
    wanted: float
    minimum: float
    taxable: bool
    harvest: bool
    price_of_drift: float
    cash_drag: float
    commission: float
    lines: tuple[Line, ...]


def price_of_drift(policy: Policy, slider: float) -> float:
    """Dollars of tax and cost that a dollar of drift is worth."""
    highest = max(float(policy.short_rate), float(policy.long_rate), 0.1)
    return 0.8 * highest * math.pow(0.05, 1.0 - slider)


def read(
    row: AccountRow,
    *,
    securities: Sequence[SecurityRow],
    model: ModelRow,
    wash: Sequence[WashRow] = (),
    as_of: date,
) -> Account:
    """The account of these rows. Whole shares, priced securities, target weights without bands, lots by least tax."""
    policy, held = row.policy, {position.symbol: position for position in row.positions}
    value = row.cash - row.withdrawals_due
    value += sum(
        (held[one.symbol].quantity * (one.price or Decimal(0)) for one in securities if one.symbol in held), Decimal(0)
    )
    cash_weight = min(max(model.cash_weight, row.cash_reserve / value), Decimal(1))
    scale = (1 - cash_weight) / (1 - model.cash_weight)
    raises = row.cash - row.withdrawals_due < row.cash_reserve - row.reserve_threshold
    lines = tuple(
        _line(
            one,
            held.get(one.symbol),
            row,
            raises,
            wash,
            as_of,
            model.weights.get(one.symbol, Decimal(0)) * scale * value,
        )
        for one in securities
        if one.symbol in held or one.symbol in model.weights
    )
    cash, reserve = float(row.cash - row.withdrawals_due), float(row.cash_reserve)
    floor = reserve + KEPT_BACK * len(lines)
    floor = floor if raises else min(floor, cash)
    return Account(
        value=float(value),
        cash=cash,
        raises=raises,
        reserve=reserve,
        floor=floor,
        wanted=max(float(cash_weight * value), floor),
        minimum=max(float(policy.minimum_trade_amount), float(policy.minimum_trade_weight * value)),
        taxable=row.tax_status is TaxStatus.TAXABLE,
        harvest=policy.harvest,
        price_of_drift=price_of_drift(policy, float(policy.scenario_slider)),
        cash_drag=float(policy.cash_drag_rate * policy.horizon_years),
        commission=float(policy.commission),
        lines=counted_together(lines),
    )


def counted_together(lines: Sequence[Line]) -> tuple[Line, ...]:
    """What is not wanted for itself, but is held for a substantially identical line that is short, stays as far."""
    goals = {line.symbol: line.goal for line in lines}
    worth = {line.symbol: line.held * line.price for line in lines}
    for spare in lines:
        for short in lines:
            if spare.goal <= 0 and short.group == spare.group and short.goal > 0:
                kept = min(worth[spare.symbol] - goals[spare.symbol], goals[short.symbol] - worth[short.symbol])
                goals[spare.symbol] += max(kept, 0.0)
                goals[short.symbol] -= max(kept, 0.0)
    return tuple(replace(line, goal=goals[line.symbol]) for line in lines)


def _line(
    security: SecurityRow,
    position: PositionRow | None,
    row: AccountRow,
    raises: bool,
    wash: Sequence[WashRow],
    as_of: date,
    goal: Decimal,
) -> Line:
    price, ask, bid = (amount or Decimal(0) for amount in (security.price, security.ask, security.bid))
    group = security.wash_group or security.symbol
    since = as_of - timedelta(days=WINDOW_DAYS)
    facts = [one for one in wash if one.wash_group == group]
    sold = any(one.sold_at_loss_on and one.sold_at_loss_on >= since for one in facts)
    bought = any(one.bought_on and one.bought_on >= since for one in facts)
    cap = 10**12 if security.adv_shares is None else int(row.policy.adv_cap * security.adv_shares)
    return Line(
        symbol=security.symbol,
        group=group,
        price=float(price),
        half_spread=float(ask - bid) / 2,
        fee=float(price) * float(in_force(SECTION_31_PER_MILLION, as_of)) / 1e6
        + float(in_force(ACTIVITY, as_of).per_share),
        held=int(position.quantity) if position else 0,
        goal=float(goal),
        cap=cap,
        no_buy=sold or bool(position and (position.no_buy or position.hold)),
        no_sell=bool(position and (position.no_sell or position.hold)),
        no_loss=bought,
        parcels=_parcels(position.lots if position else (), price, row, raises, as_of),
    )


def _parcels(lots: Sequence[LotRow], price: Decimal, row: AccountRow, raises: bool, as_of: date) -> tuple[Parcel, ...]:
    policy, taxable = row.policy, row.tax_status is TaxStatus.TAXABLE
    found = []
    for lot in lots:
        age = (as_of - lot.acquired_on).days
        gain = price - (lot.cost_basis or Decimal(0)) / lot.quantity
        long = lot.inherited or age > LONG_AFTER_DAYS
        soon = not long and gain > 0 and LONG_AFTER_DAYS - age <= policy.short_gain_days
        if taxable and soon and policy.short_gain_rule is ShortGainRule.HARD and not raises:
            continue
        rate = policy.long_rate if long else policy.short_rate
        if policy.short_gain_rule is ShortGainRule.SOFT and not long and gain > 0:
            rate += policy.short_gain_penalty_rate
        tax = float(gain * rate)
        parcel = Parcel(int(lot.quantity), tax if taxable else 0.0, taxable and gain < 0, age <= WINDOW_DAYS)
        found.append(((tax, lot.acquired_on, lot.lot_id), parcel))
    return tuple(parcel for _, parcel in sorted(found, key=lambda pair: pair[0]))
