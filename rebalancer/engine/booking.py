"""Booking lots fast and exactly: what `lots.relieve` and `lots.remaining` give, one purchase or sale at a time.

Everything is in integers: shares in millionths, dollars in millionths. Lots wait in heaps that are in the order of the
method already, so a sale costs what it takes, times the logarithm of the lots, and never a look at all of them. Orders
that depend on the price of a sale (MIN_TAX, LEAST_TAX) do so only between long-term and short-term lots: within one
term they are orders of cost per share, so there is a heap for each term and a sale goes along both.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from rebalancer.engine.lots import Lot, NotEnoughShares, Pick, Rates, Relief, Term, first_long_term_on
from rebalancer.engine.money import MICRO, from_micros, minus, portion, times, to_micros

SHIFT = 128
MOST_SHARES = 2 ** (SHIFT // 2)
"""Costs per share are compared exactly by their whole part after a shift: two that differ, differ by more than
1 / MOST_SHARES**2."""


class OutOfOrder(ValueError):
    """A sale before the day of an earlier one: lots are booked in order of time."""


class Taken(NamedTuple):
    """What one lot gives to a sale: micro-shares and micro-dollars."""

    lot_id: str
    quantity: int
    cost_basis: int
    long: bool


class OpenLot:
    """A lot while it is held; `since` and `long_from` are days by number, `quantity` 0 when it is sold."""

    __slots__ = ("cost", "long_from", "lot_id", "quantity", "since")

    def __init__(self, lot_id: str, since: int, long_from: int, quantity: int, cost: int) -> None:
        self.lot_id, self.since, self.long_from = lot_id, since, long_from
        self.quantity, self.cost = quantity, cost


Heap = list[tuple[int, int, str, OpenLot]]
"""In order of the method's key, then of the older lot, then of the name."""


class Prices(NamedTuple):
    """What the choice between two terms looks at: micro-dollars a share, and tax rates in a common unit."""

    price: int
    short_rate: int
    long_rate: int


def per_share(lot: OpenLot) -> int:
    """Cost per share, for comparing only."""
    return (lot.cost << SHIFT) // lot.quantity


def dearest(lot: OpenLot) -> int:
    return -per_share(lot)


def cheapest(lot: OpenLot) -> int:
    return per_share(lot)


def oldest(lot: OpenLot) -> int:
    return lot.since


def newest(lot: OpenLot) -> int:
    return -lot.since


def none_first(_lot: OpenLot) -> int:
    """No cost is better than another: age decides."""
    return 0


ORDERS: Mapping[Relief, Callable[[OpenLot], int]] = {
    Relief.FIFO: oldest,
    Relief.LIFO: newest,
    Relief.HIFO: dearest,
    Relief.LOFO: cheapest,
    Relief.SPECIFIC: oldest,
    Relief.MIN_TAX: dearest,
}
"""The order within a heap; LEAST_TAX follows the sign of the rate of each term."""


def by_category(short: OpenLot, long: OpenLot, at: Prices) -> bool:
    """Does the long-term lot go first, by the published MinTax order? Both are the dearest of their term."""
    return _category(long, at.price, long=True) < _category(short, at.price, long=False)


def by_tax(short: OpenLot, long: OpenLot, at: Prices) -> bool:
    """Does the long-term lot pay less tax per share? The older goes first where they pay the same."""
    of_short = (at.price * short.quantity - short.cost * MICRO) * at.short_rate * long.quantity
    of_long = (at.price * long.quantity - long.cost * MICRO) * at.long_rate * short.quantity
    return of_long < of_short or (of_long == of_short and (long.since, long.lot_id) < (short.since, short.lot_id))


