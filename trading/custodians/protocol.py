"""What every custodian adapter promises: a closed set of outcomes, exact numbers, and capability flags.

An outcome says what is *known*. Only a definitive answer is a refusal; whenever the request may have reached the
custodian and the answer did not come back, the outcome is `Ambiguous` and the order has to be looked up.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, Self

MAX_CLIENT_ORDER_ID = 128
ACCOUNT_IDS = uuid.UUID("5f0a1f2e-6b9c-4c57-9a35-0b8f0f0d7a11")


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderKind(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    DAY = "DAY"


class Scope(StrEnum):
    """Within what a client order id has to be unique."""

    ACCOUNT = "ACCOUNT"
    CREDENTIAL = "CREDENTIAL"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; the pipeline asks here instead of asking which adapter it is."""

    client_id_lookup: bool
    client_id_scope: Scope
    replay_cursor: bool
    notional: bool
    fractional_tif: frozenset[TimeInForce]
    lots_on_order: bool
    blocks: bool
    allocations: bool
    human_release: bool


class InvalidRequest(ValueError):
    """An order that must not be sent to anybody."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it goes to the custodian; `account` is the custodian's id of the account.

    :raises InvalidRequest: if it names both or neither of quantity and notional, a number that is not positive, a
        limit order without a price or a market order with one, or a client order id that cannot travel
    """

    account: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal | None = None
    notional: Decimal | None = None
    kind: OrderKind = OrderKind.MARKET
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY

    def __post_init__(self) -> None:
        if (self.quantity is None) == (self.notional is None):
            raise InvalidRequest("An order names either a quantity or a notional amount.")
        for name in ("quantity", "notional", "limit_price"):
            number = getattr(self, name)
            if number is not None and not (number.is_finite() and number > 0):
                raise InvalidRequest(f"The order's {name} must be positive, not {number}.")
        if (self.kind is OrderKind.LIMIT) != (self.limit_price is not None):
            raise InvalidRequest("A limit order has a limit price, and no other order does.")
        if not self.symbol or not self.account or not 0 < len(self.client_order_id) <= MAX_CLIENT_ORDER_ID:
            raise InvalidRequest("An order names its account, its symbol and a client order id of 1 to 128 characters.")


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """The custodian's order as it stood at `updated_at`. `status` is the custodian's own word, lower case."""

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    status: str
    quantity: Decimal | None
    notional: Decimal | None
    filled_quantity: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    submitted_at: datetime | None
    updated_at: datetime | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, under the same `exec_id` on every channel. A bust or correction names the one it is about.

    `gross` are the dollars, where the custodian names them: a share of a block is not its shares times its price.
    """

    exec_id: str
    account: str
    broker_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    settle_on: date | None = None
    previous_exec_id: str | None = None
    gross: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AllocationShare:
    """What one account gets of a block: `account` is the custodian's id, the amount is in dollars."""

    account: str
    client_order_id: str
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """Who gets what of a block's order that has ended. A later revision takes the place of an earlier one."""

    broker_order_id: str
    revision: int
    average_price: Decimal
    shares: tuple[AllocationShare, ...]


@dataclass(frozen=True, slots=True)
class PositionSnapshot:
    account: str
    symbol: str
    quantity: Decimal
    available_quantity: Decimal
    cost_basis: Decimal
    market_value: Decimal


@dataclass(frozen=True, slots=True)
class Balances:
    account: str
    cash: Decimal
    buying_power: Decimal


@dataclass(frozen=True, slots=True)
class MarketClock:
    at: datetime
    is_open: bool
    next_open_at: datetime
    next_close_at: datetime


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the custodian's last answer said about the budget of requests."""

    limit: int
    remaining: int
    reset_at: datetime


class RefusalReason(StrEnum):
    AUTHENTICATION = "AUTHENTICATION"  # our credentials, not the order: nothing should be sent until they are mended
    FORBIDDEN = "FORBIDDEN"
    BUYING_POWER = "BUYING_POWER"
    QUANTITY = "QUANTITY"
    WASH_TRADE = "WASH_TRADE"
    NOT_FOUND = "NOT_FOUND"
    NOT_CANCELABLE = "NOT_CANCELABLE"
    INVALID = "INVALID"


