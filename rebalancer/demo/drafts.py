"""Accounts while they are made up: what each is to hold, then the lots and the cash that come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count

import numpy as np

from rebalancer.demo.book import (
    DemoAccount,
    DemoFlow,
    DemoLot,
    DemoRange,
    DemoReserve,
    DemoRestriction,
    DemoTransaction,
)
from rebalancer.demo.market import Market
from rebalancer.engine import calendars
from rebalancer.engine.money import cents, times

_FRACTIONAL_SHARE = 0.05
_MILLI = 1000


@dataclass(slots=True)
class Desk:
    """What the making of one firm shares: the market, the dice and the counters of ids."""

    market: Market
    rng: np.random.Generator
    lot_ids: count[int]
    transaction_ids: count[int]

    @property
    def as_of(self) -> date:
        return self.market.sessions[-1]

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def dollars(self, low: float, high: float, step: int = 100) -> Decimal:
        return Decimal(int(self.uniform(low, high) / step) * step)


@dataclass(slots=True)
class Draft:
    """`weights` are fractions of `value` by symbol, the rest is cash. `bought`: the sessions of a symbol's lots."""

    number: str
    custodian: str
    name: str
    registration: str
    client_id: str
    value: float
    weights: dict[str, float]
    funded: list[int]
    situation: str = ""
    bought: dict[str, list[int]] = field(default_factory=dict)
    lots: list[DemoLot] = field(default_factory=list)
    cash: Decimal = Decimal(0)
    unsettled: Decimal = Decimal(0)
    transactions: list[DemoTransaction] = field(default_factory=list)
    restrictions: list[DemoRestriction] = field(default_factory=list)
    ranges: list[DemoRange] = field(default_factory=list)
    reserves: list[DemoReserve] = field(default_factory=list)
    flows: list[DemoFlow] = field(default_factory=list)

    @property
    def is_taxable(self) -> bool:
        return self.registration in ("INDIVIDUAL", "JOINT", "TRUST")

    def finished(self) -> DemoAccount:
        return DemoAccount(
            number=self.number,
            custodian=self.custodian,
            name=self.name,
            registration=self.registration,
            client_id=self.client_id,
            cash_settled=self.cash - self.unsettled,
            cash_unsettled=self.unsettled,
            lots=tuple(self.lots),
            transactions=tuple(sorted(self.transactions, key=lambda move: (move.trade_on, move.transaction_id))),
            restrictions=tuple(self.restrictions),
            ranges=tuple(self.ranges),
            reserves=tuple(self.reserves),
            flows=tuple(self.flows),
            situations=(self.situation,) if self.situation else (),
        )


def fill(draft: Draft, desk: Desk) -> None:
    """Buy the lots that the weights ask for; what is left over is cash."""
    left = Decimal(int(draft.value))
    for symbol, weight in draft.weights.items():
        price = desk.market.price(symbol)
        for lot in _lots(draft, symbol, weight * draft.value / float(price), desk):
            draft.lots.append(lot)
            left -= times(lot.quantity, price)
    draft.cash = cents(left)


def _lots(draft: Draft, symbol: str, shares: float, desk: Desk) -> list[DemoLot]:
    """Whole shares from each date of purchase; a few positions end in a fraction from reinvested dividends."""
    dates = draft.bought.get(symbol, draft.funded)
    parts = desk.rng.dirichlet(np.full(len(dates), 2.0)) * shares
    quantities = [Decimal(int(part)) for part in parts]
    if desk.rng.random() < _FRACTIONAL_SHARE:
        quantities[-1] += Decimal(int(desk.rng.integers(1, _MILLI))).scaleb(-3)
    bought = zip(quantities, dates, strict=True)
    return [new_lot(desk, symbol, quantity, session) for quantity, session in bought if quantity]


def new_lot(desk: Desk, symbol: str, quantity: Decimal, session: int) -> DemoLot:
    basis = cents(times(quantity, desk.market.close(symbol, session)))
    return DemoLot(symbol, str(next(desk.lot_ids)), desk.market.sessions[session], quantity, basis)


def trade(
    desk: Desk,
    symbol: str,
    quantity: Decimal,
    session: int,
    *,
    short: Decimal | None = None,
    long: Decimal | None = None,
) -> DemoTransaction:
    """A purchase (positive quantity) or a sale at the close of a session, settled by the rules."""
    price, traded_on = desk.market.close(symbol, session), desk.market.sessions[session]
    return DemoTransaction(
        transaction_id=str(next(desk.transaction_ids)),
        kind="BUY" if quantity > 0 else "SELL",
        trade_on=traded_on,
        settle_on=calendars.settles_on(traded_on),
        amount=-cents(times(quantity, price)),
        symbol=symbol,
        quantity=quantity,
        price=price,
        realised_short=short,
        realised_long=long,
    )


def payment(
    desk: Desk, kind: str, session: int, amount: Decimal, *, symbol: str = "", text: str = ""
) -> DemoTransaction:
    """Money that comes or goes and is settled the same day."""
    day = desk.market.sessions[session]
    identity = str(next(desk.transaction_ids))
    return DemoTransaction(identity, kind, day, day, cents(amount), symbol=symbol, description=text)
