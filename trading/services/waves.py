"""Releasing orders: sells when the market is open, buys once the sells that pay for them have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from accounts.tenancy import firm_scope
from portfolios.models import SecurityKind
from portfolios.selectors.execution import execution_terms
from portfolios.selectors.market_rules import terms_at
from rebalancer.engine.fees import Side
from trading.connections import takes_blocks
from trading.lifecycle import OrderStatus
from trading.models import Order, OrderCommand
from trading.packing import digest
from trading.services import checks
from trading.services.around import load_around
from trading.services.construction.funds import too_late_because
from trading.services.construction.second_look import busy_tiers, not_needed, tier_held_because
from trading.services.fitting import Fit, fit_buys
from trading.services.hours import begun_runs, closed_because, late_because
from trading.services.limits import marketable_limit
from trading.services.moves import Moves
from trading.services.orders import BUY_WAVE
from trading.services.pretrade import Facts, facts_for
from trading.services.proceeds import Pair, Proceeds, expired_because, proceeds_of
from trading.services.rules.cash_account import locked_because
from trading.services.stops import halted_because

BATCH = 500
RELEASE_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('release', %s))"
IN_A_BLOCK = "Leaves in a block with the orders of other accounts."
SELL_PRIORITY, BUY_PRIORITY = 4, 5
WAITING = (OrderStatus.STAGED, OrderStatus.HELD)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What decides whether an order may leave now."""

    now: datetime
    facts: Facts
    proceeds: Proceeds
    begun: frozenset[int]
    """Runs of which something has left."""
    busy_tiers: frozenset[Pair]

    def held_because(self, order: Order) -> str:
        """Why the order has to wait; empty if it need not."""
        if order.not_before is not None and self.now < order.not_before:
            return f"Leaves from {timezone.localtime(order.not_before):%A, %d %B, %H:%M}."
        waits = tier_held_because(order, self.busy_tiers)
        if order.wave == BUY_WAVE and not waits:
            waits = self.proceeds.held_because(order, self.facts.today)
        if waits:
            return waits
        if not order.connection.capabilities.get("always_open"):
            closed = self._closed_because(order)
            if closed:
                return closed
        locked = locked_because(order, self.facts)
        if locked:
            return locked
        return halted_because(order, self.facts.stops) or self.facts.unanswered.get(order.pk, "")

    def _closed_because(self, order: Order) -> str:
        if order.security.kind == SecurityKind.MUTUAL_FUND:
            terms = terms_at(self.facts.funds, order.security_id, order.connection.custodian_id)
            return too_late_because(order.security.symbol, terms, self.now)
        return closed_because(self.now) or ("" if order.run_id in self.begun else late_because(self.now))


def release_waves(*, firm_id: int, now: datetime) -> int:
    """Check every waiting order that may go now, and release or deny it; how many moved. Others are held with a reason.

    Two releases of one firm follow each other, so that no cash and no share is promised twice.
    """
    moved, after = 0, 0
    while True:
        with firm_scope(firm_id):
            with connection.cursor() as cursor:
                cursor.execute(RELEASE_LOCK, [firm_id])
            orders = _waiting(firm_id, after)
            if not orders:
                return moved
            moved += _release(firm_id, orders, now)
            after = orders[-1].pk


def _waiting(firm_id: int, after: int) -> list[Order]:
    rows = Order.objects.for_firm(firm_id).filter(status__in=WAITING, pk__gt=after)
    orders = list(rows.select_for_update(of=("self",)).order_by("id")[:BATCH])
    load_around(firm_id, orders)
    return orders


