"""The market's side of an order: it is accepted, goes live, fills step by step, ends."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from typing import Any

from rebalancer.engine.money import cents
from trading.custodians.simulator import fills, intake, render
from trading.custodians.simulator.clock import (
    EventIds,
    Hours,
    fund_expires_ns,
    is_open,
    nanoseconds,
    next_open_and_close,
    now_ns,
    priced_ns,
)
from trading.custodians.simulator.errors import duplicate_client_order_id, not_found, unprocessable
from trading.custodians.simulator.faults import FATES, Fault, FaultBoard, FaultKind
from trading.custodians.simulator.records import ZERO, Account, Asset, Event, Execution, Order, Position
from trading.custodians.simulator.store import Store

IDS = uuid.UUID("a0d3b1d6-4f7f-4c3f-8d1e-61f3f0b6c2aa")
BEFALLS_EXECUTIONS = (FaultKind.BUST, FaultKind.CORRECT)


@dataclass(slots=True)
class Desk:
    """Orders and their executions. The caller opens the transaction and wakes the listeners after it."""

    store: Store
    event_ids: EventIds
    seed: int
    fill_delay_ms: int
    market_buffer_bps: int
    hours: Hours
    faults: FaultBoard

    def is_open(self) -> bool:
        return is_open(self.hours, now_ns())

    def place(self, account: Account, ticket: intake.Ticket) -> Order:
        """Accept the order and write it down.

        :raises ApiError: if it is refused
        """
        intake.check_account(account)
        if self.store.order_by_client_id(account.id, ticket.client_order_id):
            raise duplicate_client_order_id()
        asset = self.store.asset(ticket.symbol)
        if asset is None:
            raise unprocessable(f'asset "{ticket.symbol}" not found')
        intake.check_asset(ticket, asset)
        open_orders = self.store.open_orders(account.id)
        if not account.passes_on:
            intake.check_opposite(ticket, open_orders)
        order = self._new_order(account, ticket, asset, self._fate(ticket))
        order = replace(order, hold_unit=intake.hold_unit(ticket, asset, self.market_buffer_bps))
        if account.passes_on:
            pass  # who pays and who delivers is known when the block is allocated
        elif order.side == "buy":
            intake.check_buying_power(account, order.held, open_orders)
        else:
            intake.check_quantity(order, self.store.position(account.id, order.symbol), open_orders)
        self.store.insert_order(order)
        if order.status == "accepted":
            self._tell("accepted", order)
        return order

    def _fate(self, ticket: intake.Ticket) -> str:
        for kind in FATES:
            if self.strikes(kind, ticket.symbol, ticket.client_order_id):
                return kind
        return ""

    def strikes(self, kind: FaultKind, symbol: str, subject: str) -> Fault | None:
        """The fault that befalls the subject now, if one does; what is left of it is stored."""
        fault = self.faults.strikes(kind, symbol=symbol, subject=subject)
        if fault is not None and fault.times is not None:
            self.store.set_setting("faults", self.faults.dump())
        return fault

    def skew_ns(self, symbol: str, subject: str) -> int:
        """How far the moment that is told now lies from the true one."""
        fault = self.strikes(FaultKind.CLOCK_SKEW, symbol, subject)
        return int(fault.seconds * 1e9) if fault else 0

    def _new_order(self, account: Account, ticket: intake.Ticket, asset: Asset, fate: str) -> Order:
        at_ns = now_ns()
        return Order(
            id=str(uuid.uuid5(IDS, f"{self.seed}:{account.id}:{ticket.client_order_id}")),
            account_id=account.id,
            key_id=account.key_id,
            client_order_id=ticket.client_order_id,
            symbol=ticket.symbol,
            asset_id=asset.id,
            side=ticket.side,
            type=ticket.type,
            time_in_force="day",
            quantity=ticket.quantity,
            notional=ticket.notional,
            limit_price=ticket.limit_price,
            hold_unit=ZERO,
            fate=fate,
            submitted_ns=at_ns,
            expires_ns=fund_expires_ns(at_ns) if asset.at_nav else nanoseconds(next_open_and_close(at_ns)[1]),
            status="pending_new" if self.is_open() else "accepted",
            updated_ns=at_ns,
        )

    def cancel(self, order: Order) -> Order:
        """End the order at once, unless its fill is faster.

        :raises ApiError: if it has ended already
        """
        if not order.is_open:
            raise unprocessable(f"order is already in {json.dumps(order.status)} state")
        if order.fate == FaultKind.CANCEL_RACE and order.status in {"new", "partially_filled"}:
            return self._outrun(order)
        at_ns = now_ns()
        return self.moved(replace(order, status="canceled", canceled_ns=at_ns, updated_ns=at_ns), "canceled")

    def _outrun(self, order: Order) -> Order:
        asset = self.store.asset(order.symbol)
        if asset is None:
            raise not_found(f'asset "{order.symbol}" not found')
        price = fills.price_of(self.seed, order, asset)
        filled = self.execute(order, fills.Slice(order.leaves, price, is_last=True))
        self._tell("order_cancel_rejected", filled)
        return filled

    def expire(self, order_id: str) -> None:
        """End the order at the close, if it is still open."""
        order, at_ns = self.order(order_id), now_ns()
        if order.is_open:
            self.moved(replace(order, status="expired", expired_ns=at_ns, updated_ns=at_ns), "expired")

    def step(self, order_id: str) -> int | None:
        """Take the order one step on; gives the nanoseconds until its next, None when it now rests or has ended."""
        order = self.order(order_id)
        if not order.is_open or not self.is_open():
            return None
        if order.status in {"accepted", "pending_new"}:
            return self._go_live(order)
        asset = self.store.asset(order.symbol)
        if asset is None or not fills.is_marketable(order, asset):
            return None
        if asset.at_nav and self.hours is Hours.SESSIONS and now_ns() < priced_ns(order.submitted_ns):
            return None
        if order.fate == FaultKind.EXPIRE:
            self.expire(order.id)
            return None
        least = fills.MOST_EXECUTIONS if order.fate == FaultKind.PARTIAL else 1
        piece = fills.next_slice(self.seed, order, asset, least=least)
        if piece.is_last and order.fate == FaultKind.LATE_FILL:
            self.store.add_later("FILL_LATE", order.id, now_ns() + fills.delay_ns(self.seed, order, self.fill_delay_ms))
            self.cancel(order)
            return None
        if piece.is_last and order.fate == FaultKind.OVERFILL and order.side == "buy":
            piece = replace(piece, quantity=piece.quantity + 1)
        order = self.execute(order, piece)
        return fills.delay_ns(self.seed, order, self.fill_delay_ms) if order.is_open else None

    def _go_live(self, order: Order) -> int | None:
        at_ns = now_ns()
        if order.fate == FaultKind.REJECT:
            self.moved(replace(order, status="rejected", failed_ns=at_ns, updated_ns=at_ns), "rejected")
            return None
        live = self.moved(replace(order, status="new", updated_ns=at_ns), "new")
        return fills.delay_ns(self.seed, live, self.fill_delay_ms)

    def execute(self, order: Order, piece: fills.Slice) -> Order:
        """Fill a part of the order, or the rest of it."""
        at_ns, status = now_ns(), "filled" if piece.is_last else "partially_filled"
        filled = replace(
            order,
            status=status,
            filled_quantity=order.filled_quantity + piece.quantity,
            filled_value=order.filled_value + piece.quantity * piece.price,
            executions=order.executions + 1,
            filled_ns=at_ns if piece.is_last else None,
            updated_ns=at_ns,
        )
        execution = Execution(
            seq=0,
            id=str(uuid.uuid5(IDS, f"{order.id}:{filled.executions}")),
            order_id=order.id,
            account_id=order.account_id,
            key_id=order.key_id,
            symbol=order.symbol,
            side=order.side,
            quantity=piece.quantity,
            price=piece.price,
            cum_quantity=filled.filled_quantity,
            leaves=ZERO if piece.is_last else filled.leaves,
            order_status=status,
            at_ns=at_ns,
        )
        self.store.insert_execution(execution)
        self._doom(execution)
        position = self.book(execution)
        name = "fill" if piece.is_last else "partial_fill"
        return self.moved(filled, name, execution.id, render.execution_json(execution, position.quantity))

    def _doom(self, execution: Execution) -> None:
        """Decide what will be said of the execution later."""
        for kind in BEFALLS_EXECUTIONS:
            fault = self.strikes(kind, execution.symbol, execution.id)
            if fault:
                self.store.add_later(kind, execution.id, execution.at_ns + int(fault.seconds * 1e9))
                return

    def book(self, execution: Execution) -> Position:
        """Move the cash and the shares."""
        account = self.store.account(execution.account_id, execution.key_id)
        if account is None:
            raise not_found("account not found")
        before = self.store.position(account.id, execution.symbol)
        value = execution.value
        if execution.side == "buy":
            after = Position(before.symbol, before.quantity + execution.quantity, before.cost_basis + value)
            self.store.set_cash(account.id, account.cash - value)
        else:
            left = before.quantity - execution.quantity
            kept = cents(before.cost_basis * left / before.quantity) if before.quantity else ZERO
            after = Position(before.symbol, left, kept)
            self.store.set_cash(account.id, account.cash + value)
        self.store.set_position(account.id, after)
        return after

    def order(self, order_id: str) -> Order:
        """:raises ApiError: if there is no such order"""
        order = self.store.order(order_id)
        if order is None:
            raise not_found(f"order not found for {order_id}")
        return order

    def moved(self, order: Order, name: str, execution_id: str = "", extra: dict[str, Any] | None = None) -> Order:
        """Store the order as it is now, and tell it under this name."""
        self.store.update_order(order)
        self._tell(name, order, execution_id, extra)
        return order

    def _tell(self, name: str, order: Order, execution_id: str = "", extra: dict[str, Any] | None = None) -> None:
        event_id = self.event_ids.next()
        execution_id = execution_id or str(uuid.uuid5(IDS, f"{order.id}:{name}"))
        at_ns = order.updated_ns + self.skew_ns(order.symbol, event_id)
        payload = render.event_json(event_id, name, order, execution_id, at_ns) | (extra or {})
        text = json.dumps(payload, separators=(",", ":"))
        self.store.insert_event(Event(event_id, order.key_id, order.account_id, order.symbol, text))
