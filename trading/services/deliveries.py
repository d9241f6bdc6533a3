"""What custodians tell us, in our words: one shape for every channel, so that the inbox knows no custodian."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils import timezone

from rebalancer.engine.calendars import is_session, next_session
from trading.custodians.protocol import Accepted, Fill, OrderSnapshot, Refused, TradeEvent
from trading.models import Execution


class Said(StrEnum):
    """What a delivery says of its order."""

    ACCEPTED = "ACCEPTED"
    WORKING = "WORKING"
    EXECUTION = "EXECUTION"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    REMARK = "REMARK"
    ABSENT = "ABSENT"


# Alpaca's words for orders and events. A word that is not here is a remark: it is shown, and moves nothing.
WORDS: Mapping[str, Said] = {
    "accepted": Said.ACCEPTED,
    "pending_new": Said.ACCEPTED,
    "accepted_for_bidding": Said.ACCEPTED,
    "pending_review": Said.ACCEPTED,
    "new": Said.WORKING,
    "fill": Said.WORKING,
    "partial_fill": Said.WORKING,
    "filled": Said.WORKING,
    "partially_filled": Said.WORKING,
    "canceled": Said.CANCELED,
    "expired": Said.EXPIRED,
    "replaced": Said.REPLACED,
    "rejected": Said.REJECTED,
}
EXECUTION_WORDS: Mapping[str, Execution.Kind] = {
    "fill": Execution.Kind.NEW,
    "partial_fill": Execution.Kind.NEW,
    "trade_correct": Execution.Kind.CORRECT,
    "trade_bust": Execution.Kind.BUST,
}


@dataclass(frozen=True, slots=True)
class Report:
    """A fill, correction or bust. `fees` is what the custodian took, or None where it does not say.

    `gross` are the dollars, where the custodian names them; else they are the shares times the price, in cents.
    """

    exec_id: str
    kind: Execution.Kind
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    trade_on: date
    settle_on: date | None = None
    ref_exec_id: str = ""
    fees: Decimal | None = None
    gross: Decimal | None = None

    def sha256(self) -> str:
        """Of what may not differ when the same execution is told again."""
        told = (self.quantity, self.price) if self.gross is None else (self.quantity, self.price, self.gross)
        numbers = [f"{number.normalize():f}" for number in told]
        return hashlib.sha256("|".join([self.exec_id, self.kind, *numbers, self.ref_exec_id]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class About:
    """The custodian's order that a delivery is about, should it be none of ours: what a row for it needs."""

    account: str
    symbol: str
    side: str
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message about one order. The channel and `source_event_id` name it; the same name is taken in once.

    `cum_quantity` is the custodian's own count of what was filled, a checksum.
    """

    channel: str
    source_event_id: str
    said: Said
    word: str
    client_order_id: str
    broker_order_id: str
    occurred_at: datetime
    execution: Report | None = None
    cum_quantity: Decimal | None = None
    reason: str = ""
    message: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    about: About | None = None

    def sha256(self) -> str:
        body = self.text or json.dumps(self.message, sort_keys=True, default=str)
        return hashlib.sha256(body.encode()).hexdigest()

    def payload(self) -> dict[str, Any]:
        """What is stored: the message as it came, and what we made of it."""
        return {
            "word": self.word,
            "reason": self.reason,
            "cum_quantity": None if self.cum_quantity is None else f"{self.cum_quantity:f}",
            "message": json.loads(json.dumps(self.message, default=str)),
        }


def from_event(event: TradeEvent, *, no_fees: bool = False) -> Delivery:
    """A delivery of the event stream."""
    order = event.order
    execution = None
    if event.execution is not None and event.kind in EXECUTION_WORDS:
        execution = _report(event.execution, EXECUTION_WORDS[event.kind], no_fees=no_fees)
    return Delivery(
        channel="STREAM",
        source_event_id=event.event_id,
        said=Said.EXECUTION if execution else WORDS.get(event.kind, Said.REMARK),
        word=event.kind,
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        occurred_at=event.occurred_at,
        execution=execution,
        cum_quantity=order.filled_quantity,
        reason=_reason(event.payload),
        message=event.payload,
        text=event.text,
        about=About(event.account, order.symbol, order.side, order.quantity),
    )


def from_answer(answer: Accepted | Refused, *, client_order_id: str, attempt: int, at: datetime) -> Delivery:
    """What a submit was answered with."""
    name = f"submit:{client_order_id}:{attempt}"
    if isinstance(answer, Accepted):
        return from_snapshot(answer.order, channel="SUBMIT", name=name, at=at, client_order_id=client_order_id)
    return Delivery(
        channel="SUBMIT",
        source_event_id=name,
        said=Said.REJECTED,
        word="rejected",
        client_order_id=client_order_id,
        broker_order_id="",
        occurred_at=at,
        reason=f"{answer.reason}: {answer.text}",
        message={"code": answer.code, "text": answer.text, "http_status": answer.http_status},
    )


def from_snapshot(order: OrderSnapshot, *, channel: str, name: str, at: datetime, client_order_id: str) -> Delivery:
    """The custodian's order as it stood when we asked."""
    return Delivery(
        channel=channel,
        source_event_id=name,
        said=WORDS.get(order.status, Said.ACCEPTED),  # a word we do not know still says that it is there
        word=order.status,
        client_order_id=client_order_id,
        broker_order_id=order.broker_order_id,
        occurred_at=at,
        cum_quantity=order.filled_quantity,
        reason=_reason(order.raw),
        message=order.raw,
    )


def from_fill(fill: Fill, *, no_fees: bool = False) -> Delivery:
    """An execution as the custodian lists it: under the id that the stream gives it, so that it is booked once."""
    return Delivery(
        channel="HEAL",
        source_event_id=f"fill:{fill.exec_id}",
        said=Said.EXECUTION,
        word="fill",
        client_order_id="",
        broker_order_id=fill.broker_order_id,
        occurred_at=fill.executed_at,
        execution=_report(fill, Execution.Kind.NEW, no_fees=no_fees),
        message={
            "exec_id": fill.exec_id,
            "account": fill.account,
            "order": fill.broker_order_id,
            "symbol": fill.symbol,
            "side": fill.side,
            "quantity": f"{fill.quantity:f}",
            "price": f"{fill.price:f}",
        },
        about=About(fill.account, fill.symbol, fill.side, None),
    )


def absent(*, client_order_id: str, name: str, at: datetime) -> Delivery:
    """The custodian says that it has no order of this id."""
    return Delivery(
        channel="QUERY",
        source_event_id=name,
        said=Said.ABSENT,
        word="absent",
        client_order_id=client_order_id,
        broker_order_id="",
        occurred_at=at,
    )


def trade_day(executed_at: datetime) -> date:
    """The session an execution belongs to: what trades at night or on a holiday belongs to the next."""
    day = timezone.localdate(executed_at)
    return day if is_session(day) else next_session(day)


def _report(fill: Fill, kind: Execution.Kind, *, no_fees: bool) -> Report:
    return Report(
        exec_id=fill.exec_id,
        kind=kind,
        quantity=abs(fill.quantity),
        price=fill.price,
        executed_at=fill.executed_at,
        trade_on=trade_day(fill.executed_at),
        settle_on=fill.settle_on,
        ref_exec_id=fill.previous_exec_id or "",
        fees=Decimal(0) if no_fees else None,
        gross=fill.gross,
    )


def _reason(message: Mapping[str, Any]) -> str:
    """The custodian's own sentence, where it gives one."""
    for name in ("reason", "reject_reason", "message"):
        if isinstance(message.get(name), str):
            return str(message[name])
    return ""