def _release(firm_id: int, orders: Sequence[Order], now: datetime) -> int:
    # The proceeds are read before the cash: sells that end in between hold their buys back once more, whereas the other
    # way round their buys would be measured against cash from before the fills.
    proceeds = proceeds_of(firm_id, orders, execution_terms(firm_id), now)
    facts, begun = facts_for(firm_id, orders, now=now), begun_runs(firm_id, orders)
    batch = _Batch(now, facts, proceeds, begun, busy_tiers(firm_id, orders))
    moves = Moves(firm_id, now)
    fit, leaving = _that_may_leave(orders, batch, moves)
    found: list[checks.Row] = []
    commands: list[OrderCommand] = []
    for order in leaving:
        findings = checks.check(order, batch.facts)
        found += checks.rows(order, findings, batch.facts)
        verdict = checks.verdict(order, findings, batch.facts)
        if verdict.denied:
            order.status_reason = verdict.denied.partition(": ")[2]
            moves.move(order, OrderStatus.DENIED, verdict.denied)
            continue
        if verdict.waits:
            _hold(order, verdict.waits, moves)
            continue
        in_a_block = takes_blocks(order.connection.adapter, order.connection.capabilities)
        order.status_reason = IN_A_BLOCK if in_a_block else ""
        moves.move(order, OrderStatus.READY, f"Passed {len(findings)} checks.")
        batch.facts.take(order)
        if not in_a_block:
            commands.append(submit_command(order, now))
    fit.write(firm_id)
    moves.write()
    checks.store(firm_id, found, now)
    store_commands(firm_id, commands)
    return len(moves.transitions)


def store_commands(firm_id: int, commands: Sequence[OrderCommand]) -> None:
    """What is to be said; a command that was given before is given anew."""
    OrderCommand.objects.for_firm(firm_id).bulk_create(
        commands,
        update_conflicts=True,
        unique_fields=["firm", "idempotency_key", "kind"],
        update_fields=["status", "not_before", "priority", "request_sha256", "outcome"],
    )


def _that_may_leave(orders: Sequence[Order], batch: _Batch, moves: Moves) -> tuple[Fit, list[Order]]:
    """Hold what waits, end what nothing can become of, and fit the rest into the cash that is there."""
    free: list[Order] = []
    expired: list[tuple[Order, str]] = []
    for order in orders:
        too_old = expired_because(order, batch.facts.limits.order_approval_hours, batch.now)
        why = "" if too_old else batch.held_because(order)
        if too_old:
            expired.append((order, too_old))
        elif why:
            _hold(order, why, moves)
        else:
            _reprice(order, batch.facts)
            free.append(order)
    unneeded = not_needed(moves.firm_id, free, batch.facts.today)
    needed = [order for order in free if order.pk not in unneeded]
    fit = fit_buys(moves.firm_id, needed, batch.facts, batch.proceeds)
    for order in free:
        if order.pk in unneeded:
            fit.give_up(order, unneeded[order.pk])
    for order, why in expired:
        _end(order, OrderStatus.EXPIRED, why, moves)
        fit.skip(order, order.quantity, why, stands=True)
    for order in free:
        if order.pk in fit.given_up:
            _end(order, OrderStatus.CANCELED, fit.given_up[order.pk], moves)
    return fit, [order for order in free if order.pk not in fit.given_up]


def _end(order: Order, to: OrderStatus, why: str, moves: Moves) -> None:
    order.status_reason = why
    moves.move(order, to, why)


def _hold(order: Order, why: str, moves: Moves) -> None:
    if order.status == OrderStatus.STAGED:
        order.status_reason = why
        moves.move(order, OrderStatus.HELD, why)
    elif order.status_reason != why:
        order.status_reason = why
        moves.changed(order)


def _reprice(order: Order, facts: Facts) -> None:
    """The limit follows the newest quote until the order has left."""
    quote = facts.quotes.get(order.security_id)
    if quote is not None and quote.is_usable and order.kind == Order.Kind.LIMIT:
        order.limit_price = marketable_limit(Side(order.side), quote, facts.increments.get(order.security_id))


def submit_command(order: Order, now: datetime) -> OrderCommand:
    """That the order is to be sent as it stands."""
    request = [order.client_order_id, order.side, order.quantity, order.kind, order.limit_price, order.notional]
    return OrderCommand(
        order=order,
        kind=OrderCommand.Kind.SUBMIT,
        status=OrderCommand.Status.READY,
        priority=SELL_PRIORITY if order.side == Order.Side.SELL else BUY_PRIORITY,
        not_before=now,
        idempotency_key=order.client_order_id,
        request_sha256=digest(request),
    )
