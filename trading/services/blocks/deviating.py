"""Sharing a block out otherwise than its statement says: one person asks with a reason, compliance agrees.

After SMC Capital (SEC no-action letter, 5 September 1995) the reason is written down and approved no later than one
hour after the markets open on the trading day that follows the trade.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.services import audit
from accounts.tenancy import firm_scope
from rebalancer.engine import money
from rebalancer.engine.calendars import next_session, session_hours
from trading.models import Allocation, AllocationInstruction, Block, Execution, Order
from trading.services.blocks import statements
from trading.services.blocks.allocating import instruct, newest_instruction, traded_by
from trading.services.deliveries import trade_day

DECIDED_WITHIN = timedelta(hours=1)
REASON_LENGTH = 200


class BlockNotFound(LookupError):
    """The firm has no such block."""


class NothingToShare(RuntimeError):
    """The block has not ended with a fill."""


class TooLate(RuntimeError):
    """The hour in which shares may still be changed is over."""


class WrongShares(ValueError):
    """The shares do not sum to what was filled, or an account would get more than it asked for."""


class ReasonNeeded(ValueError):
    """Other shares are given for a reason."""


class NobodyAsked(RuntimeError):
    """There is nothing to decide."""


class SecondPersonNeeded(RuntimeError):
    """Who asks cannot be the one who agrees."""


REFUSALS = (NothingToShare, TooLate, WrongShares, ReasonNeeded, NobodyAsked, SecondPersonNeeded)


def ask_otherwise(
    *, firm_id: int, block_id: int, quantities: Mapping[str, Decimal], reason: str, by: str, at: datetime
) -> None:
    """Ask that the orders of a block get these shares, by client order id; what is not named gets none.

    :raises BlockNotFound: if the firm has no such block
    :raises NothingToShare: if it has not been shared out yet
    :raises TooLate: if the hour for it is over
    :raises WrongShares: if they do not sum to what is shared out, or one is more than its order or no whole unit
    :raises ReasonNeeded: if there is no reason
    """
    if not reason.strip():
        raise ReasonNeeded("Write why the shares should differ from the statement.")
    with firm_scope(firm_id):
        block = _locked(firm_id, block_id)
        newest = _instruction(block)
        _in_time(newest, at)
        _check(block, newest, quantities)
        block.deviation = {order: f"{quantity:f}" for order, quantity in quantities.items()}
        block.deviation_reason, block.deviation_asked_by = reason.strip()[:REASON_LENGTH], by
        block.deviation_approved_by = ""
        block.save(update_fields=["deviation", "deviation_reason", "deviation_asked_by", "deviation_approved_by"])
        _record(block, "BLOCK_OTHERWISE_ASKED", by, at)


def agree_otherwise(*, firm_id: int, block_id: int, by: str, at: datetime) -> None:
    """Agree to what was asked; the custodian is told to share the block out so.

    :raises BlockNotFound: if the firm has no such block
    :raises NobodyAsked: if nobody asked
    :raises SecondPersonNeeded: if it is the person who asked
    :raises TooLate: if the hour for it is over
    :raises WrongShares: if the fill has changed since
    """
    with firm_scope(firm_id):
        street = Order.objects.for_firm(firm_id).filter(block=block_id, role=Order.Role.BLOCK)
        order = street.select_for_update().first()
        block = _asked(firm_id, block_id)
        if order is None:
            raise BlockNotFound(block_id)
        if block.deviation_asked_by == by:
            raise SecondPersonNeeded("Another person has to agree: you asked for it.")
        newest = _instruction(block)
        _in_time(newest, at)
        quantities = {name: Decimal(text) for name, text in block.deviation.items()}
        _check(block, newest, quantities)
        executions = list(Execution.objects.for_firm(firm_id).filter(order=order))
        everyone = {name: quantities.get(name, Decimal(0)) for name in statements.read(block).shares}
        reason = f"{block.deviation_reason} (asked by {block.deviation_asked_by}, agreed by {by})"
        instruct(block, order, everyone, traded_by(executions), reason, at)
        block.deviation_approved_by = by
        block.save(update_fields=["deviation_approved_by"])
        _record(block, "BLOCK_OTHERWISE_AGREED", by, at)


def refuse_otherwise(*, firm_id: int, block_id: int, by: str, at: datetime) -> None:
    """Refuse what was asked: the shares stay as they are.

    :raises BlockNotFound: if the firm has no such block
    :raises NobodyAsked: if nobody asked
    """
    with firm_scope(firm_id):
        block = _asked(firm_id, block_id)
        _record(block, "BLOCK_OTHERWISE_REFUSED", by, at)
        block.deviation, block.deviation_reason, block.deviation_asked_by = {}, "", ""
        block.save(update_fields=["deviation", "deviation_reason", "deviation_asked_by"])


def decided_until(newest: AllocationInstruction) -> datetime:
    """The last moment at which other shares may be agreed to."""
    return session_hours(next_session(trade_day(newest.created_at)))[0] + DECIDED_WITHIN


def _locked(firm_id: int, block_id: int) -> Block:
    block = Block.objects.for_firm(firm_id).select_for_update().filter(pk=block_id).first()
    if block is None:
        raise BlockNotFound(block_id)
    return block


def _asked(firm_id: int, block_id: int) -> Block:
    block = _locked(firm_id, block_id)
    if not block.deviation or block.deviation_approved_by:
        raise NobodyAsked("Nobody asks for other shares of this block now.")
    return block


def _instruction(block: Block) -> AllocationInstruction:
    newest = newest_instruction(block)
    if newest is None:
        raise NothingToShare("The block has not ended with a fill: there is nothing to share out yet.")
    return newest


def _in_time(newest: AllocationInstruction, at: datetime) -> None:
    until = decided_until(newest)
    if at > until:
        raise TooLate(f"Shares could be changed until {timezone.localtime(until):%A, %d %B, %H:%M}.")


def _check(block: Block, newest: AllocationInstruction, quantities: Mapping[str, Decimal]) -> None:
    said = statements.read(block)
    strangers = sorted(quantities.keys() - said.shares.keys())
    if strangers:
        raise WrongShares(f"Order {strangers[0]} is not in this block.")
    unit = said.unit if newest.cum_quantity % said.unit == 0 else statements.PART
    for name, quantity in quantities.items():
        if quantity < 0 or quantity % unit or quantity > said.shares[name]:
            raise WrongShares(f"Order {name} can get 0 to {said.shares[name].normalize():f} shares in steps of {unit}.")
    given = money.total(list(quantities.values()))
    to_share = min(newest.cum_quantity, money.total(list(said.shares.values())))
    if given != to_share:
        raise WrongShares(f"The shares sum to {given.normalize():f}; {to_share.normalize():f} are to be shared out.")


def _record(block: Block, action: str, by: str, at: datetime) -> None:
    shares = Allocation.objects.for_firm(block.firm_id).filter(block=block).order_by("id")
    audit.record(
        firm_id=block.firm_id,
        at=at,
        actor=by,
        action=action,
        subject="block",
        subject_id=block.pk,
        reason=block.deviation_reason,
        asked=block.deviation,
        stood={
            name: f"{quantity:f}"
            for name, quantity in shares.values_list("order__client_order_id", "allocated_quantity")
        },
    )
