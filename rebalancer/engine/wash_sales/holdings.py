"""Lots while sales are matched: integers of millionths, split where shares are matched or sold."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from rebalancer.engine.lots import NotEnoughShares
from rebalancer.engine.money import from_micros, portion, to_micros
from rebalancer.engine.wash_sales.records import OpenLot, Purchase, Sale

Moment = tuple[date, int]
"""A day, and the place within it where that is known."""


@dataclass(slots=True)
class Part:
    """Shares with one basis and one date; `replaces` names the lot whose loss the basis took, if any."""

    quantity: int
    basis: int
    acquired_on: date
    replaces: str = ""

    def split(self, quantity: int) -> Part:
        """Take shares out, with their share of the basis."""
        basis = portion(self.basis, quantity, self.quantity)
        self.quantity -= quantity
        self.basis -= basis
        return Part(quantity, basis, self.acquired_on, self.replaces)


@dataclass(slots=True)
class Holding:
    """A lot: shares that can still replace others (`fresh`), and those that have (`matched`, earliest date first)."""

    purchase: Purchase
    fresh: Part
    matched: list[tuple[date, int, Part]] = field(default_factory=list)
    matched_quantity: int = 0
    serial: int = 0

    @classmethod
    def of(cls, purchase: Purchase) -> Holding:
        since = purchase.held_since or purchase.bought_on
        return cls(purchase, Part(to_micros(purchase.quantity), to_micros(purchase.cost), since))

    @property
    def moment(self) -> Moment:
        return self.purchase.bought_on, self.purchase.sequence

    @property
    def quantity(self) -> int:
        return self.fresh.quantity + self.matched_quantity

    def absorb(self, quantity: int, loss: int, sold: Part, sold_on: date, lot_id: str) -> None:
        """Fresh shares take a loss into their basis and the holding period of the shares sold (IRC 1223(3))."""
        part = self.fresh.split(quantity)
        part.basis += loss
        part.acquired_on -= timedelta(days=(sold_on - sold.acquired_on).days)
        part.replaces = lot_id
        self._keep(part)

    def spend(self, quantity: int) -> None:
        """Fresh shares replace others without taking their loss."""
        self._keep(self.fresh.split(quantity))

    def sell(self, quantity: int) -> Iterator[Part]:
        """Shares leave: those with the earliest dates first.

        :raises NotEnoughShares: when the lot does not hold as much
        """
        if quantity > self.quantity:
            held, wanted = from_micros(self.quantity), from_micros(quantity)
            raise NotEnoughShares(f"Lot {self.purchase.lot_id} holds {held} shares, not {wanted}.")
        while quantity:
            part = self.matched[0][2] if self.matched else self.fresh
            taken = part.split(min(quantity, part.quantity))
            if self.matched:
                self.matched_quantity -= taken.quantity
                if not part.quantity:
                    heapq.heappop(self.matched)
            quantity -= taken.quantity
            yield taken

    def open_lots(self) -> Iterator[OpenLot]:
        parts = [part for *_, part in sorted(self.matched, key=lambda entry: entry[:2])]
        for part in (*parts, self.fresh):
            if part.quantity:
                quantity, basis = from_micros(part.quantity), from_micros(part.basis)
                yield OpenLot(self.purchase.lot_id, quantity, basis, part.acquired_on, part.replaces)

    def _keep(self, part: Part) -> None:
        self.serial += 1
        self.matched_quantity += part.quantity
        heapq.heappush(self.matched, (part.acquired_on, self.serial, part))


@dataclass(frozen=True, slots=True)
class Leg:
    """What one sale takes from one lot; `proceeds` in micro-dollars."""

    sale: Sale
    holding: Holding
    quantity: int
    proceeds: int

    @property
    def moment(self) -> Moment:
        return self.sale.sold_on, self.sale.sequence


def legs_of(sale: Sale, holdings: dict[str, Holding]) -> Iterator[Leg]:
    """The proceeds are shared by quantity and lose nothing.

    :raises ValueError: when a lot is unknown or was bought after the sale
    """
    quantities = [to_micros(quantity) for _, quantity in sale.lots]
    proceeds, whole = to_micros(sale.proceeds), sum(quantities)
    given = sold = 0
    for (lot_id, _), quantity in zip(sale.lots, quantities, strict=True):
        sold += quantity
        upto = portion(proceeds, sold, whole)
        yield Leg(sale, _holding(sale, lot_id, holdings), quantity, upto - given)
        given = upto


def _holding(sale: Sale, lot_id: str, holdings: dict[str, Holding]) -> Holding:
    holding = holdings.get(lot_id)
    if holding is None:
        raise ValueError(f"Sale {sale.sale_id} takes shares from lot {lot_id}, which is not known.")
    if holding.moment > (sale.sold_on, sale.sequence):
        raise ValueError(f"Sale {sale.sale_id} takes shares from lot {lot_id} before they were bought.")
    return holding
