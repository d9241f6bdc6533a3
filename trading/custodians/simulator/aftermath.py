"""What befalls executions and orders later: a bust, a correction, a fill after the end. What is due is in the store."""

from __future__ import annotations

import uuid
from dataclasses import replace

from trading.custodians.simulator import render
from trading.custodians.simulator.clock import now_ns
from trading.custodians.simulator.desk import IDS, Desk
from trading.custodians.simulator.faults import FaultKind
from trading.custodians.simulator.fills import Slice, dice, price_of, tick
from trading.custodians.simulator.records import BUST, CORRECTION, ZERO, Execution, Order

SHARES_ARE_CORRECTED = 0.2
"""How many corrections are about the shares; the others are about the price."""


def next_due(desk: Desk) -> int | None:
    """When the next act is due, in nanoseconds; None where there is none."""
    row = desk.store.one("SELECT min(due_ns) AS due FROM aftermath")
    return row["due"] if row else None


def take_due(desk: Desk) -> None:
    """Carry out what is due, in the caller's transaction."""
    for row in desk.store.rows("SELECT * FROM aftermath WHERE due_ns <= ? ORDER BY due_ns, subject", now_ns()):
        desk.store.write("DELETE FROM aftermath WHERE act = ? AND subject = ?", row["act"], row["subject"])
        if row["act"] == "FILL_LATE":
            _fill_late(desk, row["subject"])
        else:
            _revise(desk, FaultKind(row["act"]), row["subject"])


def _fill_late(desk: Desk, order_id: str) -> None:
    """An order that was cancelled is filled after all."""
    order = desk.order(order_id)
    asset = desk.store.asset(order.symbol)
    if asset is not None and order.leaves > 0:
        desk.execute(order, Slice(order.leaves, price_of(desk.seed, order, asset), is_last=True))


def _revise(desk: Desk, kind: FaultKind, execution_id: str) -> None:
    old = desk.store.execution(execution_id)
    if old is None or not old.is_live:
        return
    new = _corrected(desk.seed, old) if kind is FaultKind.CORRECT else None
    desk.store.end_execution(old.id)
    position = desk.book(reversed_of(old))
    told = new or replace(old, kind=BUST, is_live=0)
    word = told.kind
    told = replace(told, id=str(uuid.uuid5(IDS, f"{old.id}:{word}")), previous_id=old.id, at_ns=now_ns())
    desk.store.insert_execution(told)
    if new:
        position = desk.book(told)
    order = _without(desk.order(old.order_id), old, new)
    shown = told if new else replace(told, quantity=-old.quantity)
    extra = {**render.execution_json(shown, position.quantity), "previous_execution_id": old.id}
    desk.moved(order, f"trade_{word}", told.id, extra)
    if order.status == "filled" and order.leaves > 0:
        # What was filled and is no longer is not sent to the market again.
        at_ns = now_ns()
        desk.moved(replace(order, status="canceled", canceled_ns=at_ns, updated_ns=at_ns), "canceled")


def reversed_of(old: Execution) -> Execution:
    """What takes an execution back out of the books."""
    return replace(old, quantity=-old.quantity, gross=None if old.gross is None else -old.gross)


def _corrected(seed: int, old: Execution) -> Execution:
    """A tick worse for the client, or a share less."""
    chance = dice(seed, "correction", old.id)
    if old.quantity > 1 and chance.random() < SHARES_ARE_CORRECTED:
        return replace(old, quantity=old.quantity - 1, kind=CORRECTION)
    step = tick(old.price)
    price = old.price + (step if old.side == "buy" else -step)
    return replace(old, price=max(price, step), kind=CORRECTION)


def _without(order: Order, old: Execution, new: Execution | None) -> Order:
    """The order as filled without the old execution and with the new one."""
    quantity = (new.quantity if new else ZERO) - old.quantity
    value = (new.quantity * new.price if new else ZERO) - old.quantity * old.price
    filled = order.filled_quantity + quantity
    status = "new" if order.status == "partially_filled" and not filled else order.status
    return replace(
        order, status=status, filled_quantity=filled, filled_value=order.filled_value + value, updated_ns=now_ns()
    )
