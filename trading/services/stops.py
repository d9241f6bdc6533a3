"""Whether trading is stopped for an order. A halt and the claims of senders take turns at one lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from trading.lifecycle import TERMINAL, OrderStatus
from trading.models import BrokerConnection, Order, TradingHalt
from trading.services.moves import Moves

REDUCING, HALTED = TradingHalt.Level.REDUCING, TradingHalt.Level.HALTED
_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended('trading halts', %s))"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('trading halts', %s))"


@dataclass(frozen=True, slots=True)
class Stops:
    """A firm's halts in force, and by block the halted accounts that have an order in it."""

    halts: Sequence[TradingHalt] = ()
    blocks: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def accounts_of(self, order: Order) -> frozenset[int]:
        """The halted or own accounts that an order stands for."""
        if order.account_id is not None:
            return frozenset({order.account_id})
        return self.blocks.get(order.block_id or 0, frozenset())


def stops_in_force(firm_id: int) -> Stops:
    halts = tuple(TradingHalt.objects.for_firm(firm_id).filter(lifted_at=None).order_by("id"))
    accounts = {halt.account_id for halt in halts if halt.account_id is not None}
    return Stops(halts, _blocks(firm_id, accounts) if accounts else {})


def let_claims_pass(firm_id: int) -> None:
    """For who claims orders, before it locks any: no halt is raised until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, [firm_id])


def wait_for_claims(firm_id: int) -> None:
    """For who raises a halt: wait until running claims are committed, and let none begin before this transaction ends.

    What is claimed later therefore sees the halt.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [firm_id])


def halted_because(order: Order, stops: Stops) -> str:
    """Why the order may not be sent now; empty if no halt is in its way. Sales pass where trading is only reducing.

    A block's order is stopped by a halt of any account that has an order in the block.
    """
    levels = {HALTED, REDUCING} if order.side == Order.Side.BUY else {HALTED}
    line = order.connection
    if line.trading_state in {BrokerConnection.TradingState(level.value) for level in levels}:
        return f"Trading at {line.custodian.name} is stopped: {line.get_trading_state_display().lower()}."
    accounts = stops.accounts_of(order)
    for halt in stops.halts:
        scopes = (
            (halt.connection_id, {order.connection_id}),
            (halt.account_id, accounts),
            (halt.security_id, {order.security_id}),
        )
        if halt.level in levels and all(wanted is None or wanted in ours for wanted, ours in scopes):
            return f"Trading is stopped: {halt.reason}"
    return ""


def hold_staged(*, firm_id: int, orders: Sequence[Order], at: datetime) -> int:
    """Hold orders just staged that a halt is in the way of, in the caller's transaction; how many."""
    stops = stops_in_force(firm_id)
    moves = Moves(firm_id, at)
    for order in orders:
        why = halted_because(order, stops)
        if why:
            order.status_reason = why
            moves.move(order, OrderStatus.HELD, why)
    moves.write()
    return len(moves.transitions)


def _blocks(firm_id: int, accounts: set[int]) -> Mapping[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = Order.objects.for_firm(firm_id).filter(account_id__in=accounts).exclude(block=None)
    for block_id, account_id in rows.exclude(status__in=TERMINAL).values_list("block_id", "account_id"):
        found[block_id].add(account_id)
    return {block_id: frozenset(names) for block_id, names in found.items()}
