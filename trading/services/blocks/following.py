"""The orders of a block's accounts follow its order to the street: on the way out by moves, afterwards by deliveries.

What the street order went through is told to every account's order under a name that follows from it, so that their
states are folds over what was said, like all others. Their shares come from the custodian, as executions of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from django.db.models import Q

from trading.lifecycle import TERMINAL, OrderStatus
from trading.models import Allocation, Block, Order, OrderCommand
from trading.services.blocks import statements
from trading.services.breaks import open_break
from trading.services.deliveries import Delivery, Said
from trading.services.moves import Moves, route

CHANNEL = "BLOCK"
ON_THE_WAY = (OrderStatus.READY, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)
_TOLD: Mapping[str, Said] = {
    OrderStatus.SUBMITTED: Said.ACCEPTED,
    OrderStatus.WORKING: Said.WORKING,
    OrderStatus.PARTIALLY_FILLED: Said.WORKING,
    OrderStatus.FILLED: Said.WORKING,
    OrderStatus.CANCELED: Said.CANCELED,
    OrderStatus.EXPIRED: Said.EXPIRED,
    OrderStatus.REPLACED: Said.REPLACED,
    OrderStatus.REJECTED: Said.REJECTED,
}
_ENDING: Mapping[str, Said] = {status: said for status, said in _TOLD.items() if status in TERMINAL} | {
    OrderStatus.FILLED: Said.CANCELED
}


def children_of(street: Order) -> list[Order]:
    """The orders of the accounts in the block, locked in order of id."""
    rows = Order.objects.for_firm(street.firm_id).filter(block_id=street.block_key, role=Order.Role.ACCOUNT)
    return list(rows.select_for_update(of=("self",)).order_by("id"))


def follow(street: Order, moves: Moves, cause: str) -> None:
    """Bring the accounts' orders to where the street order is on its way out; when it first left is kept."""
    if street.role != Order.Role.BLOCK or street.status not in ON_THE_WAY:
        return
    if street.status == OrderStatus.SUBMITTING:
        rows = Block.objects.for_firm(street.firm_id).filter(pk=street.block_key, sent_at=None)
        rows.update(sent_at=moves.at)
    for child in children_of(street):
        if child.status in ON_THE_WAY and child.status != street.status:
            for step in route(child.status, OrderStatus(street.status)):
                moves.move(child, step, cause)


def may_not_leave(street: Order) -> str:
    """Why a block must not be sent as it stands; empty if it may. Its accounts' orders are locked by this."""
    block = Block.objects.for_firm(street.firm_id).get(pk=street.block_key)
    return statements.fault_of(block, street, children_of(street))


def take_apart(street: Order, why: str, moves: Moves) -> None:
    """End a block that has not left: its order is cancelled here, and its accounts' orders wait to be gathered anew."""
    firm_id = street.firm_id
    street.status_reason = why[:300]
    moves.move(street, OrderStatus.CANCELED, why)
    for child in children_of(street):
        if child.status in ON_THE_WAY:
            child.status_reason = f"Its block did not leave: {why}"[:300]
            for step in route(child.status, OrderStatus.HELD):
                moves.move(child, step, child.status_reason)
    Order.objects.for_firm(firm_id).filter(block_id=street.block_key, role=Order.Role.ACCOUNT).update(block=None)
    blocks = Block.objects.for_firm(firm_id).filter(pk=street.block_key)
    blocks.update(status=Block.Status.DISSOLVED)
    OrderCommand.objects.for_firm(firm_id).filter(order=street, status=OrderCommand.Status.READY).update(
        status=OrderCommand.Status.DONE, outcome="its block was taken apart"
    )
    if not all(statements.is_intact(block) for block in blocks):
        open_break(
            firm_id=firm_id, kind="STATEMENT", subject=street.client_order_id, sentence=why, order=street, at=moves.at
        )


def echoes(firm_id: int, blocks: Collection[int], known: Mapping[int, Order], at: datetime) -> Iterator[Delivery]:
    """What the accounts' orders of these blocks are to hear now; most of it they have heard before.

    `known` are locked orders by id, as they stand in memory.
    """
    orders: dict[int, list[Order]] = defaultdict(list)
    streets: dict[int, Order] = {}
    rows = Order.objects.for_firm(firm_id).filter(~Q(role=Order.Role.EXTERNAL), block__in=blocks)
    for row in rows.order_by("id"):
        order = known.get(row.pk, row)
        if order.role == Order.Role.BLOCK:
            streets[order.block_id or 0] = order
        else:
            orders[order.block_id or 0].append(order)
    given = _given(firm_id, blocks)
    for block_id, street in streets.items():
        for child in orders[block_id]:
            yield from _for(street, child, child.cum_quantity == given.get(child.pk), at)


def _given(firm_id: int, blocks: Collection[int]) -> dict[int, object]:
    rows = Allocation.objects.for_firm(firm_id).filter(block__in=blocks)
    return dict(rows.values_list("order_id", "allocated_quantity"))


def _for(street: Order, child: Order, has_its_shares: bool, at: datetime) -> Iterable[Delivery]:
    if street.status not in _TOLD:
        return
    if street.status not in TERMINAL or street.cum_quantity:
        yield _delivery(street, child, Said.WORKING if street.cum_quantity else _TOLD[street.status], at)
    if street.status in TERMINAL and has_its_shares and child.cum_quantity < child.quantity:
        yield _delivery(street, child, _ENDING[street.status], at)


def _delivery(street: Order, child: Order, said: Said, at: datetime) -> Delivery:
    is_end = said not in {Said.ACCEPTED, Said.WORKING}
    return Delivery(
        channel=CHANNEL,
        source_event_id=f"{street.client_order_id}:{said}:{child.client_order_id}",
        said=said,
        word=f"block {said.lower()}",
        client_order_id=child.client_order_id,
        broker_order_id="",
        occurred_at=at,
        reason=_reason(street) if is_end else "",
        message={"block": street.block_key, "street_order": street.client_order_id, "status": street.status},
    )


def _reason(street: Order) -> str:
    if street.cum_quantity:
        filled, wanted = (f"{number.normalize():f}" for number in (street.cum_quantity, street.quantity))
        return f"The block was filled with {filled} of {wanted} shares."
    return street.status_reason
