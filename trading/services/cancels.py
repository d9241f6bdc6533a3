"""Cancelling many orders in one act: here what has not left, at the custodian what has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from trading.lifecycle import AT_CUSTODIAN, TERMINAL, OrderStatus
from trading.models import Order, OrderCommand
from trading.services.moves import Moves
from trading.services.orders import CANCEL_PRIORITY

Kind, Status = OrderCommand.Kind, OrderCommand.Status


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many orders ended here, and how many the custodian is asked to end."""

    here: int = 0
    asked: int = 0


def cancel_open(*, firm_id: int, which: Q, why: str, at: datetime) -> Cancelled:
    """Cancel every open order among these, in the caller's transaction.

    Orders that left as part of a block are taken back with the block's order, never one by one.
    """
    rows = Order.objects.for_firm(firm_id).filter(which).exclude(status__in=TERMINAL)
    orders = list(rows.select_for_update(of=("self",)).order_by("id"))
    here = [order for order in orders if order.status not in AT_CUSTODIAN]
    there = [order for order in orders if order.status in AT_CUSTODIAN and not _in_block(order)]
    _end_here(firm_id, here, why, at)
    return Cancelled(len(here), _ask(firm_id, there, at))


def _in_block(order: Order) -> bool:
    return order.role == Order.Role.ACCOUNT and order.block_id is not None


def _end_here(firm_id: int, orders: Sequence[Order], why: str, at: datetime) -> None:
    moves = Moves(firm_id, at)
    for order in orders:
        order.status_reason = why[:300]
        moves.move(order, OrderStatus.CANCELED, why)
    moves.write()
    commands = OrderCommand.objects.for_firm(firm_id).filter(order__in=orders, status=Status.READY)
    commands.update(status=Status.DONE, outcome="cancelled before it was sent")


def _ask(firm_id: int, orders: Sequence[Order], at: datetime) -> int:
    commands = OrderCommand.objects.for_firm(firm_id)
    running = commands.filter(order__in=orders, kind=Kind.CANCEL, status__in=(Status.READY, Status.LEASED))
    asked = set(running.values_list("order_id", flat=True))
    wanted = [
        OrderCommand(
            order=order,
            kind=Kind.CANCEL,
            status=Status.READY,
            priority=CANCEL_PRIORITY,
            not_before=at,
            idempotency_key=order.client_order_id,
        )
        for order in orders
        if order.pk not in asked
    ]
    commands.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["firm", "idempotency_key", "kind"],
        update_fields=["status", "priority", "not_before", "outcome"],
    )
    return len(wanted)
