"""Orders that have not ended."""

from __future__ import annotations

from trading.lifecycle import TERMINAL
from trading.models import Order


def households_at_work(firm_id: int) -> frozenset[int]:
    """Households with an order that has not ended: their cash and positions are still moving."""
    rows = Order.objects.for_firm(firm_id).exclude(status__in=TERMINAL).order_by("account__household_id")
    return frozenset(rows.values_list("account__household_id", flat=True).distinct())
