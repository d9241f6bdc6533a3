"""Orders that somebody placed elsewhere: deliveries wait a minute for an order of ours, then a row is made for theirs.

A trade placed elsewhere is real: its executions are posted like ours, and a person is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.tenancy import firm_scope
from portfolios.models import Security
from trading.lifecycle import OrderStatus
from trading.models import InboundEvent, Order, OrderTransition, ReconBreak
from trading.services.breaks import open_break
from trading.services.inbox import take_up
from trading.services.parked import accounts_at, restored

PATIENCE = timedelta(seconds=60)
"""A fill may be told before the answer to our own submit has given the order its number."""
BATCH = 500
PLACED_ELSEWHERE = "Placed elsewhere; the custodian told us of it."


def settle_parked(*, firm_id: int, now: datetime) -> int:
    """Take up parked deliveries, and make rows for orders that are none of ours; how many were taken up."""
    with firm_scope(firm_id):
        rows = InboundEvent.objects.for_firm(firm_id).filter(result=InboundEvent.Result.PARKED)
        lines = sorted(set(rows.values_list("connection_id", flat=True)))
    return sum(_settle(firm_id, connection_id, now) for connection_id in lines)


def _settle(firm_id: int, connection_id: int, now: datetime) -> int:
    """Go through all that is parked on a line: what nothing can be made of yet keeps nothing after it waiting."""
    settled = after = 0
    while True:
        with firm_scope(firm_id):
            parked = InboundEvent.objects.for_firm(firm_id).filter(
                connection_id=connection_id, result=InboundEvent.Result.PARKED, pk__gt=after
            )
            rows = list(parked.select_for_update(skip_locked=True).order_by("id")[:BATCH])
            if not rows:
                return settled
            _make_strangers(firm_id, connection_id, rows, now)
            tally = take_up(firm_id=firm_id, connection_id=connection_id, rows=rows, at=now)
            settled += sum(getattr(tally, name) for name in ("applied", "duplicate", "stale", "conflict"))
            after = rows[-1].pk


def _make_strangers(firm_id: int, connection_id: int, rows: Sequence[InboundEvent], now: datetime) -> None:
    old = [row for row in rows if row.received_at + PATIENCE <= now and row.broker_order_id]
    names = {row.broker_order_id for row in old}
    ours = Order.objects.for_firm(firm_id).filter(connection_id=connection_id)
    known = set(ours.filter(broker_order_id__in=names).values_list("broker_order_id", flat=True))
    known |= set(ours.filter(client_order_id__in=_client_ids(old)).values_list("broker_order_id", flat=True))
    accounts = accounts_at(firm_id, connection_id) if names - known else {}
    for name in sorted(names - known):
        told = [row for row in old if row.broker_order_id == name]
        if not ours.filter(client_order_id__in=_client_ids(told)).exists():
            _make(firm_id, connection_id, told, accounts, now)


def _client_ids(rows: Sequence[InboundEvent]) -> set[str]:
    return {row.client_order_id for row in rows} - {""}


def _make(
    firm_id: int, connection_id: int, told: Sequence[InboundEvent], accounts: Mapping[str, int], now: datetime
) -> None:
    deliveries = [restored(row) for row in told]
    about = next(delivery.about for delivery in deliveries if delivery.about is not None)
    security = Security.objects.filter(symbol=about.symbol).first()
    name = told[0].broker_order_id
    sentence = f"An order to {about.side.lower()} {about.symbol} was placed elsewhere, under the number {name}."
    if security is None:
        # What a person closed stays closed, though the delivery goes on waiting for its security.
        if ReconBreak.objects.for_firm(firm_id).filter(kind="EXTERNAL_ORDER", subject=name).exists():
            return
        sentence += " We do not know this security, so nothing of it is booked."
        open_break(
            firm_id=firm_id,
            kind="EXTERNAL_ORDER",
            subject=name,
            sentence=sentence,
            account_id=accounts[about.account],
            connection_id=connection_id,
            at=now,
        )
        return
    fills = [delivery.execution for delivery in deliveries if delivery.execution is not None]
    quantity = next((one.about.quantity for one in deliveries if one.about and one.about.quantity), None)
    order = Order.objects.for_firm(firm_id).create(
        connection_id=connection_id,
        role=Order.Role.EXTERNAL,
        account_id=accounts[about.account],
        security=security,
        client_order_id=f"EXT-{hashlib.sha256(name.encode()).hexdigest()[:24].upper()}",
        broker_order_id=name,
        side=about.side,
        quantity=quantity or sum((fill.quantity for fill in fills), Decimal(0)),
        kind=Order.Kind.MARKET,
        reference_price=fills[0].price if fills else Decimal(0),
        wave=1,
        status=OrderStatus.SUBMITTED,
        status_reason=PLACED_ELSEWHERE,
        created_at=now,
        updated_at=now,
    )
    OrderTransition.objects.for_firm(firm_id).create(
        order=order, from_status="", to_status=OrderStatus.SUBMITTED, at=now, cause=PLACED_ELSEWHERE
    )
    open_break(firm_id=firm_id, kind="EXTERNAL_ORDER", subject=name, sentence=sentence, order=order, at=now)
