"""Orders as custodians fetch them, and what custodians say of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rebalancer.engine.money import ZERO
from trading.api.serializers.fields import (
    Day,
    Fee,
    Identifier,
    Incoming,
    Line,
    Moment,
    Number,
    OrderId,
    Outgoing,
    Price,
    Sentence,
    SharesHeld,
    Timestamp,
)
from trading.services.custodian_api.executions import Told, told_of
from trading.services.custodian_api.orders import News, news_of

MAX_EXECUTIONS = 1000
State = Literal[
    "released",
    "leased",
    "unknown",
    "acknowledged",
    "working",
    "partially_filled",
    "filled",
    "canceled",
    "expired",
    "replaced",
    "rejected",
]


class NamedLotOut(Outgoing):
    """A lot that a sale names: identification travels with the order."""

    custodian_lot_id: str
    quantity: Number
    open_date: date


class OrderOut(Outgoing):
    """An order. `version` is its ETag; prices are in dollars a share."""

    id: str
    custodian_order_id: str | None
    account: str
    symbol: str
    cusip: str | None
    side: Literal["buy", "sell"]
    quantity: Number
    order_type: Literal["market", "limit"]
    limit_price: Number | None
    time_in_force: Literal["day"]
    state: State
    reason: str | None
    cum_quantity: Number
    average_price: Number | None
    cancel_requested: bool
    lease_expires_at: Timestamp | None
    lots: list[NamedLotOut]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class OrderPageOut(Outgoing):
    data: list[OrderOut]
    next_cursor: str | None
    has_more: bool


class ClaimOut(Outgoing):
    """The orders that are leased to the caller now."""

    data: list[OrderOut]


class EventOut(Outgoing):
    result: Literal["created", "unchanged"]
    order: OrderOut


class OrderQuery(Incoming):
    state: State | None = None
    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000, strict=False)] = 100


class NoQuery(Incoming):
    pass


class ClaimIn(Incoming):
    max: Annotated[int, Field(ge=1, le=1000)] = 100
    lease_seconds: Annotated[int, Field(ge=5, le=3600)] = 60


class AckIn(Incoming):
    custodian_order_id: Identifier


class RejectIn(Incoming):
    code: Annotated[str, Field(pattern=r"^[0-9A-Za-z_.-]{1,40}$")]
    text: Sentence


class EventIn(Incoming):
    """What happened to an order. `event_id` is the custodian's, the same for a repeat."""

    event_id: Identifier
    type: Literal["working", "done_for_day", "canceled", "expired", "cancel_rejected"]
    occurred_at: Moment
    cum_quantity: SharesHeld | None = None
    custodian_order_id: Identifier | None = None
    reason: Line = ""

    def news(self) -> News:
        return news_of(
            event_id=self.event_id,
            word=self.type,
            occurred_at=self.occurred_at,
            cum_quantity=self.cum_quantity,
            custodian_order_id=self.custodian_order_id or "",
            reason=self.reason,
        )


class FeeIn(Incoming):
    kind: Annotated[str, Field(pattern=r"^[0-9A-Za-z_ -]{1,24}$")]
    amount: Fee


class ExecutionIn(Incoming):
    """A fill, or what corrects or busts one; those name it in `ref_exec_id`, and a bust has no price or quantity.

    `exec_id` is unique within a `trade_date`. Without `fees` we reckon the regulatory ones of a sale.
    """

    exec_id: Identifier
    order_id: OrderId | None = None
    custodian_order_id: Identifier | None = None
    type: Literal["new", "correct", "bust"]
    ref_exec_id: Identifier | None = None
    quantity: SharesHeld | None = None
    price: Price | None = None
    side: Literal["buy", "sell"]
    trade_date: Day
    settle_date: Day | None = None
    executed_at: Moment
    fees: Annotated[list[FeeIn], Field(max_length=20)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.order_id is None and self.custodian_order_id is None:
            raise ValueError("An execution names its order: order_id or custodian_order_id")
        if (self.type == "new") != (self.ref_exec_id is None):
            raise ValueError("A correction or a bust names what it is about in ref_exec_id, and nothing else does")
        if self.type != "bust" and not (self.quantity and self.price):
            raise ValueError("A fill or a correction has a quantity of more than zero and a price")
        if self.trade_date.year < 2000:
            raise ValueError("Trading days are known from 2000 on")
        return self

    def told(self) -> Told:
        return told_of(
            exec_id=self.exec_id,
            order_id=self.order_id or "",
            custodian_order_id=self.custodian_order_id or "",
            word=self.type,
            ref_exec_id=self.ref_exec_id or "",
            quantity=self.quantity or ZERO,
            price=self.price or ZERO,
            side=self.side,
            trade_on=self.trade_date,
            settle_on=self.settle_date,
            executed_at=self.executed_at,
            fees=None if self.fees is None else sum((fee.amount for fee in self.fees), ZERO),
        )


class ExecutionsIn(Incoming):
    executions: Annotated[list[ExecutionIn], Field(min_length=1, max_length=MAX_EXECUTIONS)]


class ExecutionOut(Outgoing):
    exec_id: str
    order_id: str
    result: Literal["created", "unchanged"]


class ExecutionsOut(Outgoing):
    data: list[ExecutionOut]
