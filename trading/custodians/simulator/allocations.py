"""Sharing out a block: what the average-price account traded goes to the accounts that an instruction names.

`POST /v1/allocations` with {order_id, revision, average_price, allocations: [{account_id, client_order_id, qty,
amount}]}. The same revision with the same content is answered alike however often it comes; a later revision takes the
place of the earlier ones, and the accounts are told of corrections and busts.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rebalancer.engine.money import cents
from trading.custodians.simulator import render
from trading.custodians.simulator.aftermath import reversed_of
from trading.custodians.simulator.clock import now_ns
from trading.custodians.simulator.desk import IDS, Desk
from trading.custodians.simulator.door import body_of, exchange_of, key_of, refuse, reply
from trading.custodians.simulator.errors import bad_request, not_found, unprocessable
from trading.custodians.simulator.exchange import Exchange
from trading.custodians.simulator.faults import FaultKind
from trading.custodians.simulator.orders import TIMED_OUT
from trading.custodians.simulator.records import BUST, CORRECTION, FILL, ZERO, Account, Execution, Order
from trading.custodians.simulator.store import Store

WORDS: Mapping[str, str] = {FILL: "fill", CORRECTION: "trade_correct", BUST: "trade_bust"}


@dataclass(frozen=True, slots=True)
class Share:
    """What one account gets: shares, and dollars to the cent."""

    account_id: str
    client_order_id: str
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Instruction:
    """A request whose form is right."""

    order_id: str
    revision: int
    average_price: Decimal
    shares: Sequence[Share]


async def allocate(request: Request) -> Response:
    exchange, body = exchange_of(request), await body_of(request)
    told = read_instruction(body)
    order = _block_order(exchange.store, told.order_id, key_of(request))
    if _strikes(exchange, FaultKind.LOSE_THEN_504, order, told):
        return refuse(TIMED_OUT)
    with exchange.store.transaction():
        shares_out(exchange.desk, order, told, text=json.dumps(body, sort_keys=True))
    exchange.listeners.wake()
    if _strikes(exchange, FaultKind.ACCEPT_THEN_504, order, told):
        return refuse(TIMED_OUT)
    return reply({"order_id": order.id, "revision": told.revision, "status": "accepted"})


def _strikes(exchange: Exchange, kind: FaultKind, order: Order, told: Instruction) -> bool:
    struck = exchange.faults.strikes(kind, symbol=order.symbol, subject=f"{order.client_order_id}:{told.revision}")
    if struck:
        exchange.save_faults()
    return struck is not None


def read_instruction(body: object) -> Instruction:
    """:raises ApiError: if the form is wrong"""
    if not isinstance(body, dict) or not isinstance(body.get("allocations"), list):
        raise bad_request("request body format error")
    revision = body.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        raise unprocessable("revision counts from 1")
    shares = [_share(row) for row in body["allocations"]]
    if len({share.client_order_id for share in shares}) < len(shares):
        raise unprocessable("an account's order is named once")
    return Instruction(_word(body, "order_id"), revision, _number(body, "average_price"), shares)


def _share(row: object) -> Share:
    if not isinstance(row, dict):
        raise bad_request("request body format error")
    share = Share(_word(row, "account_id"), _word(row, "client_order_id"), _number(row, "qty"), _number(row, "amount"))
    if share.amount != cents(share.amount):
        raise unprocessable("amount is in whole cents")
    return share


def _word(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row.get(name), str) or not row[name]:
        raise unprocessable(f"{name} is required")
    return str(row[name])


def _number(row: Mapping[str, Any], name: str) -> Decimal:
    try:
        number = Decimal(str(row.get(name)))
    except InvalidOperation as bad:
        raise unprocessable(f"{name} is required, as a number") from bad
    if not number.is_finite() or number < 0:
        raise unprocessable(f"{name} must be >= 0")
    return number


def _block_order(store: Store, order_id: str, key_id: str) -> Order:
    """:raises ApiError: if the key has no such order in an average-price account, or it is still open"""
    order = store.order(order_id)
    if order is None or order.key_id != key_id:
        raise not_found(f"order not found for {order_id}")
    if not _account(store, order.account_id, key_id).passes_on:
        raise unprocessable("only what an average-price account traded is allocated")
    if order.is_open:
        raise unprocessable("order is still open")
    return order


def _account(store: Store, account_id: str, key_id: str) -> Account:
    account = store.account(account_id, key_id)
    if account is None:
        raise not_found(f"account not found for {account_id}")
    return account


def shares_out(desk: Desk, order: Order, told: Instruction, *, text: str) -> None:
    """Bring the accounts to the instruction, in the caller's transaction.

    :raises ApiError: if it gives out more than was traded, or contradicts an instruction that came before
    """
    rows = desk.store.rows("SELECT revision, body FROM allocations WHERE order_id = ? ORDER BY revision", order.id)
    known = {row["revision"]: row["body"] for row in rows}
    newest = max(known, default=0)
    if told.revision <= newest:
        if known.get(told.revision) != text:
            raise unprocessable(f"revision {newest} is in force")
        return
    _check_sums(desk.store, order, told)
    desk.store.write("INSERT INTO allocations VALUES (?, ?, ?, ?)", order.id, told.revision, text, now_ns())
    named = {share.client_order_id for share in told.shares}
    before = read_instruction(json.loads(known[newest])).shares if newest else ()
    gone = [replace(share, quantity=ZERO, amount=ZERO) for share in before if share.client_order_id not in named]
    for share in (*told.shares, *gone):
        _give(desk, order, _account(desk.store, share.account_id, order.key_id), share, told)


def _check_sums(store: Store, order: Order, told: Instruction) -> None:
    rows = store.rows("SELECT * FROM executions WHERE order_id = ? AND is_live", order.id)
    traded = [Execution.of(row) for row in rows]
    quantity, value = sum((one.quantity for one in traded), ZERO), sum((one.value for one in traded), ZERO)
    given, dollars = sum((one.quantity for one in told.shares), ZERO), sum((one.amount for one in told.shares), ZERO)
    if given > quantity or dollars > value:
        raise unprocessable(
            f"the shares come to {render.plain(given)} for {render.plain(dollars)}, and "
            f"{render.plain(quantity)} were traded for {render.plain(value)}"
        )


def _give(desk: Desk, order: Order, account: Account, share: Share, told: Instruction) -> None:
    """Bring one account from what it was given before to its share, and tell it."""
    child_id = str(uuid.uuid5(IDS, f"share:{order.id}:{share.client_order_id}"))
    old, at_ns = _live(desk.store, child_id), now_ns()
    if (old.quantity, old.value) == (share.quantity, share.amount) if old else not share.quantity:
        return
    child = desk.store.order(child_id)
    if child is None:
        child = _new_share(order, account, share, child_id, at_ns)
        desk.store.insert_order(child)
    execution = _execution(child, old, share, told, at_ns)
    if old is not None:
        desk.store.end_execution(old.id)
        _book(desk, order, reversed_of(old))
    desk.store.insert_execution(execution)
    if execution.is_live:
        _book(desk, order, execution)
        desk.store.write("UPDATE orders SET quantity = ? WHERE id = ?", share.quantity, child_id)
        child = replace(child, quantity=share.quantity)
    extra: dict[str, Any] = dict(
        render.execution_json(execution, desk.store.position(account.id, order.symbol).quantity)
    )
    if old is not None:
        extra["previous_execution_id"] = old.id
    desk.moved(_as_given(child, share, at_ns), WORDS[execution.kind], execution.id, extra)


def _execution(child: Order, old: Execution | None, share: Share, told: Instruction, at_ns: int) -> Execution:
    """The share as a fill, as a correction of the one before, or as its bust."""
    shown = share
    kind = FILL if old is None else CORRECTION
    if old is not None and not share.quantity:
        shown, kind = replace(share, quantity=old.quantity, amount=old.value), BUST
    return Execution(
        seq=0,
        id=str(uuid.uuid5(IDS, f"{child.id}:{told.revision}")),
        order_id=child.id,
        account_id=child.account_id,
        key_id=child.key_id,
        symbol=child.symbol,
        side=child.side,
        quantity=shown.quantity,
        price=told.average_price,
        cum_quantity=share.quantity,
        leaves=ZERO,
        order_status=_status(share),
        at_ns=at_ns,
        kind=kind,
        previous_id=old.id if old else "",
        is_live=int(kind != BUST),
        gross=shown.amount,
    )


def _status(share: Share) -> str:
    return "filled" if share.quantity else "canceled"


def _as_given(child: Order, share: Share, at_ns: int) -> Order:
    return replace(
        child,
        status=_status(share),
        filled_quantity=share.quantity,
        filled_value=share.amount,
        executions=child.executions + 1,
        updated_ns=at_ns,
        filled_ns=at_ns if share.quantity else None,
        canceled_ns=None if share.quantity else at_ns,
    )


def _live(store: Store, child_id: str) -> Execution | None:
    row = store.one("SELECT * FROM executions WHERE order_id = ? AND is_live", child_id)
    return None if row is None else Execution.of(row)


def _book(desk: Desk, order: Order, execution: Execution) -> None:
    """Move shares and cash between the average-price account and the other."""
    desk.book(replace(reversed_of(execution), account_id=order.account_id))
    desk.book(execution)


def _new_share(order: Order, account: Account, share: Share, child_id: str, at_ns: int) -> Order:
    return replace(
        order,
        id=child_id,
        account_id=account.id,
        client_order_id=share.client_order_id,
        quantity=share.quantity,
        fate="",
        submitted_ns=at_ns,
        status="new",
        filled_quantity=ZERO,
        filled_value=ZERO,
        executions=0,
        filled_ns=None,
        canceled_ns=None,
        expired_ns=None,
        failed_ns=None,
    )
