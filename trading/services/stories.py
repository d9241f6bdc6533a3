"""An order with everything its custodian said of it, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from rebalancer.engine import executions as engine
from rebalancer.engine import money
from rebalancer.engine.fees import Side
from trading.lifecycle import TERMINAL, OrderStatus
from trading.models import Execution, InboundEvent, Order
from trading.services.construction.funds import shares_wanted
from trading.services.deliveries import Delivery, Said
from trading.services.moves import Moves, route

AWAITING = "awaiting_executions"

_KINDS = {
    Execution.Kind.NEW: engine.ExecutionKind.FILL,
    Execution.Kind.CORRECT: engine.ExecutionKind.CORRECT,
    Execution.Kind.BUST: engine.ExecutionKind.BUST,
}
_REPORTS = {
    Said.WORKING: engine.ReportKind.NEW,
    Said.EXECUTION: engine.ReportKind.NEW,
    Said.CANCELED: engine.ReportKind.CANCELED,
    Said.EXPIRED: engine.ReportKind.EXPIRED,
    Said.REPLACED: engine.ReportKind.REPLACED,
    Said.REJECTED: engine.ReportKind.REJECTED,
}
_STATES = {
    engine.OrderState.NEW: OrderStatus.WORKING,
    engine.OrderState.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    engine.OrderState.FILLED: OrderStatus.FILLED,
    engine.OrderState.CANCELED: OrderStatus.CANCELED,
    engine.OrderState.EXPIRED: OrderStatus.EXPIRED,
    engine.OrderState.REPLACED: OrderStatus.REPLACED,
    engine.OrderState.REJECTED: OrderStatus.REJECTED,
}
_SILENT = {OrderStatus.REJECTED: "The custodian refused it and gave no reason."}
_ENDINGS = frozenset({Said.CANCELED, Said.EXPIRED, Said.REPLACED, Said.REJECTED})


@dataclass(frozen=True, slots=True, order=True)
class Saying:
    """What one event said; ordered by when it happened."""

    occurred_at: datetime
    source_event_id: str
    said: Said
    word: str
    reason: str
    cum_quantity: Decimal | None = field(compare=False)


@dataclass(slots=True, eq=False)
class Story:
    """A locked order, its executions and what else was said of it, growing as deliveries come in."""

    order: Order
    executions: list[Execution]
    sayings: list[Saying]

    @property
    def is_overfilled(self) -> bool:
        return self.order.notional is None and self.order.cum_quantity > self.order.quantity

    def known(self, told: Execution) -> Execution | None:
        """The execution of the same day and id, if there is one."""
        return next((e for e in self.executions if (e.trade_on, e.exec_id) == (told.trade_on, told.exec_id)), None)

    def remember(self, delivery: Delivery) -> bool:
        """Add what was said; whether the order got the custodian's id by it."""
        self.sayings.append(
            Saying(
                delivery.occurred_at,
                delivery.source_event_id,
                delivery.said,
                delivery.word,
                delivery.reason,
                delivery.cum_quantity,
            )
        )
        is_named = bool(delivery.broker_order_id and not self.order.broker_order_id)
        if is_named:
            self.order.broker_order_id = delivery.broker_order_id
        return is_named

    def settle(self, moves: Moves, event: InboundEvent) -> bool:
        """Bring the order to where everything said so far puts it; whether that changed anything.

        :raises ForbiddenMove: if an order in its state can never come there
        """
        before = _shown(self.order)
        outcome = self.outcome()
        to = self._status(outcome)
        steps = route(self.order.status, to) if to is not None and to != self.order.status else ()
        heads = {execution.exec_id for execution in engine.live_executions(map(_fact, self.executions))}
        for execution in self.executions:
            execution.is_live = execution.exec_id in heads
        self.order.cum_quantity = outcome.cum_quantity
        self.order.average_price = None if outcome.average_price is None else money.ratio(outcome.average_price)
        for step in steps:
            moves.move(self.order, step, self._cause(event), event)
        self._describe(outcome)
        if _shown(self.order) != before:
            moves.changed(self.order)
            return True
        return False

    def outcome(self) -> engine.Outcome:
        """The fold over everything said."""
        facts: list[engine.Event] = [_fact(execution) for execution in self.executions]
        facts += [
            engine.Report(_REPORTS[saying.said], saying.cum_quantity)
            for saying in self.sayings
            if saying.said in _REPORTS
        ]
        filled = sum((one.quantity for one in engine.live_executions(map(_fact, self.executions))), money.ZERO)
        wanted = shares_wanted(self.order, self.sayings, filled)
        return engine.fold(side=Side(self.order.side), quantity=wanted, events=facts)

    def _status(self, outcome: engine.Outcome) -> OrderStatus | None:
        """Where the order belongs; nothing where nobody has said that the custodian has it."""
        if outcome.state is not engine.OrderState.PENDING:
            return _STATES[outcome.state]
        accepted = any(saying.said is Said.ACCEPTED for saying in self.sayings)
        return OrderStatus.SUBMITTED if accepted else None

    def _describe(self, outcome: engine.Outcome) -> None:
        order = self.order
        ended = order.status in TERMINAL
        remarks = [saying for saying in self.sayings if saying.said is Said.REMARK]
        order.sub_status = "" if ended or not remarks else max(remarks).word[:40]
        if outcome.awaiting_quantity:
            order.sub_status = AWAITING
        endings = [saying for saying in self.sayings if saying.said == order.status]
        order.status_reason = (
            (max(endings).reason or _SILENT.get(OrderStatus(order.status), ""))[:300] if ended and endings else ""
        )
        said = {saying.said for saying in self.sayings}
        order.needs_review = order.needs_review or bool(
            len(said & _ENDINGS) > 1
            or outcome.overfill_quantity
            or outcome.conflicts
            or (Said.REJECTED in said and outcome.cum_quantity)
            or any(execution.kind == Execution.Kind.BUST for execution in self.executions)
        )

    def _cause(self, event: InboundEvent) -> str:
        word = event.payload["word"].replace("_", " ")
        reason = event.payload["reason"]
        return f"The custodian says: {word}. {reason}".strip()


