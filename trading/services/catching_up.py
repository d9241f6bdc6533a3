"""Catching up with a custodian: after every silence its fills and orders are asked for before anything is sent again.

What is found goes through the inbox like everything else, under names that follow from what it says: asking twice
changes nothing, and a fill that the stream tells too is booked once.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from accounts.models import Account
from accounts.tenancy import firm_scope
from rebalancer.engine.calendars import previous_session
from trading.connections import CUSTODIAN_API, Line, open_line
from trading.custodians.protocol import Custodian, OrderSnapshot, QueryFailed
from trading.lifecycle import OrderStatus
from trading.models import BrokerConnection, Order
from trading.services.breaker import stream_accepted
from trading.services.deliveries import Delivery, from_fill, from_snapshot
from trading.services.inbox import Tally, receive
from trading.services.lines import line_of
from trading.services.stories import AWAITING

logger = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)
FIRST_SESSIONS = 3
"""How far back a line looks that has never heard anything."""
AGAIN = timedelta(seconds=2)
THERE = (OrderStatus.SUBMITTED, OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED)


@dataclass(slots=True)
class Behind:
    """A listener's line that has begun anew; it catches up as soon as the stream speaks, and tries until it has."""

    firm_id: int
    connection_id: int
    is_over: bool = False
    tried_at: datetime | None = field(default=None)

    def look(self, now: datetime) -> int:
        """Catch up if that is still to be done; one when it was just done, else zero."""
        if self.is_over or (self.tried_at is not None and now < self.tried_at + AGAIN):
            return 0
        self.tried_at = now
        stream_accepted(firm_id=self.firm_id, connection_id=self.connection_id)
        try:
            catch_up(firm_id=self.firm_id, connection_id=self.connection_id, now=now)
        except QueryFailed as why:
            logger.warning("connection %s: nothing is sent before it has caught up: %s", self.connection_id, why)
            return 0
        self.is_over = True
        return 1


def fall_behind(*, firm_id: int, connection_id: int, at: datetime) -> None:
    """Nobody hears this line now: nothing is submitted on it until it has caught up."""
    with firm_scope(firm_id):
        rows = BrokerConnection.objects.for_firm(firm_id).filter(pk=connection_id)
        rows.update(needs_catch_up=True, silences=F("silences") + 1, stream_lost_at=Coalesce("stream_lost_at", at))


def is_behind(*, firm_id: int, connection_id: int) -> bool:
    with firm_scope(firm_id):
        return BrokerConnection.objects.for_firm(firm_id).filter(pk=connection_id, needs_catch_up=True).exists()


def catch_up(*, firm_id: int, connection_id: int, now: datetime) -> Tally:
    """Ask for what happened since a while before the last event, take it in, and let orders pass again.

    A line that fell behind anew meanwhile stays behind.

    :raises QueryFailed: if the custodian could not be asked; what was learnt is kept, and the line stays behind
    """
    with firm_scope(firm_id):
        row = BrokerConnection.objects.for_firm(firm_id).get(pk=connection_id)
        ours = _ours(row)
    total = _ask(row, ours, now)
    with firm_scope(firm_id):
        BrokerConnection.objects.for_firm(firm_id).filter(pk=connection_id, silences=row.silences).update(
            needs_catch_up=False, caught_up_at=now, stream_lost_at=None
        )
    return total


def look_over(*, firm_id: int, now: datetime) -> Tally:
    """Compare the orders that custodians have with what they say of them now, on lines that are not behind.

    An order that the stream forgot, or whose fills it did not tell, is mended by this. A custodian that cannot be asked
    is asked the next time.
    """
    with firm_scope(firm_id):
        rows = BrokerConnection.objects.for_firm(firm_id).exclude(adapter=CUSTODIAN_API).filter(needs_catch_up=False)
        busy = Order.objects.for_firm(firm_id).filter(Q(status__in=THERE) | Q(sub_status=AWAITING))
        lines = list(rows.filter(pk__in=busy.values("connection_id")).order_by("id"))
        ours = {row.pk: _ours(row) for row in lines}
    total = Tally()
    for row in lines:
        try:
            total.add(_ask(row, ours[row.pk], now))
        except QueryFailed as why:
            logger.warning("connection %s: its open orders could not be compared: %s", row.pk, why)
    return total


def _ask(row: BrokerConnection, ours: _Ours, now: datetime) -> Tally:
    """Take in fills and orders as the custodian lists them."""
    total, line = Tally(), line_of(row)
    with closing(open_line(line)) as custodian:
        for batch in (_fills(custodian, line, _since(row, now), ours), _orders(custodian, ours, now)):
            total.add(receive(firm_id=row.firm_id, connection_id=row.pk, deliveries=list(batch), at=now))
    return total


@dataclass(frozen=True, slots=True)
class _Ours:
    """By the custodian's id of each of our accounts there: our orders that it has."""

    orders: Mapping[str, Sequence[Order]]


def _ours(row: BrokerConnection) -> _Ours:
    line = line_of(row)
    accounts = Account.objects.for_firm(row.firm_id).filter(custodian_id=row.custodian_id).order_by("id")
    found: dict[str, list[Order]] = {line.account(number): [] for number in accounts.values_list("number", flat=True)}
    orders = Order.objects.for_firm(row.firm_id).filter(connection=row, status__in=THERE)
    for order in orders.select_related("account").order_by("id"):
        account = line.account(order.account.number) if order.account else line.block_account
        found.setdefault(account, []).append(order)
    return _Ours(found)


def _since(row: BrokerConnection, now: datetime) -> datetime:
    if row.cursor_at is not None:
        return row.cursor_at - OVERLAP
    day = now.date()
    for _ in range(FIRST_SESSIONS):
        day = previous_session(day)
    return now - (now.date() - day)


def _fills(custodian: Custodian, line: Line, since: datetime, ours: _Ours) -> Iterator[Delivery]:
    """Those of our own accounts: a credential may see others'."""
    for fill in custodian.fills(since):
        if fill.account in ours.orders:
            yield from_fill(fill, no_fees=not line.charges_fees)


def _orders(custodian: Custodian, ours: _Ours, now: datetime) -> Iterator[Delivery]:
    for account, orders in ours.orders.items():
        if not orders:
            continue
        there = {snapshot.client_order_id: snapshot for snapshot in custodian.open_orders(account)}
        for order in orders:
            snapshot = there.get(order.client_order_id)
            if snapshot is None:
                snapshot = custodian.find_by_client_order_id(account, order.client_order_id)
            if snapshot is not None:
                yield _told(order, snapshot, now)


def _told(order: Order, snapshot: OrderSnapshot, now: datetime) -> Delivery:
    said = (
        f"{order.connection_id}|{snapshot.client_order_id}|{snapshot.status}|{snapshot.filled_quantity.normalize():f}"
    )
    name = f"order:{hashlib.sha256(said.encode()).hexdigest()}"
    return from_snapshot(
        snapshot,
        channel="HEAL",
        name=name,
        at=snapshot.updated_at or now,
        client_order_id=order.client_order_id,
    )
