"""Lots as the file lists them, account by account, gathered in columns: there are too many of them for objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import LotTable, Positions
from rebalancer.engine.money import MICRO
from rebalancer.engine.portable.fields import LARGEST, BadPortableBook, Source, shown

MOST = LARGEST * MICRO


class Lot(NamedTuple):
    """Place of the security, name, age in days, micro-shares, and the micro-dollars of the whole lot."""

    security: int
    lot_id: str
    age: int
    quantity: int
    basis: int


@dataclass(slots=True)
class Holdings:
    """Positions and lots of the accounts added so far, as columns."""

    as_of: date
    places: Mapping[str, int]
    """Of the securities, by symbol."""
    position_counts: list[int] = field(default_factory=list)
    securities: list[int] = field(default_factory=list)
    no_buy: list[bool] = field(default_factory=list)
    no_sell: list[bool] = field(default_factory=list)
    lot_counts: list[int] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)

    def add(self, source: Source) -> None:
        """Take in one account's `lots`, `no_buy` and `no_sell`.

        :raises BadPortableBook: for a lot that is no lot, or stands there twice
        """
        by_security: dict[int, list[Lot]] = {}
        seen: set[str] = set()
        for place, item in enumerate(source.items("lots")):
            lot = self._lot(item, source, place)
            if lot.lot_id in seen:
                raise BadPortableBook(f"{source.where}: lots[{place}].id {shown(lot.lot_id)} stands there twice.")
            seen.add(lot.lot_id)
            by_security.setdefault(lot.security, []).append(lot)
        no_buy, no_sell = (self._barred(source, name) for name in ("no_buy", "no_sell"))
        for security in [*no_buy, *no_sell]:
            by_security.setdefault(security, [])
        self.position_counts.append(len(by_security))
        for security, lots in by_security.items():
            self.securities.append(security)
            self.no_buy.append(security in no_buy)
            self.no_sell.append(security in no_sell)
            self.lot_counts.append(len(lots))
            self.lots += lots

    def tables(self) -> tuple[Positions, LotTable]:
        """What `Book` is made of. All lots are there, with their basis."""
        quantity = np.array([lot.quantity for lot in self.lots], dtype=np.int64)
        offsets = np.array([0, *accumulate(self.lot_counts)], dtype=np.int64)
        counted = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(quantity)])
        rows = len(self.securities)
        positions = Positions(
            offsets=np.array([0, *accumulate(self.position_counts)], dtype=np.int64),
            security=np.array(self.securities, dtype=np.int64),
            quantity=counted[offsets[1:]] - counted[offsets[:-1]],
            no_buy=np.array(self.no_buy, dtype=bool),
            no_sell=np.array(self.no_sell, dtype=bool),
            hold=np.zeros(rows, dtype=bool),
            basis_known=np.ones(rows, dtype=bool),
            lots_missing=np.zeros(rows, dtype=bool),
        )
        ages = np.array([lot.age for lot in self.lots], dtype="timedelta64[D]")
        lots = LotTable(
            offsets=offsets,
            lot_id=tuple(lot.lot_id for lot in self.lots),
            acquired_on=np.datetime64(self.as_of, "D") - ages,
            quantity=quantity,
            cost_basis=np.array([lot.basis for lot in self.lots], dtype=np.int64),
            inherited=np.zeros(len(self.lots), dtype=bool),
        )
        return positions, lots

    def _barred(self, source: Source, name: str) -> set[int]:
        return {self.places[symbol] for symbol in source.symbols(name, self.places)}

    def _lot(self, item: Any, source: Source, place: int) -> Lot:
        """Quickly where nothing is unusual; else field by field, to say what is wrong."""
        try:
            lot_id, age = item["id"], item["age"]
            quantity, basis = micros(item["qty"]), micros(item["basis"])
            if type(lot_id) is str and lot_id and type(age) is int and 0 <= age <= self._oldest and quantity:
                return Lot(self.places[item["symbol"]], lot_id, age, quantity, _times(quantity, basis))
        except (KeyError, TypeError, ValueError, ArithmeticError):
            pass
        return self._lot_by_field(Source(item, f"{source.where}: lots[{place}]"))

    def _lot_by_field(self, source: Source) -> Lot:
        age, quantity = source.whole("age") if "age" in source else source.field("age"), source.positive("qty")
        if age > self._oldest:
            raise source.complain("age", "a whole number of days")
        basis = money.to_micros(source.number("basis"))
        symbol = source.text("symbol")
        if symbol not in self.places:
            raise BadPortableBook(f"{source.where}.symbol is {shown(symbol)}, which has no price.")
        in_micros = money.to_micros(quantity)
        return Lot(self.places[symbol], source.text("id"), age, in_micros, _times(in_micros, basis))

    @property
    def _oldest(self) -> int:
        return (self.as_of - date.min).days


def micros(value: Any) -> int:
    """Millionths of a number as it was read.

    :raises ValueError: for what is no number from 0 to `LARGEST`
    :raises ArithmeticError: for a number of more than six decimals
    """
    if type(value) is Decimal:
        scaled = value.scaleb(6, money.EXACT)
        found = int(scaled)
        if found != scaled:
            raise ArithmeticError("A number has more than six decimals.")
    elif type(value) is int:
        found = value * MICRO
    else:
        raise ValueError("Not a number.")
    if not 0 <= found <= MOST:
        raise ValueError("Not a number that an amount can have.")
    return found


def _times(quantity: int, basis: int) -> int:
    """Micro-shares at micro-dollars a share, in micro-dollars, halves to even."""
    whole, rest = divmod(quantity, MICRO)
    return money.portion(basis, quantity, MICRO) if rest else whole * basis
