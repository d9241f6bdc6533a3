"""The rows of the simulator's store as values. Decimals are exact, moments are nanoseconds since the epoch."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from rebalancer.engine.money import cents

ZERO = Decimal(0)
FILL, CORRECTION, BUST = "fill", "correct", "bust"
SHARE_STEP = Decimal("0.000001")  # the finest quantity that is executed
PENNY = Decimal("0.01")
TRADING, AVERAGE_PRICE = "TRADING", "AVERAGE_PRICE"
OPEN_STATUSES = frozenset({"accepted", "pending_new", "new", "partially_filled"})


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a key. One at the average price only passes on to others what is traded for them in a block."""

    id: str
    number: str
    key_id: str
    status: str
    cash: Decimal
    created_ns: int
    kind: str = TRADING

    @property
    def passes_on(self) -> bool:
        return self.kind == AVERAGE_PRICE

    @classmethod
    def of(cls, row: sqlite3.Row) -> Account:
        values = {name: row[name] for name in cls.__slots__}
        return cls(**values | {"cash": Decimal(values["cash"])})


@dataclass(frozen=True, slots=True)
class Position:
    symbol: str
    quantity: Decimal
    cost_basis: Decimal


@dataclass(frozen=True, slots=True)
class Asset:
    """A security and its market: the far touches, the last trade and the close of the day before.

    Its prices from a dollar on are multiples of `increment`. One `at_nav` is a mutual fund: `last` is its price, which
    it has once a day, after the close.
    """

    symbol: str
    id: str
    name: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    previous_close: Decimal
    fractionable: bool
    increment: Decimal = PENNY
    at_nav: bool = False

    @classmethod
    def of(cls, row: sqlite3.Row) -> Asset:
        return cls(
            symbol=row["symbol"],
            id=row["id"],
            name=row["name"],
            bid=Decimal(row["bid"]),
            ask=Decimal(row["ask"]),
            last=Decimal(row["last"]),
            previous_close=Decimal(row["previous_close"]),
            fractionable=bool(row["fractionable"]),
            increment=Decimal(row["increment"]),
            at_nav=bool(row["at_nav"]),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands. `hold_unit` is the price per share at which buying power (or shares) is held for it."""

    id: str
    account_id: str
    key_id: str
    client_order_id: str
    symbol: str
    asset_id: str
    side: str
    type: str
    time_in_force: str
    quantity: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    hold_unit: Decimal
    fate: str
    submitted_ns: int
    expires_ns: int
    status: str
    updated_ns: int
    filled_quantity: Decimal = ZERO
    filled_value: Decimal = ZERO
    executions: int = 0
    filled_ns: int | None = None
    canceled_ns: int | None = None
    expired_ns: int | None = None
    failed_ns: int | None = None

    @classmethod
    def of(cls, row: sqlite3.Row) -> Order:
        values = {name: row[name] for name in cls.__slots__}
        for name in ("quantity", "notional", "limit_price", "hold_unit", "filled_quantity", "filled_value"):
            values[name] = _number(values[name])
        return cls(**values)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def leaves(self) -> Decimal:
        """What is left to execute, in shares; of a dollar order, as many as the held price would buy."""
        if self.quantity is not None:
            return self.quantity - self.filled_quantity
        amount = self.notional or ZERO
        return ZERO if self.executions else (amount / self.hold_unit).quantize(SHARE_STEP, ROUND_UP)

    @property
    def held(self) -> Decimal:
        """Buying power that an open buy, or shares that an open sell, takes away from other orders."""
        if not self.is_open:
            return ZERO
        if self.side == "sell":
            return self.leaves
        return self.leaves * self.hold_unit if self.notional is None else self.notional

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_value / self.filled_quantity if self.filled_quantity else None


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill, or what was said of one later: a correction takes the place of `previous_id`, a bust takes it out.

    `gross` are the dollars of an account's share of a block, where they are not the shares times the price.
    """

    seq: int
    id: str
    order_id: str
    account_id: str
    key_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    cum_quantity: Decimal
    leaves: Decimal
    order_status: str
    at_ns: int
    kind: str = FILL
    previous_id: str = ""
    is_live: int = 1
    gross: Decimal | None = None

    @classmethod
    def of(cls, row: sqlite3.Row) -> Execution:
        values = {name: row[name] for name in cls.__slots__}
        for name in ("quantity", "price", "cum_quantity", "leaves"):
            values[name] = Decimal(values[name])
        return cls(**values | {"gross": _number(values["gross"])})

    @property
    def value(self) -> Decimal:
        """Dollars, to the cent."""
        return cents(self.quantity * self.price) if self.gross is None else self.gross


@dataclass(frozen=True, slots=True)
class Event:
    """What the streams send: `payload` is the message of the event stream, as text."""

    event_id: str
    key_id: str
    account_id: str
    symbol: str
    payload: str
