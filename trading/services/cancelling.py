"""Cancelling the orders that somebody picked: each by itself, so that what one meets stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.tenancy import firm_scope
from trading.lifecycle import OrderStatus
from trading.models import Order
from trading.services.orders import OrderHasEnded, OrderInBlock, OrderNotFound, cancel_order


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one of them."""

    order_id: int
    title: str
    done: bool
    sentence: str


def cancel_each(*, firm_id: int, order_ids: Sequence[int], by: str, at: datetime) -> list[Ended]:
    """Cancel orders, a transaction each, in the order given: here what has not left, at the custodian what has."""
    with firm_scope(firm_id):
        rows = Order.objects.for_firm(firm_id).filter(pk__in=order_ids).select_related("security")
        titles = {row.pk: _title(row) for row in rows}
    return [_cancel(firm_id, pk, titles.get(pk, ""), by, at) for pk in order_ids]


def _title(order: Order) -> str:
    return f"{order.get_side_display()} {order.quantity.normalize():f} {order.security.symbol}"


def _cancel(firm_id: int, order_id: int, title: str, by: str, at: datetime) -> Ended:
    try:
        status = cancel_order(firm_id=firm_id, order_id=order_id, by=by, at=at)
    except OrderNotFound:
        return Ended(order_id, title, False, "There is no such order.")
    except (OrderHasEnded, OrderInBlock) as why:
        return Ended(order_id, title, False, str(why))
    if status == OrderStatus.CANCELED:
        return Ended(order_id, title, True, "Cancelled before it was sent.")
    return Ended(order_id, title, True, "The custodian is asked to cancel it; a fill on its way still counts.")
