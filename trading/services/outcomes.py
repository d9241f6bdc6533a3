"""Recording what came of commands: what is known goes to the inbox; what is not is asked until it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings

from accounts.services import audit
from accounts.tenancy import firm_scope
from trading.connections import CUSTODIAN_API, Line
from trading.custodians.protocol import (
    Accepted,
    Allocated,
    Ambiguous,
    AmbiguousReason,
    CancelRequested,
    NotSent,
    OrderSnapshot,
    QueryFailed,
    RefusalReason,
    Refused,
)
from trading.lifecycle import OrderStatus
from trading.models import InboundEvent, Order, OrderCommand, OrderTransition
from trading.services import breaker
from trading.services.blocks.allocating import answered
from trading.services.blocks.following import follow, take_apart
from trading.services.deliveries import Delivery, Said, absent, from_answer, from_snapshot
from trading.services.inbox import receive
from trading.services.moves import Moves
from trading.services.orders import OrderNotFound

Kind, Status = OrderCommand.Kind, OrderCommand.Status
QUERY_PRIORITY = 2
ASK_AGAIN_SECONDS = settings.ORDER_ASK_AGAIN_SECONDS
ABSENT_GRACE = timedelta(seconds=settings.ORDER_ABSENCE_SECONDS)
ABSENT_TIMES = 2

Answer = Accepted | Allocated | Refused | NotSent | Ambiguous | CancelRequested | OrderSnapshot | QueryFailed | None


class Held(Protocol):
    """What recording needs to know of a claimed command."""

    @property
    def command_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def order_id(self) -> int: ...
    @property
    def client_order_id(self) -> str: ...
    @property
    def line(self) -> Line: ...


def record(
    *, firm_id: int, answers: Sequence[tuple[Held, Answer]], capabilities: Mapping[int, bool], at: datetime
) -> None:
    """Write down what custodians answered to a batch of claimed commands.

    What they said of an order goes through the inbox like everything they say. `capabilities` tells by connection
    whether the same id may be sent again.
    """
    deliveries: dict[int, list[Delivery]] = defaultdict(list)
    for held, answer in answers:
        delivery = _delivery(held, answer, at)
        if delivery is not None:
            deliveries[held.line.connection_id].append(delivery)
    for connection_id, batch in deliveries.items():
        receive(firm_id=firm_id, connection_id=connection_id, deliveries=batch, at=at)
    said = [
        held.command_id for held, answer in answers if isinstance(answer, Accepted | CancelRequested | OrderSnapshot)
    ]
    with firm_scope(firm_id):
        OrderCommand.objects.for_firm(firm_id).filter(pk__in=said, status=Status.LEASED).update(
            status=Status.DONE, lease_until=None, outcome="the custodian took it"
        )
    for held, answer in answers:
        if held.command_id not in said:
            with firm_scope(firm_id):
                _record_one(firm_id, held, answer, capabilities[held.line.connection_id], at)
    breaker.hear(firm_id=firm_id, answers=answers, at=at)


def resolve_expired(*, firm_id: int, now: datetime) -> int:
    """Take up what dead workers left: submits become UNKNOWN and are asked for, the rest is done again; how many."""
    with firm_scope(firm_id):
        rows = OrderCommand.objects.for_firm(firm_id).filter(status=Status.LEASED, lease_until__lt=now)
        commands = list(
            rows.select_related("order__connection")
            .select_for_update(skip_locked=True, of=("self", "order"))
            .order_by("id")
        )
        for command in commands:
            if command.order.connection.adapter == CUSTODIAN_API:
                _again(command, now)
                _step_back(command.order, OrderStatus.READY, "The custodian took it and did not acknowledge it.", now)
            elif command.kind == Kind.SUBMIT:
                _close(command, "the worker stopped before it wrote down what came of it")
                _lose_sight(command.order, "The worker that sent it stopped; whether it arrived is being asked.", now)
            else:
                _again(command, now)
        return len(commands)


class NothingToAsk(RuntimeError):
    """It is known what came of the order."""


def ask_now(*, firm_id: int, order_id: int, by: str, at: datetime) -> None:
    """Ask the custodian at once what came of an order of which that is not known; it is never sent again by this.

    :raises OrderNotFound: if the firm has no such order
    :raises NothingToAsk: if its outcome is known
    """
    with firm_scope(firm_id):
        order = Order.objects.for_firm(firm_id).select_for_update().filter(pk=order_id).first()
        if order is None:
            raise OrderNotFound(order_id)
        if order.status != OrderStatus.UNKNOWN:
            raise NothingToAsk("It is known by now what came of this order.")
        _ask(order, at)
        audit.record(firm_id=firm_id, at=at, actor=by, action="ORDER_ASKED_FOR", subject="order", subject_id=order.pk)


def _delivery(held: Held, answer: Answer, at: datetime) -> Delivery | None:
    """What an answer says of the order itself; nothing where it says nothing."""
    if held.kind == Kind.SUBMIT and isinstance(answer, Accepted | Refused) and not _is_about_us(answer):
        return from_answer(answer, client_order_id=held.client_order_id, attempt=held.attempt, at=at)
    name = f"query:{held.client_order_id}:{held.attempt}"
    if held.kind == Kind.QUERY and isinstance(answer, OrderSnapshot):
        return from_snapshot(answer, channel="QUERY", name=name, at=at, client_order_id=held.client_order_id)
    if held.kind == Kind.QUERY and answer is None:
        return absent(client_order_id=held.client_order_id, name=name, at=at)
    return None


def _is_about_us(answer: Accepted | Refused) -> bool:
    """A refusal of our credentials is no refusal of the order."""
    return isinstance(answer, Refused) and answer.reason is RefusalReason.AUTHENTICATION


def _record_one(firm_id: int, held: Held, answer: Answer, may_resend: bool, at: datetime) -> None:
    rows = OrderCommand.objects.for_firm(firm_id).filter(
        pk=held.command_id, attempts=held.attempt, status=Status.LEASED
    )
    command = rows.select_related("order").select_for_update(of=("self", "order")).first()
    if command is None:
        return
    if held.kind == Kind.SUBMIT:
        _record_submit(command, answer, at)
    elif held.kind == Kind.CANCEL:
        _record_cancel(command, answer, at)
    elif held.kind == Kind.ALLOCATE:
        _record_allocate(command, answer, at)
    else:
        _record_query(command, answer, may_resend, at)


def _record_submit(command: OrderCommand, answer: Answer, at: datetime) -> None:
    order = command.order
    match answer:
        case NotSent():
            _again(command, at, answer.not_before, answer.text)
            _step_back(order, OrderStatus.READY, f"Not accepted: {answer.text}", at)
        case Ambiguous():
            _close(command, f"outcome unknown: {answer.reason} {answer.text}")
            other = answer.reason is AmbiguousReason.DIFFERENT_ORDER
            _lose_sight(order, f"Whether it arrived is not known: {answer.text}", at, ask=not other)
        case Refused() if _is_about_us(answer):
            _close(command, f"credentials refused: {answer.text}")
            breaker.refuse_credentials(
                firm_id=order.firm_id, connection_id=order.connection_id, text=answer.text, at=at
            )
            _step_back(order, OrderStatus.READY, f"The custodian refuses our credentials: {answer.text}", at)
            _step_back(order, OrderStatus.HELD, "Waits until the custodian takes our credentials again.", at)
        case _:
            command.status = Status.REFUSED
            _close(command, getattr(answer, "text", ""))


def _record_cancel(command: OrderCommand, answer: Answer, at: datetime) -> None:
    if isinstance(answer, Refused):
        command.status = Status.REFUSED
        _close(command, f"{answer.reason}: {answer.text}")
    else:
        _again(command, at, getattr(answer, "not_before", None), getattr(answer, "text", ""))


def _record_allocate(command: OrderCommand, answer: Answer, at: datetime) -> None:
    """The same instruction may be given as often as it takes."""
    answered(command, answer, at)
    if isinstance(answer, Allocated | Refused):
        command.status = Status.REFUSED if isinstance(answer, Refused) else command.status
        _close(command, getattr(answer, "text", "the custodian took it"))
    else:
        _again(command, at, getattr(answer, "not_before", None), getattr(answer, "text", ""))


def _record_query(command: OrderCommand, answer: Answer, may_resend: bool, at: datetime) -> None:
    order = command.order
    if order.status != OrderStatus.UNKNOWN:
        _close(command, f"the order is {order.status}")
    elif answer is None and _is_surely_absent(order):
        _close(command, "the custodian does not have the order")
        if may_resend:
            _step_back(order, OrderStatus.READY, "The custodian does not have it; the same order is sent again.", at)
            OrderCommand.objects.for_firm(order.firm_id).filter(order=order, kind=Kind.SUBMIT).update(
                status=Status.READY, not_before=at
            )
        else:
            _mark_for_review(order, "The custodian does not have it, and cannot tell a repeat from a new order.", at)
    else:
        _again(command, at, None, str(answer or "not there yet"))


def _is_surely_absent(order: Order) -> bool:
    """Absence counts twice, and only some time after the last attempt: an order may be on its way."""
    sent = OrderTransition.objects.for_firm(order.firm_id).filter(order=order, to_status=OrderStatus.SUBMITTING)
    last = sent.order_by("-id").first()
    if last is None:
        return False
    answers = InboundEvent.objects.for_firm(order.firm_id).filter(order=order, kind=Said.ABSENT)
    return answers.filter(occurred_at__gte=last.at + ABSENT_GRACE).count() >= ABSENT_TIMES


def _lose_sight(order: Order, why: str, at: datetime, *, ask: bool = True) -> None:
    """The order may or may not have arrived: ask for it by its client order id."""
    if order.status != OrderStatus.SUBMITTING:
        return
    order.needs_review = order.needs_review or not ask
    _step_back(order, OrderStatus.UNKNOWN, why, at)
    if ask:
        _ask(order, at + timedelta(seconds=ASK_AGAIN_SECONDS[0]))


def _ask(order: Order, not_before: datetime) -> None:
    """Look the order up by its client order id; a question that is on its way stays as it is."""
    rows = OrderCommand.objects.for_firm(order.firm_id)
    if rows.filter(order=order, kind=Kind.QUERY, status=Status.LEASED).exists():
        return
    rows.update_or_create(
        idempotency_key=order.client_order_id,
        kind=Kind.QUERY,
        defaults={
            "order": order,
            "status": Status.READY,
            "priority": QUERY_PRIORITY,
            "not_before": not_before,
            "outcome": "",
        },
    )


def _step_back(order: Order, to: OrderStatus, why: str, at: datetime) -> None:
    """Move an order that nobody else has moved on; an order that is elsewhere by now stays there."""
    froms = {OrderStatus.HELD: OrderStatus.READY, OrderStatus.UNKNOWN: OrderStatus.SUBMITTING}
    allowed = {froms[to]} if to in froms else {OrderStatus.SUBMITTING, OrderStatus.UNKNOWN}
    if order.status not in allowed:
        return
    order.status_reason = why[:300]
    moves = Moves(order.firm_id, at)
    if order.role == Order.Role.BLOCK and to == OrderStatus.HELD:
        take_apart(order, why, moves)
    else:
        moves.move(order, to, why)
        follow(order, moves, why)
    moves.write()


def _mark_for_review(order: Order, why: str, at: datetime) -> None:
    order.needs_review, order.status_reason = True, why
    moves = Moves(order.firm_id, at)
    moves.changed(order)
    moves.write()


def _again(command: OrderCommand, at: datetime, not_before: datetime | None = None, why: str = "") -> None:
    seconds = ASK_AGAIN_SECONDS[min(command.attempts, len(ASK_AGAIN_SECONDS)) - 1]
    command.status = Status.READY
    command.not_before = max(not_before or at, at + timedelta(seconds=seconds))
    _write(command, why)


def _close(command: OrderCommand, outcome: str) -> None:
    if command.status != Status.REFUSED:
        command.status = Status.DONE
    _write(command, outcome)


def _write(command: OrderCommand, outcome: str) -> None:
    command.outcome, command.lease_until, command.lease_owner = outcome[:300], None, ""
    command.save(update_fields=["status", "not_before", "outcome", "lease_until", "lease_owner"])
