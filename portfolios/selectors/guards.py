"""A firm's limits for its orders."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from portfolios.policy_files import resolve
from portfolios.selectors.policies import firm_layer


@dataclass(frozen=True, slots=True)
class Limits:
    """Amounts in dollars, weights as fractions, None for no limit; the defaults are the product's."""

    order_minimum_amount: Decimal = Decimal(1)
    order_note_amount: Decimal | None = Decimal(2_000_000)
    order_maximum_amount: Decimal | None = Decimal(20_000_000)
    order_note_account_weight: Decimal | None = Decimal(1)
    order_note_volume_weight: Decimal | None = Decimal("0.05")
    order_collar_weight: Decimal = Decimal("0.05")
    order_market_buffer_weight: Decimal = Decimal("0.03")
    order_price_maximum_sessions: int = 1
    order_approval_hours: int = 120
    order_repeat_minutes: int = 5
    orders_daily_note_amount: Decimal | None = Decimal(1_000_000_000)
    orders_a_minute: int = 60_000
    breaks_maximum: int | None = 100


def guard_limits(firm_id: int) -> Limits:
    """The firm's own settings over the product's."""
    layer = firm_layer(firm_id)
    found = resolve({}, [layer] if layer else [])
    known = {field.name for field in fields(Limits)}
    return Limits(**{name: setting.value for name, setting in found.items() if name in known})
