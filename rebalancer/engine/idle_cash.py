"""What it costs that sale proceeds wait for the session in which they may buy.

Simple interest, actual days over 365. A sale of one session pays for buys of the first session on which its proceeds
have settled; trading and settlement have calendars of their own, so that over weekends and holidays the wait is longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rebalancer.engine.calendars import is_session, next_session, settles_on
from rebalancer.engine.money import cents

DAYS_OF_A_YEAR = 365
BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class IdleCash:
    """Dollars out of the market from `sold_on` to `buys_on`; `cost` in dollars to the cent, `cost_bps` of `value`."""

    amount: Decimal
    sold_on: date
    buys_on: date
    rate: Decimal
    cost: Decimal
    cost_bps: Decimal

    @property
    def days(self) -> int:
        return (self.buys_on - self.sold_on).days


def idle_cash(amount: Decimal, *, sold_on: date, rate: Decimal, value: Decimal) -> IdleCash:
    """The cost of `amount` dollars that wait to settle, at `rate` a year, against an account of `value` dollars.

    :raises ValueError: unless the value is above zero
    """
    if not value > 0:
        raise ValueError(f"The cost of idle cash is measured against a value above zero, not {value}.")
    buys_on = buys_from(sold_on)
    cost = amount * rate * (buys_on - sold_on).days / DAYS_OF_A_YEAR
    return IdleCash(amount, sold_on, buys_on, rate, cents(cost), cost / value * BASIS_POINTS)


def buys_from(sold_on: date) -> date:
    """The first session on which the proceeds of a sale have settled."""
    settled_on = settles_on(sold_on)
    return settled_on if is_session(settled_on) else next_session(settled_on)
