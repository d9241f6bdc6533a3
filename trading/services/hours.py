"""When orders may leave: while the market is open, not in its first minutes, and no new run in its last ones.

Sessions, half days and the change of clocks are those of `rebalancer.engine.calendars`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from rebalancer.engine.calendars import is_session, next_session, session_hours
from trading.lifecycle import AT_CUSTODIAN, OrderStatus
from trading.models import Order

AFTER_OPEN = timedelta(minutes=2)
BEFORE_CLOSE = timedelta(minutes=15)
BEGUN = (OrderStatus.READY, *AT_CUSTODIAN, OrderStatus.FILLED)


def closed_because(now: datetime) -> str:
    """Why nothing is sent at this moment; empty while the market is open. The first minutes are left to others."""
    today = timezone.localdate(now)
    if is_session(today):
        opens_at, closes_at = session_hours(today)
        if opens_at + AFTER_OPEN <= now < closes_at:
            return ""
        if now < opens_at + AFTER_OPEN:
            return f"The market is not open yet; orders leave from {timezone.localtime(opens_at + AFTER_OPEN):%H:%M}."
    return f"The market is closed until {next_session(today):%A, %d %B}."


def late_because(now: datetime) -> str:
    """Why no run begins at this moment of an open market; empty if one may. What has begun goes on to the close."""
    today = timezone.localdate(now)
    _, closes_at = session_hours(today)
    if now < closes_at - BEFORE_CLOSE:
        return ""
    return f"The market closes in a few minutes; a new run begins on {next_session(today):%A, %d %B}."


def begun_runs(firm_id: int, orders: Sequence[Order]) -> frozenset[int]:
    """Of the runs of these orders, those of which an order has left or is about to."""
    runs = {order.run_id for order in orders if order.run_id is not None}
    rows = Order.objects.for_firm(firm_id).filter(run__in=runs, status__in=BEGUN).order_by("run_id")
    return frozenset(rows.values_list("run_id", flat=True).distinct())
