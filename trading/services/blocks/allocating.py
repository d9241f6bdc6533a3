"""Sharing out what a block traded: the statement's rule decides, the custodian is told, and told anew if it changes.

The shares of the accounts sum to what was filled and their dollars to what it cost, to the cent. What is filled beyond
the block belongs to no account: it stays in the average-price account for a person to deal with.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from accounts.tenancy import TenantQuerySet
from rebalancer.engine import money
from rebalancer.engine.money import ZERO
from trading.custodians.protocol import (
    Allocated,
    AllocateOutcome,
    AllocationRequest,
    AllocationShare,
    Refused,
)
from trading.lifecycle import TERMINAL
from trading.models import Allocation, AllocationInstruction, Block, Execution, Order, OrderCommand, ReconBreak
from trading.packing import canonical
from trading.services.blocks import statements
from trading.services.breaks import close_gone, open_break
from trading.services.lines import line_of

PRIORITY = 3
REFUSED = "ALLOCATION_REFUSED"
FIRST = "The block ended: shared out as its statement says."
ANEW = "What the block traded changed after it was shared out."


@dataclass(frozen=True, slots=True)
class Share:
    """What the order of one account gets."""

    order: str
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Traded:
    """What a block's order traded: shares, and dollars in cents."""

    quantity: Decimal
    gross: Decimal

    @property
    def average_price(self) -> Decimal:
        return money.ratio(Fraction(self.gross) / Fraction(self.quantity)) if self.quantity else ZERO


def traded_by(executions: Collection[Execution]) -> Traded:
    """Over the live executions of a block's order."""
    live = [one for one in executions if one.is_live and one.kind != Execution.Kind.BUST]
    gross = [money.cents(money.times(one.quantity, one.price)) if one.gross is None else one.gross for one in live]
    return Traded(money.total([one.quantity for one in live]), money.total(gross))


def shares_of(quantities: Mapping[str, Decimal], traded: Traded) -> list[Share]:
    """Shares with their dollars: all at one average price, cents by largest remainder."""
    given = money.total(list(quantities.values()))
    if not given:
        return [Share(order, ZERO, ZERO) for order in quantities]
    worth = traded.gross
    if given != traded.quantity:
        worth = money.cents(traded.gross * given / traded.quantity)
    amounts = money.split(worth, dict(quantities))
    return [Share(order, quantity, amounts[order]) for order, quantity in quantities.items()]


def share_out(street: Order, executions: Collection[Execution], at: datetime) -> None:
    """Instruct the custodian if the block has ended and what it traded is not shared out yet, or changed since.

    In the caller's transaction, which has locked the block's order.
    """
    block = Block.objects.for_firm(street.firm_id).select_for_update().get(pk=street.block_key)
    newest = newest_instruction(block)
    if newest is None and street.status not in TERMINAL:
        return
    traded = traded_by(executions)
    if newest is None and not traded.quantity:
        _set_status(block, Block.Status.ENDED)
    elif newest is None or (newest.cum_quantity, newest.gross) != (traded.quantity, traded.gross):
        quantities = statements.read(block).shared_out(traded.quantity)
        instruct(block, street, quantities, traded, FIRST if newest is None else ANEW, at)


def newest_instruction(block: Block) -> AllocationInstruction | None:
    rows = AllocationInstruction.objects.for_firm(block.firm_id).filter(block=block)
    return rows.order_by("-revision").first()