class NotSentReason(StrEnum):
    UNREACHABLE = "UNREACHABLE"
    RATE_LIMITED = "RATE_LIMITED"


class AmbiguousReason(StrEnum):
    TIMEOUT = "TIMEOUT"
    DISCONNECTED = "DISCONNECTED"
    SERVER_ERROR = "SERVER_ERROR"
    UNREADABLE = "UNREADABLE"
    LOOKUP_FAILED = "LOOKUP_FAILED"  # the id is taken, and the order that has it could not be read
    DIFFERENT_ORDER = "DIFFERENT_ORDER"  # the id is taken by an order that is not this one: for a person to look at


@dataclass(frozen=True, slots=True)
class Accepted:
    """The custodian has the order. `adopted` when an earlier attempt had already placed it."""

    order: OrderSnapshot
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The custodian took the request; whether the order ends cancelled or filled comes as an event."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Definitive: the custodian did not do it and will not."""

    reason: RefusalReason
    code: str
    text: str
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Definitive: the custodian has not accepted it; the same request may be sent again, not before `not_before`."""

    reason: NotSentReason
    text: str
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It may have happened. Look it up by client order id; never conclude from this."""

    reason: AmbiguousReason
    text: str


@dataclass(frozen=True, slots=True)
class Allocated:
    """The custodian took the instruction; what the accounts get comes as events."""


AllocateOutcome = Allocated | Refused | NotSent | Ambiguous
SubmitOutcome = Accepted | Refused | NotSent | Ambiguous
CancelOutcome = CancelRequested | Refused | NotSent | Ambiguous


class QueryFailed(RuntimeError):
    """The custodian could not be asked, or its answer could not be read: nothing is known, least of all zero."""


@dataclass(frozen=True, slots=True)
class TradeEvent:
    """One delivery of the event stream. `event_id` is the cursor; `kind` is the custodian's word and may be new to us.

    `text` is the message exactly as it came, for the inbox's hash.
    """

    event_id: str
    account: str
    kind: str
    order: OrderSnapshot
    execution: Fill | None
    occurred_at: datetime
    payload: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The stream is alive and had nothing to say."""


class StreamEnded(RuntimeError):
    """The stream broke or fell silent: connect again from the last event applied, after a pause."""


class StreamLostData(StreamEnded):
    """The custodian says that it dropped events: replay from a cursor before them, and reconcile."""


class StreamRefused(RuntimeError):
    """The custodian will not open the stream: the credentials or the address are wrong. Waiting does not mend it."""


class Custodian(Protocol):
    """An adapter. Submits and cancels give an outcome and never raise for the network; queries raise `QueryFailed`."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def rate(self) -> RateLimit | None: ...

    def submit(self, request: OrderRequest) -> SubmitOutcome: ...

    def cancel(self, account: str, broker_order_id: str) -> CancelOutcome: ...

    def allocate(self, request: AllocationRequest) -> AllocateOutcome:
        """Share out a block; asked again, the same request changes nothing. Refused where `blocks` is not offered."""
        ...

    def find_by_client_order_id(self, account: str, client_order_id: str) -> OrderSnapshot | None: ...

    def order(self, account: str, broker_order_id: str) -> OrderSnapshot | None: ...

    def open_orders(self, account: str, since: datetime | None = None) -> list[OrderSnapshot]: ...

    def fills(self, since: datetime, account: str | None = None) -> Iterator[Fill]: ...

    def positions(self, account: str) -> list[PositionSnapshot]: ...

    def balances(self, account: str) -> Balances: ...

    def clock(self) -> MarketClock: ...

    def close(self) -> None: ...


class EventStream(Protocol):
    """The custodian's trade events, in order per account, repeats possible.

    `events` blocks, and ends only by raising `StreamEnded`, `StreamLostData` or `StreamRefused`.
    """

    def events(self, since_id: str | None = None, since: date | None = None) -> Iterator[TradeEvent | Heartbeat]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def account_id_for(account_number: str) -> str:
    """The id that the simulated custodian gives an account of this number."""
    return str(uuid.uuid5(ACCOUNT_IDS, account_number))
