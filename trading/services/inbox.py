"""The inbox: what custodians tell us becomes executions, order states and postings, whatever order it comes in.

An order's state is a fold over everything that was ever said of it, so a repeated, late or early message changes
nothing in the end. One transaction takes in a batch: events, executions, orders, transitions and postings together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice

from accounts.tenancy import firm_scope
from rebalancer.engine.calendars import settles_on
from rebalancer.engine.fees import Side, regulatory_fees
from trading.lifecycle import ForbiddenMove
from trading.models import BrokerConnection, Execution, InboundEvent, Order
from trading.services.blocks.allocating import share_out
from trading.services.blocks.following import echoes
from trading.services.construction.funds import settle_days
from trading.services.deliveries import Delivery, Report
from trading.services.moves import Moves
from trading.services.overfills import stop_overfilled
from trading.services.parked import accounts_at, parked, restored
from trading.services.posting import post
from trading.services.stories import Stories, Story, load_stories

BATCH = 200
Result = InboundEvent.Result


@dataclass(slots=True)
class Tally:
    """How many deliveries came to what, and how many executions could not be posted."""

    applied: int = 0
    duplicate: int = 0
    stale: int = 0
    unmatched: int = 0
    parked: int = 0
    conflict: int = 0
    unposted: int = 0

    def count(self, result: str) -> None:
        name = result.lower()
        setattr(self, name, getattr(self, name) + 1)

    def add(self, other: Tally) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class _Batch:
    """The rows that a batch of deliveries will append."""

    firm_id: int
    connection_id: int
    at: datetime
    tally: Tally
    moves: Moves
    events: list[InboundEvent] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    owners: dict[tuple[date, str], int] = field(default_factory=dict)
    """The order of each execution of the connection that these deliveries name."""
    stories: list[Story] = field(default_factory=list)
    accounts: frozenset[str] | None = None

    def our_accounts(self) -> frozenset[str]:
        """The custodian's ids of the firm's accounts at this connection, read when first asked for."""
        if self.accounts is None:
            self.accounts = frozenset(accounts_at(self.firm_id, self.connection_id))
        return self.accounts


def receive(
    *,
    firm_id: int,
    connection_id: int,
    deliveries: Sequence[Delivery],
    at: datetime,
    moves_cursor: bool = False,
) -> Tally:
    """Take deliveries in. What was taken in before is passed over.

    With `moves_cursor` the connection's cursor follows the last delivery of each batch, in the batch's transaction.
    """
    tally = Tally()
    rest = iter(deliveries)
    while chunk := list(islice(rest, BATCH)):
        batch = _Batch(firm_id, connection_id, at, tally, Moves(firm_id, at))
        with firm_scope(firm_id):
            _take_in(batch, chunk)
            if moves_cursor:
                BrokerConnection.objects.for_firm(firm_id).filter(pk=connection_id).update(
                    cursor=chunk[-1].source_event_id, cursor_at=at
                )
        overfilled = [story.order.pk for story in batch.stories if story.is_overfilled]
        if overfilled:
            stop_overfilled(firm_id=firm_id, order_ids=overfilled, at=at)
    return tally


def _take_in(batch: _Batch, deliveries: Sequence[Delivery]) -> None:
    seen = _seen(batch, deliveries)
    fresh = [delivery for delivery in deliveries if (delivery.channel, delivery.source_event_id) not in seen]
    batch.tally.duplicate += len(deliveries) - len(fresh)
    if fresh:
        _take_in_fresh(batch, fresh)


def _take_in_fresh(batch: _Batch, deliveries: Sequence[Delivery]) -> None:
    """Deliveries that were not in the inbox a moment ago; looked up again once their orders are locked.

    Nobody adds a delivery about an order meanwhile.
    """
    stories = load_stories(batch.firm_id, batch.connection_id, deliveries)
    seen = _seen(batch, deliveries)
    batch.owners = _owners(batch, deliveries)
    for delivery in deliveries:
        name = (delivery.channel, delivery.source_event_id)
        if name in seen:
            batch.tally.duplicate += 1
            continue
        seen.add(name)
        _take_in_one(batch, stories.of(delivery), delivery)
    _follow_blocks(batch, stories)
    InboundEvent.objects.for_firm(batch.firm_id).bulk_create(batch.events)
    Execution.objects.for_firm(batch.firm_id).bulk_create(batch.executions)
    batch.tally.unposted += post(firm_id=batch.firm_id, stories=batch.stories, moves=batch.moves, at=batch.at)
    batch.moves.write()


def _follow_blocks(batch: _Batch, stories: Stories) -> None:
    """Share out what blocks traded, and tell their accounts' orders what became of the blocks' orders."""
    blocks = {story.order.block_id for story in batch.stories if story.order.block_id is not None}
    if not blocks:
        return
    for story in batch.stories:
        if story.order.role == Order.Role.BLOCK:
            share_out(story.order, story.executions, batch.at)
    known = {story.order.pk: story.order for story in stories.by_client_id.values()}
    told = list(echoes(batch.firm_id, blocks, known, batch.at))
    seen = _seen(batch, told)
    for delivery in told:
        if (delivery.channel, delivery.source_event_id) not in seen:
            event = _event(batch, delivery)
            _settle(batch, stories.by_client_id[delivery.client_order_id], delivery, event)
            batch.events.append(event)


def _seen(batch: _Batch, deliveries: Sequence[Delivery]) -> set[tuple[str, str]]:
    """Names of these deliveries that are in the inbox."""
    rows = InboundEvent.objects.for_firm(batch.firm_id).filter(
        connection_id=batch.connection_id, source_event_id__in=[delivery.source_event_id for delivery in deliveries]
    )
    return set(rows.values_list("channel", "source_event_id"))


def _owners(batch: _Batch, deliveries: Sequence[Delivery]) -> dict[tuple[date, str], int]:
    exec_ids = [delivery.execution.exec_id for delivery in deliveries if delivery.execution]
    rows = Execution.objects.for_firm(batch.firm_id).filter(connection_id=batch.connection_id, exec_id__in=exec_ids)
    return {(day, exec_id): order for day, exec_id, order in rows.values_list("trade_on", "exec_id", "order_id")}


def _take_in_one(batch: _Batch, story: Story | None, delivery: Delivery) -> None:
    event = _event(batch, delivery)
    if story is not None:
        _settle(batch, story, delivery, event)
    elif delivery.about is not None and delivery.about.account in batch.our_accounts():
        event.result, event.detail = Result.PARKED, "No order of ours has this id yet."
        event.payload["parked"] = parked(delivery)
    else:
        event.result, event.detail = Result.UNMATCHED, "No order of ours has this id."
    batch.events.append(event)
    batch.tally.count(event.result)


def _settle(batch: _Batch, story: Story, delivery: Delivery, event: InboundEvent) -> None:
    event.order = story.order
    try:
        event.result = _apply(batch, story, delivery, event)
    except ForbiddenMove as why:
        event.result, event.detail = Result.CONFLICT, str(why)
        story.order.needs_review = True
        batch.moves.changed(story.order)


def take_up(*, firm_id: int, connection_id: int, rows: Sequence[InboundEvent], at: datetime) -> Tally:
    """Apply parked deliveries of which the order is known by now, in the caller's transaction; others stay."""
    deliveries = [restored(row) for row in rows]
    batch = _Batch(firm_id, connection_id, at, Tally(), Moves(firm_id, at))
    stories = load_stories(firm_id, connection_id, deliveries)
    batch.owners = _owners(batch, deliveries)
    for event, delivery in zip(rows, deliveries, strict=True):
        story = stories.of(delivery)
        if story is not None:
            event.detail = ""
            _settle(batch, story, delivery, event)
            batch.tally.count(event.result)
    _follow_blocks(batch, stories)
    InboundEvent.objects.for_firm(firm_id).bulk_create(batch.events)
    Execution.objects.for_firm(firm_id).bulk_create(batch.executions)
    InboundEvent.objects.for_firm(firm_id).bulk_update(rows, ["order", "result", "detail"])
    batch.tally.unposted += post(firm_id=firm_id, stories=batch.stories, moves=batch.moves, at=at)
    batch.moves.write()
    return batch.tally