def instruct(
    block: Block, street: Order, quantities: Mapping[str, Decimal], traded: Traded, reason: str, at: datetime
) -> AllocationInstruction:
    """Write down who gets what, and that the custodian is to be told."""
    firm_id, newest = block.firm_id, newest_instruction(block)
    shares = shares_of(quantities, traded)
    text = canonical([{"order": one.order, "quantity": one.quantity, "amount": one.amount} for one in shares])
    instruction = AllocationInstruction.objects.for_firm(firm_id).create(
        block=block,
        revision=1 if newest is None else newest.revision + 1,
        reason=reason[:300],
        cum_quantity=traded.quantity,
        gross=traded.gross,
        average_price=traded.average_price,
        shares=text,
        shares_sha256=statements.sha256(text),
        created_at=at,
    )
    by_order = {one.order: one for one in shares}
    rows = list(Allocation.objects.for_firm(firm_id).filter(block=block).select_related("order").order_by("id"))
    for row in rows:
        share = by_order[row.order.client_order_id]
        row.allocated_quantity, row.amount = share.quantity, share.amount
    Allocation.objects.for_firm(firm_id).bulk_update(rows, ["allocated_quantity", "amount"])
    _set_status(block, Block.Status.ALLOCATING, allocated_at=at)
    OrderCommand.objects.for_firm(firm_id).create(
        order=street,
        kind=OrderCommand.Kind.ALLOCATE,
        priority=PRIORITY,
        not_before=at,
        idempotency_key=f"{street.client_order_id}:{instruction.revision}",
        request_sha256=instruction.shares_sha256,
    )
    return instruction


def is_superseded(command: OrderCommand) -> bool:
    """Is there a later instruction than the one that an ALLOCATE command carries?"""
    rows = AllocationInstruction.objects.for_firm(command.firm_id).filter(block_id=command.order.block_key)
    return rows.filter(revision__gt=_revision(command.idempotency_key)).exists()


def request_of(command: OrderCommand) -> AllocationRequest:
    """What an ALLOCATE command says to the custodian."""
    street = command.order
    row = AllocationInstruction.objects.for_firm(command.firm_id).get(
        block_id=street.block_key, revision=_revision(command.idempotency_key)
    )
    line = line_of(street.connection)
    rows = Allocation.objects.for_firm(command.firm_id).filter(block_id=street.block_key)
    accounts = dict(rows.values_list("order__client_order_id", "account__number"))
    return AllocationRequest(
        broker_order_id=street.broker_order_id,
        revision=row.revision,
        average_price=row.average_price,
        shares=tuple(
            AllocationShare(line.account(accounts[share.order]), share.order, share.quantity, share.amount)
            for share in read_shares(row)
        ),
    )


def read_shares(row: AllocationInstruction) -> Sequence[Share]:
    return [Share(one["order"], Decimal(one["quantity"]), Decimal(one["amount"])) for one in json.loads(row.shares)]


def mark_sent(command: OrderCommand, at: datetime) -> None:
    """An ALLOCATE command is about to go out: the first moment at which it did stays."""
    _row(command).filter(sent_at=None).update(sent_at=at)


def answered(command: OrderCommand, answer: AllocateOutcome | object, at: datetime) -> None:
    """Write down that the custodian took an instruction or refused it, in the caller's transaction."""
    street, blocks = command.order, Block.objects.for_firm(command.firm_id).filter(pk=command.order.block_key)
    if isinstance(answer, Allocated):
        _row(command).update(acknowledged_at=at)
        if not is_superseded(command):
            blocks.update(status=Block.Status.ALLOCATED, acknowledged_at=at)
            _close_refused(street, at)
    elif isinstance(answer, Refused):
        _row(command).update(refused_at=at, refusal=answer.text[:300])
        open_break(
            firm_id=command.firm_id,
            kind=REFUSED,
            subject=street.client_order_id,
            sentence=f"The custodian does not share the block out as instructed: {answer.text}",
            order=street,
            at=at,
        )


def _close_refused(street: Order, at: datetime) -> None:
    rows = ReconBreak.objects.for_firm(street.firm_id).filter(
        kind=REFUSED, subject=street.client_order_id, closed_at=None
    )
    close_gone(firm_id=street.firm_id, break_ids=list(rows.values_list("id", flat=True)), at=at)


def _row(command: OrderCommand) -> TenantQuerySet[AllocationInstruction]:
    rows: TenantQuerySet[AllocationInstruction] = AllocationInstruction.objects.for_firm(command.firm_id)
    return rows.filter(block_id=command.order.block_key, revision=_revision(command.idempotency_key))


def _revision(key: str) -> int:
    return int(key.rpartition(":")[2])


def _set_status(block: Block, status: Block.Status, **moments: datetime) -> None:
    block.status = status
    for name, at in moments.items():
        setattr(block, name, at)
    block.save(update_fields=["status", *moments])
