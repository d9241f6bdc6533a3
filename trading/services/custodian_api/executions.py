"""Fills, corrections and busts as a custodian pushes them: all of a call or none, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from rebalancer.engine.money import ZERO
from trading.models import Execution, Order
from trading.selectors.custodian_api import Caller, order_id_of, orders_by_id, visible_orders
from trading.services.custodian_api.orders import CHANNEL
from trading.services.custodian_api.refusals import Contradiction, Fault, Unacceptable
from trading.services.deliveries import Delivery, Report, Said
from trading.services.inbox import receive

CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One execution as a custodian tells it. `fees` is what it took, or None where it does not say."""

    exec_id: str
    order_id: str
    custodian_order_id: str
    kind: Execution.Kind
    ref_exec_id: str
    quantity: Decimal
    price: Decimal
    side: str
    trade_on: date
    settle_on: date | None
    executed_at: datetime
    fees: Decimal | None

    @property
    def name(self) -> tuple[date, str]:
        return self.trade_on, self.exec_id


def told_of(*, word: str, **values: Any) -> Told:
    """An execution of a type in the words of the API: new, correct or bust."""
    return Told(kind=Execution.Kind(word.upper()), **values)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one execution: `created` or `unchanged`."""

    exec_id: str
    order_id: str
    result: str


@transaction.atomic
def take_executions(*, caller: Caller, told: Sequence[Told], at: datetime) -> Sequence[Taken]:
    """Take in executions, in the caller's transaction: they move the orders, the lots and the cash.

    :raises Unacceptable: if one is of no order that was released to this custodian, or cannot be true
    :raises Contradiction: if one was told before with other content
    """
    orders = _orders(caller, told)
    _check(told, orders, at)
    known = _known(caller, told)
    _check_known(told, orders, known)
    fresh = [one for one in told if one.name not in known]
    for connection_id in sorted({orders[one.name].connection_id for one in fresh}):
        part = [one for one in fresh if orders[one.name].connection_id == connection_id]
        _receive(caller, connection_id, part, orders, at)
    return [
        Taken(
            one.exec_id,
            order_id_of(orders[one.name].client_order_id),
            "unchanged" if one.name in known else "created",
        )
        for one in told
    ]


def _orders(caller: Caller, told: Sequence[Told]) -> Mapping[tuple[date, str], Order]:
    """The order of each execution, by either id.

    :raises Unacceptable: if one cannot be found, or its two ids are of two orders
    """
    by_id = orders_by_id(caller.firm_id, caller.custodian_id, order_ids=[one.order_id for one in told])
    theirs = {one.custodian_order_id for one in told} - {""}
    rows = visible_orders(caller.firm_id, caller.custodian_id).filter(broker_order_id__in=theirs)
    by_theirs = {row.broker_order_id: row for row in rows}
    named = {order_id: row.pk for order_id, row in by_theirs.items()}
    found, faults = {}, []
    for place, one in enumerate(told):
        order = by_id.get(one.order_id) if one.order_id else by_theirs.get(one.custodian_order_id)
        if order is None:
            faults.append(Fault(f"/executions/{place}", "unknown_order", "There is no such order."))
        elif not _goes_with(order, one.custodian_order_id, named):
            detail = "The order has another custodian_order_id, or another order has this one."
            faults.append(Fault(f"/executions/{place}/custodian_order_id", "custodian_order_id_conflict", detail))
        else:
            found[one.name] = order
    if faults:
        raise Unacceptable("unknown_order", "Not all executions are of orders that you were given.", faults)
    return found


def _goes_with(order: Order, custodian_order_id: str, named: dict[str, int]) -> bool:
    """Whether the custodian's id can be the order's; `named` are those that are given away, and grows."""
    if not custodian_order_id:
        return True
    owner = named.setdefault(custodian_order_id, order.pk)
    return owner == order.pk and order.broker_order_id in ("", custodian_order_id)


def _check(told: Sequence[Told], orders: Mapping[tuple[date, str], Order], at: datetime) -> None:
    """:raises Unacceptable: if one cannot be true"""
    faults: list[Fault] = []
    seen: set[tuple[date, str]] = set()
    for place, one in enumerate(told):
        faults += [Fault(f"/executions/{place}/{name}", code, why) for name, code, why in _faults(one, orders, at)]
        if one.name in seen:
            faults.append(Fault(f"/executions/{place}/exec_id", "duplicate", "It stands twice in the call."))
        seen.add(one.name)
    if faults:
        raise Unacceptable("bad_executions", "Not all executions can be taken; none was.", faults)


def _faults(one: Told, orders: Mapping[tuple[date, str], Order], at: datetime) -> list[tuple[str, str, str]]:
    found = []
    if one.side.upper() != orders[one.name].side:
        found.append(("side", "wrong_side", f"The order is to {orders[one.name].side.lower()}."))
    if one.executed_at > at + CLOCK_SLACK:
        found.append(("executed_at", "future_date", "This moment has not come yet."))
    if one.trade_on > timezone.localdate(at + CLOCK_SLACK) + timedelta(days=4):
        found.append(("trade_date", "future_date", "This day is too far ahead."))
    if one.settle_on is not None and one.settle_on < one.trade_on:
        found.append(("settle_date", "settles_before_trade", "It settles before it is traded."))
    return found


def _known(caller: Caller, told: Sequence[Told]) -> Mapping[tuple[date, str], Execution]:
    """Those that were taken in before, from any channel of this custodian."""
    rows = Execution.objects.for_firm(caller.firm_id).filter(
        connection__custodian_id=caller.custodian_id, exec_id__in=[one.exec_id for one in told]
    )
    names = {one.name for one in told}
    return {(row.trade_on, row.exec_id): row for row in rows.order_by("id") if (row.trade_on, row.exec_id) in names}


def _check_known(
    told: Sequence[Told], orders: Mapping[tuple[date, str], Order], known: Mapping[tuple[date, str], Execution]
) -> None:
    """:raises Contradiction: if one was told before with other content"""
    faults = [
        Fault(f"/executions/{place}", "execution_conflict", f"Execution {one.exec_id} was told before otherwise.")
        for place, one in enumerate(told)
        if one.name in known and not _is_same(one, orders[one.name], known[one.name])
    ]
    if faults:
        detail = "An exec_id was used before for something else; none was taken."
        raise Contradiction("execution_conflict", detail, faults)


def _is_same(one: Told, order: Order, row: Execution) -> bool:
    said = (order.pk, one.kind, one.quantity, one.price, one.ref_exec_id, one.executed_at)
    stored = (row.order_id, row.kind, row.quantity, row.price, row.ref_exec_id, row.executed_at)
    may_differ = one.fees in (None, row.fees) and one.settle_on in (None, row.settle_on)
    return said == stored and may_differ


def _receive(
    caller: Caller, connection_id: int, told: Sequence[Told], orders: Mapping[tuple[date, str], Order], at: datetime
) -> None:
    """:raises Contradiction: if the inbox finds that one does not go with what it has"""
    deliveries = [_delivery(one, orders[one.name]) for one in told]
    tally = receive(firm_id=caller.firm_id, connection_id=connection_id, deliveries=deliveries, at=at)
    if tally.conflict or tally.unmatched:
        raise Contradiction("execution_conflict", "An execution does not go with what was told before; none was taken.")


def _delivery(one: Told, order: Order) -> Delivery:
    return Delivery(
        channel=CHANNEL,
        source_event_id=f"exec:{one.trade_on}:{one.exec_id}",
        said=Said.EXECUTION,
        word={"NEW": "fill", "CORRECT": "trade_correct", "BUST": "trade_bust"}[one.kind],
        client_order_id=order.client_order_id,
        broker_order_id=one.custodian_order_id,
        occurred_at=one.executed_at,
        execution=Report(
            exec_id=one.exec_id,
            kind=one.kind,
            quantity=one.quantity,
            price=one.price,
            executed_at=one.executed_at,
            trade_on=one.trade_on,
            settle_on=one.settle_on,
            ref_exec_id=one.ref_exec_id,
            fees=one.fees,
        ),
        message={
            "exec_id": one.exec_id,
            "kind": one.kind.value,
            "quantity": f"{one.quantity:f}",
            "price": f"{one.price:f}",
            "fees": None if one.fees is None else f"{one.fees or ZERO:f}",
            "executed_at": one.executed_at.isoformat(),
        },
    )
