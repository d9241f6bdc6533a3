"""Executions that the ledger could not take, because their shares were not there, are tried again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Min

from accounts.tenancy import TenantQuerySet, firm_scope
from portfolios.models import CashBalance, ReportedDay
from trading.models import Execution, Order
from trading.services.moves import Moves
from trading.services.posting import post
from trading.services.stories import stories_of

POSTED_LATE = "Its shares were not there when it was filled; it was posted when they had come."


class _NothingGained(Exception):
    """Takes a trial back that posted no more than was posted before."""


def post_unposted(*, firm_id: int, at: datetime) -> int:
    """Try to post what could not be posted; how many executions are posted now. In transactions of its own.

    Each order is tried by itself, in order of id. One of which nothing more can be posted stays exactly as it is. An
    account that its custodian has reported as of the day of the trade, or of a later one, is left to a person: the
    report may hold the trade already, and it would count twice.
    """
    with firm_scope(firm_id):
        waiting = sorted(set(_unposted(firm_id).values_list("order_id", flat=True)))
    posted = 0
    for order_id in waiting:
        with firm_scope(firm_id):
            posted += _try(firm_id, order_id, at)
    return posted


def _unposted(firm_id: int) -> TenantQuerySet[Execution]:
    rows: TenantQuerySet[Execution] = (
        Execution.objects.for_firm(firm_id).filter(posted_at=None).exclude(order__role=Order.Role.BLOCK)
    )
    return rows


def _try(firm_id: int, order_id: int, at: datetime) -> int:
    order = Order.objects.for_firm(firm_id).select_for_update().get(pk=order_id)
    before = _unposted(firm_id).filter(order=order).count()
    if not before or _reported_since(firm_id, order):
        return 0
    moves = Moves(firm_id, at)
    try:
        with transaction.atomic():
            left = post(firm_id=firm_id, stories=stories_of(firm_id, [order]), moves=moves, at=at)
            if left >= before:
                raise _NothingGained
            if not left:
                order.status_reason = POSTED_LATE
                moves.changed(order)
            moves.write()
    except _NothingGained:
        return 0
    return before - left


def _reported_since(firm_id: int, order: Order) -> bool:
    """Whether the account was reported for the first unposted day or later. Until the end nobody reports it anew."""
    list(CashBalance.objects.for_firm(firm_id).filter(account_id=order.holder_id).select_for_update())
    first = _unposted(firm_id).filter(order=order).aggregate(on=Min("trade_on"))["on"]
    days = ReportedDay.objects.for_firm(firm_id).filter(account_id=order.holder_id)
    return days.filter(reported_on__gte=first).exists()
