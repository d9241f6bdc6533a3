"""Booking lots fast and exactly: what `lots.relieve` and `lots.remaining` give, one purchase or sale at a time.

Everything is in integers: shares in millionths, dollars in millionths. Lots wait in a queue that is in the order of the
method already, so a sale looks at the lots it takes and at no others. Orders that depend on the price of a sale
(MIN_TAX, LEAST_TAX) do so only between long-term and short-term lots: within one term they are orders of cost per
share, so there is a queue for each term and a sale goes along both.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from rebalancer.engine.lot_orders import LONG_FIRST, MOST_SHARES, OpenLot, Prices, in_one_unit, orders_of
from rebalancer.engine.lot_queue import LotQueue
from rebalancer.engine.lots import Lot, NotEnoughShares, Pick, Rates, Relief, Term, first_long_term_on
from rebalancer.engine.money import from_micros, minus, portion, times, to_micros


class OutOfOrder(ValueError):
    """A sale before the day of an earlier one: lots are booked in order of time."""


class Taken(NamedTuple):
    """What one lot gives to a sale: micro-shares and micro-dollars."""

    lot_id: str
    quantity: int
    cost_basis: int
    long: bool


class Calendar:
    """Lots by the day on which something happens to them; a day is gone through once."""

    __slots__ = ("_days", "_lots")

    def __init__(self) -> None:
        self._days: list[int] = []
        self._lots: dict[int, list[OpenLot]] = {}

    def add(self, day: int, lot: OpenLot) -> None:
        lots = self._lots.get(day)
        if lots is None:
            self._lots[day] = lots = []
            heapq.heappush(self._days, day)
        lots.append(lot)

    def until(self, day: int) -> Iterator[OpenLot]:
        """The lots of all days up to and with this one, which are forgotten."""
        while self._days and self._days[0] <= day:
            yield from self._lots.pop(heapq.heappop(self._days))


class Booker:
    """The lots of one position, bought and sold in order of time.

    :param rates: for LEAST_TAX
    :raises ValueError: for LEAST_TAX without rates
    """

    def __init__(self, by: Relief, rates: Rates | None = None) -> None:
        if by is Relief.LEAST_TAX and rates is None:
            raise ValueError("The least tax can only be found at given tax rates.")
        self.lots: dict[str, OpenLot] = {}
        self.quantity = 0
        self._named = by is Relief.SPECIFIC
        self._long_first = LONG_FIRST.get(by)
        self._short_rate, self._long_rate = in_one_unit(rates) if rates else (0, 0)
        self._short, self._long = map(LotQueue, orders_of(by, self._short_rate, self._long_rate))
        self._today = 0
        self._moved = 0
        self._coming, self._maturing = Calendar(), Calendar()

    def buy(self, lot_id: str, acquired_on: date, quantity: int, cost_basis: int, *, inherited: bool = False) -> None:
        """Shares in millionths, their whole cost in micro-dollars; no sale of an earlier day takes them.

        :raises ValueError: when the lot is there already, holds nothing or too much, or costs less than nothing
        """
        if lot_id in self.lots or not 0 < quantity < MOST_SHARES or cost_basis < 0:
            raise ValueError(f"Lot {lot_id} cannot be booked with {quantity} micro-shares at {cost_basis}.")
        since = acquired_on.toordinal()
        lot = OpenLot(lot_id, since, 0 if inherited else _long_from(acquired_on), quantity, cost_basis)
        self.lots[lot_id] = lot
        if since > self._today:
            self._coming.add(since, lot)
        else:
            self._place(lot)

    def sell(
        self, quantity: int, price: int, sold_on: date, *, specific: Sequence[tuple[str, int]] = ()
    ) -> list[Taken]:
        """The lots that a sale takes, in the order taken; a sale that is refused takes nothing.

        :param price: micro-dollars a share
        :param specific: (lot, micro-shares) for SPECIFIC; what is left open falls to the earliest lots
        :raises NotEnoughShares: when the lots, or a named lot, do not hold as much
        :raises OutOfOrder: when the day is before that of an earlier sale
        :raises ValueError: when quantity is not positive, price is negative, or a named lot is unknown
        """
        if quantity <= 0 or price < 0:
            raise ValueError(f"A sale needs a positive quantity and no negative price, not {quantity} at {price}.")
        day = sold_on.toordinal()
        if day != self._today:
            self._turn_to(day)
        if quantity > self.quantity:
            raise NotEnoughShares(f"The lots hold {self.quantity} micro-shares, not {quantity}.")
        if self._named:
            return self._sell_named(quantity, specific)
        if self._long_first is None:
            return self._sell_heads(quantity)
        return self._sell_by_term(quantity, Prices(price, self._short_rate, self._long_rate))

    def _place(self, lot: OpenLot) -> None:
        self.quantity += lot.quantity
        if self._long_first is None or lot.long_from > self._today:
            self._short.add(lot)
            if self._long_first:
                self._maturing.add(lot.long_from, lot)
        else:
            self._long.add(lot)

    def _turn_to(self, day: int) -> None:
        """Lots of the days until then are there, and those held long enough have moved to the other queue."""
        if day < self._today:
            raise OutOfOrder(f"A sale of {date.fromordinal(day)} comes after one of {date.fromordinal(self._today)}.")
        self._today = day
        for lot in self._coming.until(day):
            self._place(lot)
        for lot in self._maturing.until(day):
            if lot.quantity:
                self._long.add(lot)
                self._moved += 1
        if 2 * self._moved > len(self._short):
            self._short.keep(lambda lot: lot.long_from > day)
            self._moved = 0

    def _sell_heads(self, quantity: int) -> list[Taken]:
        """From the head of one queue, lot after lot."""
        taken = []
        while quantity and (lot := self._short.head()):
            taken.append(self._from_head(self._short, lot, quantity))
            quantity -= taken[-1].quantity
        return taken

    def _sell_by_term(self, quantity: int, at: Prices) -> list[Taken]:
        """Along both queues, whichever head goes first."""
        taken = []
        while quantity:
            short, long = self._head_of_short(), self._long.head()
            if long and (short is None or (self._long_first and self._long_first(short, long, at))):
                taken.append(self._from_head(self._long, long, quantity))
            elif short:
                taken.append(self._from_head(self._short, short, quantity))
            quantity -= taken[-1].quantity
        return taken

    def _head_of_short(self) -> OpenLot | None:
        """Lots that have moved to the other queue are dropped here only when they come to the head."""
        while (lot := self._short.head()) and lot.long_from <= self._today:
            self._short.drop_head()
        return lot

    def _from_head(self, queue: LotQueue, lot: OpenLot, quantity: int) -> Taken:
        """A part that is left is put in its place again: rounding may have moved its cost per share."""
        if lot.quantity <= quantity:
            queue.drop_head()
            return self._take(lot, lot.quantity)
        taken = self._take(lot, quantity)
        queue.moved_head()
        return taken

    def _sell_named(self, quantity: int, specific: Sequence[tuple[str, int]]) -> list[Taken]:
        named: dict[str, int] = {}
        for lot_id, wanted in specific:
            lot = self.lots.get(lot_id)
            if lot is None or lot.since > self._today:
                raise ValueError(f"There is no lot {lot_id} to sell from.")
            named[lot_id] = named.get(lot_id, 0) + wanted
            if wanted <= 0 or named[lot_id] > lot.quantity:
                raise NotEnoughShares(f"Lot {lot_id} holds {lot.quantity} micro-shares, not {named[lot_id]}.")
        identified = sum(named.values())
        if identified > quantity:
            raise ValueError(f"Lots were named for {identified} micro-shares, but {quantity} are sold.")
        self._add_earliest(named, quantity - identified)
        return [self._take(self.lots[lot_id], taken) for lot_id, taken in named.items()]

    def _add_earliest(self, named: dict[str, int], quantity: int) -> None:
        """Name the earliest lots for the rest; lots that will be sold entirely leave the heap."""
        while quantity and (lot := self._short.head()):
            free = lot.quantity - named.get(lot.lot_id, 0)
            if free <= quantity:
                self._short.drop_head()
            if free := min(free, quantity):
                named[lot.lot_id] = named.get(lot.lot_id, 0) + free
                quantity -= free

    def _take(self, lot: OpenLot, quantity: int) -> Taken:
        cost = lot.cost if quantity == lot.quantity else portion(lot.cost, quantity, lot.quantity)
        lot.quantity -= quantity
        lot.cost -= cost
        self.quantity -= quantity
        if not lot.quantity:
            del self.lots[lot.lot_id]
        return Taken(lot.lot_id, quantity, cost, lot.long_from <= self._today)


def as_pick(taken: Taken, price: int) -> Pick:
    """In dollars and shares, with proceeds and gain at a price in micro-dollars."""
    quantity, cost_basis = from_micros(taken.quantity), from_micros(taken.cost_basis)
    proceeds = times(quantity, from_micros(price))
    gain = minus(proceeds, cost_basis)
    return Pick(taken.lot_id, quantity, proceeds, cost_basis, gain, Term.LONG if taken.long else Term.SHORT)


def book(lots: Iterable[Lot], by: Relief, rates: Rates | None = None) -> Booker:
    """A booker that holds these lots.

    :raises InexactAmount: when a lot has more than six decimals
    """
    booker = Booker(by, rates)
    for lot in lots:
        quantity, cost_basis = to_micros(lot.quantity), to_micros(lot.cost_basis)
        booker.buy(lot.lot_id, lot.acquired_on, quantity, cost_basis, inherited=lot.inherited)
    return booker


@lru_cache(maxsize=4096)
def _long_from(acquired_on: date) -> int:
    return first_long_term_on(acquired_on).toordinal()