def _event(batch: _Batch, delivery: Delivery) -> InboundEvent:
    return InboundEvent(
        connection_id=batch.connection_id,
        channel=delivery.channel,
        source_event_id=delivery.source_event_id,
        kind=delivery.said,
        client_order_id=delivery.client_order_id,
        broker_order_id=delivery.broker_order_id,
        execution_key=delivery.execution.exec_id if delivery.execution else "",
        occurred_at=delivery.occurred_at,
        received_at=batch.at,
        payload=delivery.payload(),
        payload_sha256=delivery.sha256(),
    )


def _apply(batch: _Batch, story: Story, delivery: Delivery, event: InboundEvent) -> str:
    """What the delivery came to, after the order has moved by it."""
    told = None
    if delivery.execution is not None:
        told = _execution(batch, story.order, delivery.execution)
        owner = batch.owners.setdefault((told.trade_on, told.exec_id), story.order.pk)
        known = story.known(told)
        if known is not None and known.content_sha256 == told.content_sha256:
            return Result.DUPLICATE
        if known is not None or owner != story.order.pk:
            event.detail = f"Execution {told.exec_id} was told before with other content."
            story.order.needs_review = True
            batch.moves.changed(story.order)
            return Result.CONFLICT
        story.executions.append(told)
        batch.executions.append(told)
    if story.remember(delivery):
        batch.moves.changed(story.order)
    if story not in batch.stories:
        batch.stories.append(story)
    moved = story.settle(batch.moves, event)
    return Result.APPLIED if moved or told is not None else Result.STALE


def _execution(batch: _Batch, order: Order, report: Report) -> Execution:
    fees = report.fees
    if fees is None:
        fees = regulatory_fees(
            side=Side(order.side), quantity=report.quantity, price=report.price, trade_on=report.trade_on
        ).charged
    return Execution(
        connection_id=batch.connection_id,
        order=order,
        exec_id=report.exec_id,
        ref_exec_id=report.ref_exec_id,
        kind=report.kind,
        quantity=report.quantity,
        price=report.price,
        gross=report.gross,
        fees=fees,
        trade_on=report.trade_on,
        settle_on=report.settle_on or settles_on(report.trade_on, days=settle_days(order)),
        executed_at=report.executed_at,
        content_sha256=report.sha256(),
    )
