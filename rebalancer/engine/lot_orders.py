"""In which order a method takes lots, in integers that compare exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rebalancer.engine.lots import Rates, Relief
from rebalancer.engine.money import MICRO

SHIFT = 128
MOST_SHARES = 2 ** (SHIFT // 2)
"""Costs per share are compared exactly by their whole part after a shift: two that differ, differ by more than
1 / MOST_SHARES**2."""


class OpenLot:
    """A lot while it is held; `since` and `long_from` are days by number, `quantity` 0 when it is sold."""

    __slots__ = ("cost", "long_from", "lot_id", "quantity", "since")

    def __init__(self, lot_id: str, since: int, long_from: int, quantity: int, cost: int) -> None:
        self.lot_id, self.since, self.long_from = lot_id, since, long_from
        self.quantity, self.cost = quantity, cost


class Prices(NamedTuple):
    """What the choice between two terms looks at: micro-dollars a share, and tax rates in a common unit."""

    price: int
    short_rate: int
    long_rate: int


def dearest(lot: OpenLot) -> int:
    return -((lot.cost << SHIFT) // lot.quantity)


def cheapest(lot: OpenLot) -> int:
    return (lot.cost << SHIFT) // lot.quantity


def oldest(lot: OpenLot) -> int:
    return lot.since


def newest(lot: OpenLot) -> int:
    return -lot.since


def indifferent(_lot: OpenLot) -> int:
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


LONG_FIRST: Mapping[Relief, Callable[[OpenLot, OpenLot, Prices], bool]] = {
    Relief.MIN_TAX: by_category,
    Relief.LEAST_TAX: by_tax,
}


def orders_of(by: Relief, *rates: int) -> tuple[Callable[[OpenLot], int], Callable[[OpenLot], int]]:
    """The orders of short-term and of long-term lots: dearest first pays least, unless the rate is zero or less."""
    if by is not Relief.LEAST_TAX:
        return ORDERS[by], ORDERS[by]
    short, long = (dearest if rate > 0 else cheapest if rate < 0 else indifferent for rate in rates)
    return short, long


def in_one_unit(rates: Rates) -> tuple[int, int]:
    """Whole numbers in the proportion of the rates."""
    (short, of_short), (long, of_long) = rates.short.as_integer_ratio(), rates.long.as_integer_ratio()
    return short * of_long, long * of_short
