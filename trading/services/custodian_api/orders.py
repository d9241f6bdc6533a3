"""A custodian takes its released orders, and says whether it has them: leased, acknowledged or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from trading.lifecycle import OrderStatus
from trading.models import InboundEvent, Order, OrderCommand
from trading.selectors.custodian_api import Caller, OrderFacts, client_order_id_of, order_facts, visible_orders
from trading.services.custodian_api.refusals import Contradiction, Fault, NotThere, Outdated
from trading.services.deliveries import Delivery, Said
from trading.services.inbox import receive
from trading.services.moves import Moves
from trading.services.outcomes import resolve_expired
from trading.services.stops import Stops, halted_because, let_claims_pass, stops_in_force

CHANNEL = "CUSTODIAN_API"
SAID: Mapping[str, Said] = {
    "working": Said.WORKING,
    "done_for_day": Said.REMARK,
    "canceled": Said.CANCELED,
    "expired": Said.EXPIRED,
    "cancel_rejected": Said.REMARK,
}
"""What an event of the API says of its order. A remark is shown, and moves nothing."""
Kind, Status = OrderCommand.Kind, OrderCommand.Status


@dataclass(frozen=True, slots=True)
class News:
    """What a custodian says of an order, under an id of its own by which a repeat is known."""

    event_id: str
    said: Said
    word: str
    occurred_at: datetime
    cum_quantity: Decimal | None = None
    custodian_order_id: str = ""
    reason: str = ""


def news_of(
    *,
    event_id: str,
    word: str,
    occurred_at: datetime,
    cum_quantity: Decimal | None,
    custodian_order_id: str,
    reason: str,
) -> News:
    """An event in the words of the API as news."""
    return News(f"event:{event_id}", SAID[word], word, occurred_at, cum_quantity, custodian_order_id, reason)


@transaction.atomic
def claim_orders(*, caller: Caller, limit: int, lease: timedelta, at: datetime) -> Sequence[OrderFacts]:
    """Lease released orders to a custodian, those of the first wave first, and give them to it.

    Who does not acknowledge in time gives them back: they are released again under the same id.
    """
    let_claims_pass(caller.firm_id)
    resolve_expired(firm_id=caller.firm_id, now=at)
    stops = stops_in_force(caller.firm_id)
    ours = visible_orders(caller.firm_id, caller.custodian_id).filter(status=OrderStatus.READY)
    commands = OrderCommand.objects.for_firm(caller.firm_id).filter(
        kind=Kind.SUBMIT, status=Status.READY, order__in=ours.values("id")
    )
    related = commands.select_related("order__connection__custodian")
    due = related.select_for_update(skip_locked=True, of=("self", "order")).order_by("priority", "order_id")[:limit]
    moves = Moves(caller.firm_id, at)
    taken = [command for command in due if _take(command, stops, moves)]
    moves.write()
    for command in taken:
        command.status, command.lease_owner, command.lease_until = Status.LEASED, caller.actor[:64], at + lease
        command.attempts += 1
    OrderCommand.objects.for_firm(caller.firm_id).bulk_update(
        taken, ["status", "lease_owner", "lease_until", "attempts"]
    )
    return order_facts(caller.firm_id, [command.order_id for command in taken])


def _take(command: OrderCommand, stops: Stops, moves: Moves) -> bool:
    order = command.order
    halted = halted_because(order, stops)
    if halted:
        order.status_reason = halted
        moves.move(order, OrderStatus.HELD, halted)
        command.status, command.outcome = Status.DONE, halted[:300]
        command.save(update_fields=["status", "outcome"])
        return False
    moves.move(order, OrderStatus.SUBMITTING, f"{order.connection.custodian} took it.")
    return True


@transaction.atomic
def acknowledge(*, caller: Caller, order_id: str, version: int, custodian_order_id: str, at: datetime) -> OrderFacts:
    """The custodian has the order, and calls it by an id of its own.

    :raises NotThere: if no such order was released to this custodian
    :raises Outdated: if the order is at another version
    :raises Contradiction: if it is not leased, or the custodian's id is another order's
    """
    order = locked_order(caller, order_id)
    _check_version(order, version)
    _check_leased(order)
    check_custodian_order_id(order, custodian_order_id)
    news = News(f"ack:{order_id}", Said.ACCEPTED, "acknowledged", at, custodian_order_id=custodian_order_id)
    deliver(caller, order, news, at)
    _close(order, Status.DONE, "the custodian has it")
    return order_facts(caller.firm_id, [order.pk])[0]


@transaction.atomic
def reject(*, caller: Caller, order_id: str, version: int, code: str, text: str, at: datetime) -> OrderFacts:
    """The custodian will not have the order; it ends here.

    :raises NotThere: if no such order was released to this custodian
    :raises Outdated: if the order is at another version
    :raises Contradiction: if it is not leased
    """
    order = locked_order(caller, order_id)
    _check_version(order, version)
    _check_leased(order)
    deliver(caller, order, News(f"reject:{order_id}", Said.REJECTED, "rejected", at, reason=f"{code}: {text}"), at)
    _close(order, Status.REFUSED, f"{code}: {text}")
    return order_facts(caller.firm_id, [order.pk])[0]


@transaction.atomic
def tell(*, caller: Caller, order_id: str, news: News, at: datetime) -> tuple[OrderFacts, bool]:
    """Take in what happened to an order, and tell whether it was news.

    :raises NotThere: if no such order was released to this custodian
    :raises Contradiction: if the event's id stands for something else, or the order can never come there
    """
    order = locked_order(caller, order_id)
    if news.custodian_order_id:
        check_custodian_order_id(order, news.custodian_order_id)
    is_new = deliver(caller, order, news, at)
    if is_new and news.said in (Said.CANCELED, Said.EXPIRED):
        _end_cancel(order, Status.DONE, news.word)
    elif is_new and news.word == "cancel_rejected":
        _end_cancel(order, Status.REFUSED, news.reason or news.word)
    return order_facts(caller.firm_id, [order.pk])[0], is_new


def locked_order(caller: Caller, order_id: str) -> Order:
    """:raises NotThere: if no such order was released to this custodian"""
    rows = visible_orders(caller.firm_id, caller.custodian_id).filter(client_order_id=client_order_id_of(order_id))
    order = rows.select_for_update(of=("self",)).first()
    if order is None:
        raise NotThere("order_not_found", "There is no such order.")
    return order


def check_custodian_order_id(order: Order, custodian_order_id: str) -> None:
    """:raises Contradiction: if the custodian's id is another order's, or the order has another one"""
    rows = Order.objects.for_firm(order.firm_id).filter(
        connection_id=order.connection_id, broker_order_id=custodian_order_id
    )
    if rows.exclude(pk=order.pk).exists() or order.broker_order_id not in ("", custodian_order_id):
        detail = f"{custodian_order_id} is the id of another order, or the order has another id."
        fault = Fault("/custodian_order_id", "custodian_order_id_conflict", detail)
        raise Contradiction("custodian_order_id_conflict", detail, [fault])


def deliver(caller: Caller, order: Order, news: News, at: datetime) -> bool:
    """Put news into the inbox; whether it was not there before.

    :raises Contradiction: if its id stands for something else, or the order can never come there
    """
    delivery = Delivery(
        channel=CHANNEL,
        source_event_id=news.event_id,
        said=news.said,
        word=news.word,
        client_order_id=order.client_order_id,
        broker_order_id=news.custodian_order_id,
        occurred_at=news.occurred_at,
        cum_quantity=news.cum_quantity,
        reason=news.reason,
        message=_message(news, order),
    )
    tally = receive(firm_id=caller.firm_id, connection_id=order.connection_id, deliveries=[delivery], at=at)
    if tally.conflict:
        raise Contradiction("event_conflict", f"An order that is {order.status} cannot become that.")
    if tally.duplicate:
        rows = InboundEvent.objects.for_firm(caller.firm_id).filter(connection_id=order.connection_id, channel=CHANNEL)
        if rows.get(source_event_id=news.event_id).payload_sha256 != delivery.sha256():
            raise Contradiction("event_conflict", "This event id was used before for something else.")
    return not tally.duplicate


def _message(news: News, order: Order) -> dict[str, str | None]:
    return {
        "order": order.client_order_id,
        "word": news.word,
        "custodian_order_id": news.custodian_order_id,
        "occurred_at": news.occurred_at.isoformat() if news.said in _TIMED else None,
        "cum_quantity": None if news.cum_quantity is None else f"{news.cum_quantity.normalize():f}",
        "reason": news.reason,
    }


_TIMED = frozenset(Said) - {Said.ACCEPTED, Said.REJECTED}
"""An acknowledgement has no time of its own: it happens when it comes."""


def _check_version(order: Order, version: int) -> None:
    if order.version != version:
        detail = f"The order is at version {order.version}; read it again before you answer."
        raise Outdated("version_mismatch", detail)


def _check_leased(order: Order) -> None:
    """A fill may overtake the acknowledgement: then the order is further on, and its lease stands."""
    leases = OrderCommand.objects.for_firm(order.firm_id).filter(order=order, kind=Kind.SUBMIT, status=Status.LEASED)
    if not leases.exists():
        raise Contradiction("order_not_leased", "The order is not leased to you; claim it first.")


def _close(order: Order, status: OrderCommand.Status, outcome: str) -> None:
    OrderCommand.objects.for_firm(order.firm_id).filter(order=order, kind=Kind.SUBMIT, status=Status.LEASED).update(
        status=status, lease_until=None, outcome=outcome[:300]
    )


def _end_cancel(order: Order, status: OrderCommand.Status, outcome: str) -> None:
    OrderCommand.objects.for_firm(order.firm_id).filter(order=order, kind=Kind.CANCEL, status=Status.READY).update(
        status=status, outcome=outcome[:300]
    )
