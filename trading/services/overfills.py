"""More shares than were ordered: they are booked, the account is stopped, and a person is told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F

from accounts.tenancy import firm_scope
from trading.models import Order, TradingHalt
from trading.services.breaks import open_break
from trading.services.halts import Scope, raise_halt

BY = "system"
LEFT_OVER = timedelta(days=1)
"""What was filled longer ago was halted, or looked at by a person."""


def stop_overfilled(*, firm_id: int, order_ids: Collection[int], at: datetime) -> int:
    """Halt the accounts of these orders that were filled beyond their quantity; how many were halted now.

    In a transaction of its own, after the fills are committed: a halt waits for running claims. What was placed
    elsewhere is left out: nobody here knows how many shares it was for.
    """
    with firm_scope(firm_id):
        rows = Order.objects.for_firm(firm_id).filter(pk__in=order_ids, cum_quantity__gt=F("quantity"), notional=None)
        ours = rows.exclude(role=Order.Role.EXTERNAL)
        orders = list(ours.select_related("security", "account").order_by("id"))
    return sum(_stop(firm_id, order, at) for order in orders)


def stop_left_over(*, firm_id: int, now: datetime) -> int:
    """Halt what a worker booked as an overfill and did not live to halt; how many were halted now."""
    with firm_scope(firm_id):
        rows = Order.objects.for_firm(firm_id).filter(
            cum_quantity__gt=F("quantity"), needs_review=True, updated_at__gte=now - LEFT_OVER
        )
        order_ids = list(rows.order_by("id").values_list("id", flat=True))
    return stop_overfilled(firm_id=firm_id, order_ids=order_ids, at=now) if order_ids else 0


def _stop(firm_id: int, order: Order, at: datetime) -> int:
    filled, wanted = (f"{number.normalize():f}" for number in (order.cum_quantity, order.quantity))
    sentence = f"{filled} shares of {order.security} were filled where {wanted} were ordered."
    with firm_scope(firm_id):
        open_break(
            firm_id=firm_id, kind="OVERFILL", subject=order.client_order_id, sentence=sentence, order=order, at=at
        )
        if order.account_id is None:
            return 0
        halts = TradingHalt.objects.for_firm(firm_id).filter(account_id=order.account_id, is_automatic=True)
        reason = f"Overfill of order {order.client_order_id}: {filled} shares of {wanted}."
        if halts.filter(reason__startswith=f"Overfill of order {order.client_order_id}:").exists():
            return 0
    scope = Scope(account_id=order.account_id)
    raise_halt(firm_id=firm_id, reason=reason, by=BY, at=at, scope=scope, is_automatic=True)
    return 1