@dataclass(frozen=True, slots=True)
class Stories:
    """The stories of the orders that some deliveries are about, by either id."""

    by_client_id: Mapping[str, Story]
    by_broker_id: Mapping[str, Story]

    def of(self, delivery: Delivery) -> Story | None:
        return self.by_client_id.get(delivery.client_order_id) or self.by_broker_id.get(delivery.broker_order_id)


def load_stories(firm_id: int, connection_id: int, deliveries: Iterable[Delivery]) -> Stories:
    """Lock the orders that the deliveries name, in order of id, and read what was said of them.

    With an order of a block come all orders of the block: what becomes of one is told to the others. Orders to the
    street are locked first, as senders do.
    """
    deliveries = list(deliveries)
    client_ids = {delivery.client_order_id for delivery in deliveries} - {""}
    broker_ids = {delivery.broker_order_id for delivery in deliveries} - {""}
    rows = Order.objects.for_firm(firm_id).filter(connection_id=connection_id)
    named = rows.filter(Q(client_order_id__in=client_ids) | Q(broker_order_id__in=broker_ids))
    blocks = set(named.exclude(block=None).values_list("block_id", flat=True))
    if blocks:
        in_blocks = rows.filter(block__in=blocks)
        list(in_blocks.filter(role=Order.Role.BLOCK).select_for_update().order_by("id"))
        named = named | in_blocks
    orders = list(named.select_for_update().order_by("id"))
    stories = stories_of(firm_id, orders)
    return Stories(
        {story.order.client_order_id: story for story in stories},
        {story.order.broker_order_id: story for story in stories if story.order.broker_order_id},
    )


def stories_of(firm_id: int, orders: Sequence[Order]) -> list[Story]:
    """The stories of locked orders."""
    stories = {order.pk: Story(order, [], []) for order in orders}
    for execution in Execution.objects.for_firm(firm_id).filter(order__in=stories).order_by("id"):
        stories[execution.order_id].executions.append(execution)
    events = InboundEvent.objects.for_firm(firm_id).filter(order__in=stories).exclude(result="CONFLICT").order_by("id")
    for row in events.values_list("order_id", "occurred_at", "source_event_id", "kind", "payload"):
        stories[row[0]].sayings.append(_saying(*row[1:]))
    return list(stories.values())


def _saying(occurred_at: datetime, source_event_id: str, kind: str, payload: Mapping[str, Any]) -> Saying:
    count = payload["cum_quantity"]
    return Saying(
        occurred_at,
        source_event_id,
        Said(kind),
        payload["word"],
        payload["reason"],
        None if count is None else Decimal(count),
    )


def _fact(execution: Execution) -> engine.Execution:
    return engine.Execution(
        exec_id=execution.exec_id,
        kind=_KINDS[Execution.Kind(execution.kind)],
        quantity=execution.quantity,
        price=execution.price,
        ref_exec_id=execution.ref_exec_id or None,
    )


def _shown(order: Order) -> tuple[object, ...]:
    return (
        order.status,
        order.sub_status,
        order.status_reason,
        order.needs_review,
        order.broker_order_id,
        order.cum_quantity,
        order.average_price,
    )
