"""The outbox: commands are claimed and committed, carried out outside every transaction, and recorded afterwards.

A worker that dies in between leaves a lease. When it runs out nobody knows whether the order left, so the order becomes
UNKNOWN and is looked up by its client order id; it is never sent again blindly.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import F, Q

from accounts.tenancy import firm_scope
from trading.connections import CUSTODIAN_API, Line, open_line
from trading.custodians.protocol import (
    AllocateOutcome,
    AllocationRequest,
    CancelOutcome,
    Custodian,
    NotSent,
    NotSentReason,
    OrderRequest,
    OrderSnapshot,
    QueryFailed,
    SubmitOutcome,
)
from trading.custodians.protocol import OrderKind as WireKind
from trading.custodians.protocol import Side as WireSide
from trading.lifecycle import TERMINAL, OrderStatus
from trading.models import Order, OrderCommand
from trading.services import breaker, pacing
from trading.services.around import load_around
from trading.services.blocks.allocating import is_superseded, mark_sent, request_of
from trading.services.blocks.following import follow, may_not_leave, take_apart
from trading.services.blocks.gathering import gather_blocks
from trading.services.lines import line_of, lines_of
from trading.services.moves import Moves
from trading.services.outcomes import record, resolve_expired
from trading.services.stops import Stops, halted_because, let_claims_pass, stops_in_force
from trading.services.waves import release_waves

BATCH = 200
SENDERS = 8
LEASE = timedelta(seconds=settings.ORDER_LEASE_SECONDS)
BREAKER_OPEN = "OPEN"
Kind, Status = OrderCommand.Kind, OrderCommand.Status
IN_FLIGHT = (OrderStatus.READY, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Claim:
    """A command that this worker holds, with all it needs to carry it out."""

    command_id: int
    kind: str
    attempt: int
    order_id: int
    client_order_id: str
    broker_order_id: str
    account: str
    line: Line
    request: OrderRequest
    allocation: AllocationRequest | None = None


Answer = SubmitOutcome | CancelOutcome | AllocateOutcome | OrderSnapshot | QueryFailed | None
"""What a custodian answered; None where it has no such order."""


def send_due(*, firm_id: int, now: datetime, worker: str = "", limit: int | None = None) -> int:
    """Release what may go, then carry out every due command; how many were carried out.

    :raises NoAdapter: if a connection of the firm cannot be spoken to; nothing is claimed then
    """
    begun = time.monotonic()
    breaker.watch(firm_id=firm_id, now=now)
    release_waves(firm_id=firm_id, now=now)
    gather_blocks(firm_id=firm_id, now=now)
    resolve_expired(firm_id=firm_id, now=now)
    if not _any_due(firm_id, now):
        return 0
    done = 0
    with ExitStack() as stack:
        lines = {line.connection_id: stack.enter_context(closing(open_line(line))) for line in lines_of(firm_id)}
        pool = stack.enter_context(ThreadPoolExecutor(SENDERS))
        while limit is None or done < limit:
            claimed = time.monotonic()
            claims = claim(firm_id=firm_id, worker=worker, now=_since(now, begun), limit=min(BATCH, limit or BATCH))
            if not claims:
                break
            answers = list(pool.map(partial(_act_in_time, lines=lines, claimed=claimed), claims))
            record(
                firm_id=firm_id,
                answers=list(zip(claims, answers, strict=True)),
                capabilities=_abilities(lines),
                at=_since(now, begun),
            )
            pacing.heed({held.line.connection_id: held.line for held in claims}, lines)
            done += len(claims)
    return done


def _since(now: datetime, begun: float) -> datetime:
    """The present, where it was `now` at `begun`: a long batch must not lease by an old clock."""
    return now + timedelta(seconds=time.monotonic() - begun)


def _act_in_time(held: Claim, *, lines: Mapping[int, Custodian], claimed: float) -> Answer:
    """What is not said by the end of its lease is not said at all: another worker may have taken it up."""
    if time.monotonic() - claimed > LEASE.total_seconds():
        return NotSent(NotSentReason.UNREACHABLE, "not sent: its lease ran out before its turn came")
    return act(held, lines[held.line.connection_id])


def claim(*, firm_id: int, worker: str, now: datetime, limit: int = BATCH) -> list[Claim]:
    """Lease due commands and commit that before anything goes on the wire; close those that lost their point."""
    while True:
        with firm_scope(firm_id):
            let_claims_pass(firm_id)
            commands = _due(firm_id, now, limit)
            chosen = pacing.affordable(
                firm_id=firm_id, commands=breaker.thinned(firm_id=firm_id, commands=commands, now=now), now=now
            )
            stops = stops_in_force(firm_id)
            moves = Moves(firm_id, now)
            held = [command for command in chosen if _take(command, stops, moves)]
            moves.write()
            OrderCommand.objects.for_firm(firm_id).filter(pk__in=[command.pk for command in held]).update(
                status=Status.LEASED, attempts=F("attempts") + 1, lease_owner=worker[:64], lease_until=now + LEASE
            )
            if held or not commands:
                return [_claim(command) for command in held]


def act(held: Claim, custodian: Custodian) -> Answer:
    """Say it to the custodian. Touches no database, so it runs in any thread."""
    if held.kind == Kind.SUBMIT:
        return custodian.submit(held.request)
    if held.allocation is not None:
        return custodian.allocate(held.allocation)
    if held.kind == Kind.CANCEL:
        return custodian.cancel(held.account, held.broker_order_id)
    try:
        return custodian.find_by_client_order_id(held.account, held.client_order_id)
    except QueryFailed as why:
        return why


def _abilities(lines: Mapping[int, Custodian]) -> dict[int, bool]:
    """By connection: whether the custodian refuses a second order with the same id, so that it can be sent again."""
    return {connection_id: custodian.capabilities.client_id_lookup for connection_id, custodian in lines.items()}


def _waiting(firm_id: int, now: datetime) -> Q:
    tried = Q(order__connection__breaker_state="HALF_OPEN", order__connection__probe_at__gt=now)
    closed = tried | Q(order__connection__breaker_state=BREAKER_OPEN) | Q(order__connection__needs_catch_up=True)
    blocked = Q(kind=Kind.SUBMIT) & closed
    too_early = Q(kind=Kind.CANCEL, order__status__in=IN_FLIGHT)
    fetched = Q(order__connection__adapter=CUSTODIAN_API)
    return Q(firm_id=firm_id, status=Status.READY, not_before__lte=now) & ~blocked & ~too_early & ~fetched


def _any_due(firm_id: int, now: datetime) -> bool:
    with firm_scope(firm_id):
        return OrderCommand.objects.for_firm(firm_id).filter(_waiting(firm_id, now)).exists()


def _due(firm_id: int, now: datetime, limit: int) -> list[OrderCommand]:
    """Due commands, locked with their orders; what another worker is looking at is passed over. Cancels overtake."""
    rows = OrderCommand.objects.for_firm(firm_id).filter(_waiting(firm_id, now))
    locked = rows.select_related("order").select_for_update(skip_locked=True, of=("self", "order"))
    commands = list(locked.order_by("priority", "not_before", "id")[:limit])
    load_around(firm_id, [command.order for command in commands])
    return commands


def _take(command: OrderCommand, stops: Stops, moves: Moves) -> bool:
    """Whether a command is to be leased; one that has lost its point is closed."""
    order = command.order
    why = _pointless(command, order)
    halted = halted_because(order, stops) if command.kind == Kind.SUBMIT and not why else ""
    if command.kind == Kind.SUBMIT and order.role == Order.Role.BLOCK and not why:
        halted = halted or may_not_leave(order)
        if halted:
            take_apart(order, halted, moves)
    elif halted:
        order.status_reason = halted
        moves.move(order, OrderStatus.HELD, halted)
    if why or halted:
        command.status, command.outcome = Status.DONE, (why or halted)[:300]
        command.save(update_fields=["status", "outcome"])
        return False
    command.attempts += 1
    if command.kind == Kind.SUBMIT:
        cause = f"Attempt {command.attempts} to send it."
        moves.move(order, OrderStatus.SUBMITTING, cause)
        follow(order, moves, cause)
    elif command.kind == Kind.ALLOCATE:
        mark_sent(command, moves.at)
    return True


def _pointless(command: OrderCommand, order: Order) -> str:
    if command.kind == Kind.SUBMIT and order.status != OrderStatus.READY:
        return f"not sent: the order is {order.status}"
    if command.kind == Kind.CANCEL and order.status in TERMINAL:
        return f"not needed: the order is {order.status}"
    if command.kind == Kind.ALLOCATE and is_superseded(command):
        return "not sent: a later instruction takes its place"
    if command.kind == Kind.QUERY and order.status != OrderStatus.UNKNOWN:
        return f"not needed: the order is {order.status}"
    return ""


def _claim(command: OrderCommand) -> Claim:
    order = command.order
    line = line_of(order.connection)
    account = line.account(order.account.number) if order.account else line.block_account
    return Claim(
        command_id=command.pk,
        kind=command.kind,
        attempt=command.attempts,
        order_id=order.pk,
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        account=account,
        line=line,
        request=OrderRequest(
            account=account,
            client_order_id=order.client_order_id,
            symbol=order.security.symbol,
            side=WireSide(order.side),
            quantity=order.quantity if order.notional is None else None,
            notional=order.notional,
            kind=WireKind(order.kind),
            limit_price=order.limit_price,
        ),
        allocation=request_of(command) if command.kind == Kind.ALLOCATE else None,
    )
