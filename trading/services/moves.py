"""Moving orders through their states: every move is checked against the table, claimed, and written down."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection, transaction

from trading import lifecycle
from trading.lifecycle import MOVES, OrderStatus
from trading.models import InboundEvent, Order, OrderTransition

# A contradiction is walked through states that do not end an order.
_THROUGH = frozenset({OrderStatus.READY, OrderStatus.SUBMITTING, OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED})

# The version makes this a compare-and-swap: an order that somebody else moved meanwhile is not touched.
_WRITE = """
UPDATE trading_order SET
    status = moved.status, sub_status = moved.sub_status, status_reason = moved.status_reason,
    needs_review = moved.needs_review, broker_order_id = moved.broker_order_id, cum_quantity = moved.cum_quantity,
    average_price = moved.average_price, limit_price = moved.limit_price, version = trading_order.version + 1,
    updated_at = %s
FROM jsonb_to_recordset(%s::jsonb)
    AS moved(id bigint, version int, status text, sub_status text, status_reason text, needs_review bool,
             broker_order_id text, cum_quantity numeric, average_price numeric, limit_price numeric)
WHERE trading_order.firm_id = %s AND trading_order.id = moved.id AND trading_order.version = moved.version
"""
_TELL = """
INSERT INTO trading_ordertransition (firm_id, at, order_id, from_status, to_status, cause, event_id)
SELECT %s, %s, order_id, from_status, to_status, cause, event_id
FROM ROWS FROM (
    jsonb_to_recordset(%s::jsonb) AS (order_id bigint, from_status text, to_status text, cause text, event_id bigint)
) WITH ORDINALITY AS told(order_id, from_status, to_status, cause, event_id, place)
ORDER BY place
"""


class OrderMoved(RuntimeError):
    """Somebody else moved the order first."""


@dataclass(slots=True)
class Moves:
    """The moves of a batch of orders, written together; the orders are changed in memory at once."""

    firm_id: int
    at: datetime
    orders: dict[int, Order] = field(default_factory=dict)
    transitions: list[OrderTransition] = field(default_factory=list)

    def move(self, order: Order, to: OrderStatus, cause: str, event: InboundEvent | None = None) -> None:
        """:raises lifecycle.ForbiddenMove: if the table has no such move"""
        lifecycle.check(order.status, to)
        self.transitions.append(
            OrderTransition(
                order=order, from_status=order.status, to_status=to, at=self.at, cause=cause[:300], event=event
            )
        )
        order.status = to
        self.changed(order)

    def begin(self, order: Order, cause: str) -> None:
        """An order that was just stored: its history begins."""
        self.transitions.append(
            OrderTransition(order=order, from_status="", to_status=order.status, at=self.at, cause=cause[:300])
        )

    def changed(self, order: Order) -> None:
        self.orders[order.pk] = order

    def write(self) -> None:
        """Store orders and transitions, in the caller's transaction.

        :raises OrderMoved: if an order was changed by somebody else since it was read
        """
        rows = list(self.orders.values())
        if not rows:
            return
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [self.at, json.dumps([_moved(row) for row in rows]), self.firm_id])
            if cursor.rowcount != len(rows):
                raise OrderMoved(f"{len(rows) - cursor.rowcount} of {len(rows)} orders were moved by somebody else")
            if self.transitions:
                told = json.dumps([_told(row) for row in self.transitions])
                cursor.execute(_TELL, [self.firm_id, self.at, told])
        for row in rows:
            row.version += 1


def _moved(row: Order) -> dict[str, Any]:
    return {
        "id": row.pk,
        "version": row.version,
        "status": row.status,
        "sub_status": row.sub_status,
        "status_reason": row.status_reason[:300],
        "needs_review": row.needs_review,
        "broker_order_id": row.broker_order_id,
        "cum_quantity": _text(row.cum_quantity),
        "average_price": _text(row.average_price),
        "limit_price": _text(row.limit_price),
    }


def _told(row: OrderTransition) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "from_status": row.from_status,
        "to_status": row.to_status,
        "cause": row.cause,
        "event_id": row.event.pk if row.event else None,  # stored since it was named
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


@transaction.atomic
def move_order(*, order: Order, to: OrderStatus, cause: str, at: datetime, event: InboundEvent | None = None) -> None:
    """Move one order and write down why it moved.

    :raises lifecycle.ForbiddenMove: if the table has no such move
    :raises OrderMoved: if somebody else moved it first
    """
    moves = Moves(order.firm_id, at)
    moves.move(order, to, cause, event)
    moves.write()


@cache
def route(current: str, to: OrderStatus) -> Sequence[OrderStatus]:
    """The shortest way from one state to another through the table, without passing through an end.

    :raises lifecycle.ForbiddenMove: if there is none
    """
    ways: deque[tuple[OrderStatus, ...]] = deque([(OrderStatus(current),)])
    met = {OrderStatus(current)}
    while ways:
        way = ways.popleft()
        if to in MOVES[way[-1]]:
            return (*way[1:], to)
        for step in sorted((MOVES[way[-1]] & _THROUGH) - met):
            met.add(step)
            ways.append((*way, step))
    raise lifecycle.ForbiddenMove(f"an order that is {current} cannot become {to}")