def _category(lot: OpenLot, price: int, *, long: bool) -> int:
    """Losses short then long, zero short then long, gains long then short; see `lots.min_tax_category`."""
    gain = price * lot.quantity - lot.cost * MICRO
    if gain < 0:
        return 1 if long else 0
    if gain == 0:
        return 3 if long else 2
    return 4 if long else 5


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
        self._short_rate, self._long_rate = _in_one_unit(rates) if rates else (0, 0)
        self._short_order, self._long_order = _orders(by, self._short_rate, self._long_rate)
        self._short: Heap = []
        self._long: Heap = []
        self._today = 0
        self._coming: list[tuple[int, str, OpenLot]] = []
        self._maturing: list[tuple[int, str, OpenLot]] = []

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
            heapq.heappush(self._coming, (since, lot_id, lot))
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
            heapq.heappush(self._short, (self._short_order(lot), lot.since, lot.lot_id, lot))
            if self._long_first:
                heapq.heappush(self._maturing, (lot.long_from, lot.lot_id, lot))
        else:
            heapq.heappush(self._long, (self._long_order(lot), lot.since, lot.lot_id, lot))

    def _turn_to(self, day: int) -> None:
        """Lots of the days until then are there, and those held long enough have moved to the other heap."""
        if day < self._today:
            raise OutOfOrder(f"A sale of {date.fromordinal(day)} comes after one of {date.fromordinal(self._today)}.")
        self._today = day
        while self._coming and self._coming[0][0] <= day:
            self._place(heapq.heappop(self._coming)[2])
        while self._maturing and self._maturing[0][0] <= day:
            lot = heapq.heappop(self._maturing)[2]
            if lot.quantity:
                heapq.heappush(self._long, (self._long_order(lot), lot.since, lot.lot_id, lot))

    def _sell_heads(self, quantity: int) -> list[Taken]:
        """From the head of one heap, lot after lot."""
        taken = []
        while quantity:
            lot = self._short[0][3]
            taken.append(self._from_head(self._short, self._short_order, lot, quantity))
            quantity -= taken[-1].quantity
        return taken

    def _sell_by_term(self, quantity: int, at: Prices) -> list[Taken]:
        """Along both heaps, whichever head goes first."""
        taken = []
        while quantity:
            short, long = self._head_of_short(), self._long[0][3] if self._long else None
            if short is None or (long is not None and self._long_first and self._long_first(short, long, at)):
                taken.append(self._from_head(self._long, self._long_order, self._long[0][3], quantity))
            else:
                taken.append(self._from_head(self._short, self._short_order, short, quantity))
            quantity -= taken[-1].quantity
        return taken

    def _head_of_short(self) -> OpenLot | None:
        """Lots that have moved to the other heap are dropped here only when they come to the head."""
        while self._short and self._short[0][3].long_from <= self._today:
            heapq.heappop(self._short)
        return self._short[0][3] if self._short else None

    def _from_head(self, heap: Heap, order: Callable[[OpenLot], int], lot: OpenLot, quantity: int) -> Taken:
        """A lot that is not sold entirely is put in its place again, since its cost per share may be rounded."""
        if lot.quantity <= quantity:
            heapq.heappop(heap)
            return self._take(lot, lot.quantity)
        taken = self._take(lot, quantity)
        heapq.heapreplace(heap, (order(lot), lot.since, lot.lot_id, lot))
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
        while quantity:
            lot = self._short[0][3]
            free = lot.quantity - named.get(lot.lot_id, 0)
            if free <= quantity:
                heapq.heappop(self._short)
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


LONG_FIRST: Mapping[Relief, Callable[[OpenLot, OpenLot, Prices], bool]] = {
    Relief.MIN_TAX: by_category,
    Relief.LEAST_TAX: by_tax,
}


def _orders(by: Relief, *rates: int) -> tuple[Callable[[OpenLot], int], Callable[[OpenLot], int]]:
    """The orders of short-term and of long-term lots: dearest first pays least, unless the rate is zero or less."""
    if by is not Relief.LEAST_TAX:
        return ORDERS[by], ORDERS[by]
    short, long = (dearest if rate > 0 else cheapest if rate < 0 else none_first for rate in rates)
    return short, long


def _in_one_unit(rates: Rates) -> tuple[int, int]:
    """Whole numbers in the proportion of the rates."""
    (short, of_short), (long, of_long) = rates.short.as_integer_ratio(), rates.long.as_integer_ratio()
    return short * of_long, long * of_short


@lru_cache(maxsize=4096)
def _long_from(acquired_on: date) -> int:
    return first_long_term_on(acquired_on).toordinal()
