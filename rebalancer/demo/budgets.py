"""Households that want to realise only so much this year: two of each firm, with more gain to take than they may."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rebalancer.demo.book import DemoAccount, DemoHousehold
from rebalancer.demo.market import Market
from rebalancer.demo.securities import LEGACY_STOCKS
from rebalancer.engine.money import ZERO, times

_PART = Decimal("0.25")
"""Of the gain in a concentrated stock: selling down to the target takes more."""
_STEP = Decimal(500)


def with_budgets(households: tuple[DemoHousehold, ...], market: Market) -> tuple[DemoHousehold, ...]:
    """The same households, of which the one with most gain in a concentrated stock has a budget of gains.

    The next one has a budget of tax. Where none is concentrated at a gain, none has a budget.
    """
    gains = {one.external_id: _gain(one, market) for one in households}
    most = sorted((name for name, gain in gains.items() if gain > 0), key=lambda name: (-gains[name], name))[:2]
    return tuple(
        _with_budget(one, most.index(one.external_id), gains) if one.external_id in most else one for one in households
    )


def _with_budget(household: DemoHousehold, place: int, gains: dict[str, Decimal]) -> DemoHousehold:
    room = gains[household.external_id] * _PART
    if place == 0:
        realised = household.realised_short + household.realised_long
        return replace(household, gain_budget=_step(max(realised, ZERO) + room))
    return replace(household, tax_budget=_step(room * household.long_rate))


def _step(amount: Decimal) -> Decimal:
    return max(Decimal(int(amount / _STEP)), Decimal(1)) * _STEP


def _gain(household: DemoHousehold, market: Market) -> Decimal:
    concentrated = (one for one in household.accounts if "CONCENTRATED" in one.situations)
    return sum((_gain_of(account, market) for account in concentrated), ZERO)


def _gain_of(account: DemoAccount, market: Market) -> Decimal:
    """What the account's single stocks are worth above their cost."""
    stocks = (lot for lot in account.lots if lot.symbol in LEGACY_STOCKS and lot.cost_basis is not None)
    return sum((times(lot.quantity, market.price(lot.symbol)) - (lot.cost_basis or ZERO) for lot in stocks), ZERO)
