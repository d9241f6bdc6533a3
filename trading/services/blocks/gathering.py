"""Gathering released orders into blocks: one a custodian, security, side and window, its statement written first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

import ulid
from django.db import connection
from django.db.models import Exists, OuterRef

from accounts.services import audit
from accounts.tenancy import TenantQuerySet, firm_scope
from portfolios.selectors.execution import execution_terms
from rebalancer.engine import money
from trading.connections import takes_blocks
from trading.lifecycle import OrderStatus
from trading.models import Allocation, Block, BrokerConnection, Order, OrderCommand
from trading.services.blocks import statements
from trading.services.construction.names import CLIENT_ID_PREFIX
from trading.services.moves import Moves
from trading.services.waves import RELEASE_LOCK, store_commands, submit_command

BY = "system"
Place = tuple[int, int, str, str, object]


def gather_blocks(*, firm_id: int, now: datetime) -> int:
    """Bring every released order whose window is over on its way, in a block or alone; how many blocks were made."""
    with firm_scope(firm_id):
        lines = [
            row for row in BrokerConnection.objects.for_firm(firm_id) if takes_blocks(row.adapter, row.capabilities)
        ]
        if not lines or not _released(firm_id, lines).exists():
            return 0
        with connection.cursor() as cursor:
            cursor.execute(RELEASE_LOCK, [firm_id])
        terms = execution_terms(firm_id)
        ends = _window_end(now, terms.block_window_minutes)
        due = _released(firm_id, lines).filter(updated_at__lte=ends)
        related = due.select_related("account", "security", "run", "connection").select_for_update(of=("self",))
        groups = list(grouped(list(related.order_by("id"))))
        alone = [group[0] for group in groups if len(group) == 1]
        store_commands(firm_id, [submit_command(order, now) for order in alone])
        _say_nothing(alone, now)
        blocks = [group for group in groups if len(group) > 1]
        for group in blocks:
            _gather(group, terms.block_least_shares, f"{ends:%Y-%m-%d %H:%M}Z", now)
        return len(blocks)


def _released(firm_id: int, lines: Sequence[BrokerConnection]) -> TenantQuerySet[Order]:
    """Orders that may leave on lines that trade in blocks, and that neither a block nor a command takes along yet."""
    commanded = OrderCommand.objects.for_firm(firm_id).filter(
        order=OuterRef("pk"),
        kind=OrderCommand.Kind.SUBMIT,
        status__in=(OrderCommand.Status.READY, OrderCommand.Status.LEASED),
    )
    rows: TenantQuerySet[Order] = Order.objects.for_firm(firm_id).filter(
        ~Exists(commanded), connection__in=lines, status=OrderStatus.READY, role=Order.Role.ACCOUNT, block=None
    )
    return rows


def _window_end(now: datetime, minutes: int) -> datetime:
    """The end of the last window that is over; windows are counted from midnight UTC."""
    if not minutes:
        return now
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    window = timedelta(minutes=minutes)
    return midnight + (now - midnight) // window * window


def grouped(orders: Iterable[Order]) -> Iterable[list[Order]]:
    """Orders that may share a block: alike in all but the account, and no account twice."""
    found: dict[Place, list[list[Order]]] = defaultdict(list)
    for order in orders:
        # Dollars of a fund are not added up.
        alike: object = order.limit_price if order.notional is None else order.client_order_id
        place = (order.connection_id, order.security_id, str(order.side), str(order.kind), alike)
        free = (group for group in found[place] if all(other.account_id != order.account_id for other in group))
        group = next(free, None)
        if group is None:
            found[place].append(group := [])
        group.append(order)
    return (group for groups in found.values() for group in groups)


def _say_nothing(orders: Sequence[Order], now: datetime) -> None:
    """An order that leaves alone waits for nobody."""
    if orders:
        moves = Moves(orders[0].firm_id, now)
        for order in orders:
            order.status_reason = "No other account trades it now: it leaves alone."
            moves.changed(order)
        moves.write()


def _gather(group: Sequence[Order], least: int, window: str, now: datetime) -> Block:
    firm_id = group[0].firm_id
    street = _street_order(group, now)
    participants = statements.drawn(group, street.client_order_id)
    text = statements.statement_of(street, participants, least)
    block = Block.objects.for_firm(firm_id).create(
        connection=street.connection,
        custodian_id=street.connection.custodian_id,
        security=street.security,
        side=street.side,
        window=_free_window(street, window),
        statement=text,
        statement_sha256=statements.sha256(text),
        created_at=now,
    )
    street.block = block
    street.save()
    Allocation.objects.for_firm(firm_id).bulk_create(
        Allocation(block=block, account_id=order.holder_id, order=order, requested_quantity=order.quantity)
        for order in participants
    )
    Order.objects.for_firm(firm_id).filter(pk__in=[order.pk for order in group]).update(block=block)
    moves = Moves(firm_id, now)
    moves.begin(street, f"Stands for the orders of {len(group)} accounts.")
    moves.move(street, OrderStatus.READY, "The allocation statement is written.")
    for order in group:
        order.status_reason = f"In a block with {len(group) - 1} other accounts."
        moves.changed(order)
    moves.write()
    OrderCommand.objects.for_firm(firm_id).bulk_create([submit_command(street, now)])
    audit.record(
        firm_id=firm_id,
        at=now,
        actor=BY,
        action="BLOCK_GATHERED",
        subject="block",
        subject_id=block.pk,
        orders=len(group),
        statement_sha256=block.statement_sha256,
    )
    return block


def _free_window(street: Order, window: str) -> str:
    """The window's name; where it has a block of this kind already, with a number."""
    rows = Block.objects.for_firm(street.firm_id).filter(
        connection_id=street.connection_id, security_id=street.security_id, side=street.side, window__startswith=window
    )
    count = rows.count()
    return f"{window} no. {count + 1}" if count else window


def _street_order(group: Sequence[Order], now: datetime) -> Order:
    first = group[0]
    quantity = money.total([order.quantity for order in group])
    worth = sum(Fraction(order.quantity) * Fraction(order.reference_price) for order in group)
    return Order(
        firm_id=first.firm_id,
        role=Order.Role.BLOCK,
        connection=first.connection,
        security=first.security,
        client_order_id=f"{CLIENT_ID_PREFIX}{ulid.from_timestamp(now.timestamp())}",
        side=first.side,
        quantity=quantity,
        kind=first.kind,
        limit_price=first.limit_price,
        reference_price=money.ratio(worth / Fraction(quantity)),
        wave=first.wave,
        cum_quantity=money.ZERO,
        created_at=now,
        updated_at=now,
    )
