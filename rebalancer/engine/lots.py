"""Tax lots: holding period, and which lots a sale takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from rebalancer.engine import money


class Term(StrEnum):
    """Holding period class of a gain or loss."""

    SHORT = "SHORT"
    LONG = "LONG"


class Relief(StrEnum):
    """How a sale chooses its lots.

    MIN_TAX exhausts categories in order, whatever the tax; LEAST_TAX is the true least tax at given rates.
    """

    FIFO = "FIFO"
    LIFO = "LIFO"
    HIFO = "HIFO"
    LOFO = "LOFO"
    SPECIFIC = "SPECIFIC"
    MIN_TAX = "MIN_TAX"
    LEAST_TAX = "LEAST_TAX"


class NotEnoughShares(ValueError):
    """A sale of more than the lots hold."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Shares bought together: `cost_basis` is of the whole lot, `acquired_on` the trade date (adjusted for tacking).

    :raises ValueError: unless quantity > 0 and cost_basis >= 0, both finite
    """

    lot_id: str
    acquired_on: date
    quantity: Decimal
    cost_basis: Decimal
    inherited: bool = False

    def __post_init__(self) -> None:
        if not self.quantity.is_finite() or self.quantity <= 0:
            raise ValueError(f"Lot {self.lot_id} must hold a positive quantity, not {self.quantity}.")
        if not self.cost_basis.is_finite() or self.cost_basis < 0:
            raise ValueError(f"Lot {self.lot_id} must have a cost basis of zero or more, not {self.cost_basis}.")

    def cost_per_share(self) -> Fraction:
        return Fraction(self.cost_basis) / Fraction(self.quantity)

    def term(self, sold_on: date) -> Term:
        """Inherited shares are always long-term (IRC 1223(9))."""
        return Term.LONG if self.inherited else term(self.acquired_on, sold_on)


@dataclass(frozen=True, slots=True)
class Rates:
    """Tax rates as fractions: 0.408 is 40.8 %."""

    short: Decimal
    long: Decimal

    def of(self, held: Term) -> Decimal:
        return self.long if held is Term.LONG else self.short


@dataclass(frozen=True, slots=True)
class Pick:
    """What one lot gives to a sale; gain = proceeds - cost_basis, exactly."""

    lot_id: str
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    gain: Decimal
    term: Term


@dataclass(frozen=True, slots=True)
class Sale:
    """What the choice of lots may look at."""

    price: Fraction
    sold_on: date
    rates: Rates | None


def first_long_term_on(acquired_on: date) -> date:
    """The first trade date on which a sale is long-term.

    The period begins the day after acquisition and must be more than one year (Form 8949 instructions). Shares
    acquired on the last day of a month turn long-term on the first day of the thirteenth month (Rev. Rul. 66-7).
    """
    begins_on = acquired_on + timedelta(days=1)
    if (begins_on.month, begins_on.day) == (2, 29):
        return date(begins_on.year + 1, 3, 1)
    return begins_on.replace(year=begins_on.year + 1)


def term(acquired_on: date, sold_on: date) -> Term:
    """Trade dates on both ends.

    :raises ValueError: when the sale is before the acquisition
    """
    if sold_on < acquired_on:
        raise ValueError(f"Shares acquired on {acquired_on} cannot have been sold on {sold_on}.")
    return Term.LONG if sold_on >= first_long_term_on(acquired_on) else Term.SHORT


def _age(lot: Lot) -> tuple[date, str]:
    return lot.acquired_on, lot.lot_id


def oldest_first(lots: Iterable[Lot], _sale: Sale) -> list[Lot]:
    return sorted(lots, key=_age)


def newest_first(lots: Iterable[Lot], _sale: Sale) -> list[Lot]:
    return sorted(lots, key=lambda lot: (-lot.acquired_on.toordinal(), lot.lot_id))


def highest_cost_first(lots: Iterable[Lot], _sale: Sale) -> list[Lot]:
    return sorted(lots, key=lambda lot: (-lot.cost_per_share(), _age(lot)))


def lowest_cost_first(lots: Iterable[Lot], _sale: Sale) -> list[Lot]:
    return sorted(lots, key=lambda lot: (lot.cost_per_share(), _age(lot)))


def min_tax_category(gain: Fraction, held: Term) -> tuple[int, Fraction]:
    """Sort key of the published MinTax order: losses short then long, zero short then long, gains long then short.

    Within losses the largest loss is first, within gains the smallest gain: both are ascending gain.
    """
    long = held is Term.LONG
    if gain < 0:
        return (1 if long else 0), gain
    if gain == 0:
        return (3 if long else 2), gain
    return (4 if long else 5), gain


def by_category(lots: Iterable[Lot], sale: Sale) -> list[Lot]:
    """MinTax: each category is exhausted before the next, whatever the tax; ordered by gain per share within."""
    return sorted(
        lots,
        key=lambda lot: (min_tax_category(sale.price - lot.cost_per_share(), lot.term(sale.sold_on)), _age(lot)),
    )


def least_tax_first(lots: Iterable[Lot], sale: Sale) -> list[Lot]:
    """Ascending tax per share: with every share sold at one price and linear rates no other choice pays less.

    :raises ValueError: without rates
    """
    rates = sale.rates
    if rates is None:
        raise ValueError("The least tax can only be found at given tax rates.")

    def tax_per_share(lot: Lot) -> Fraction:
        return (sale.price - lot.cost_per_share()) * Fraction(rates.of(lot.term(sale.sold_on)))

    return sorted(lots, key=lambda lot: (tax_per_share(lot), _age(lot)))


RELIEF: Mapping[Relief, Callable[[Iterable[Lot], Sale], list[Lot]]] = {
    Relief.FIFO: oldest_first,
    Relief.LIFO: newest_first,
    Relief.HIFO: highest_cost_first,
    Relief.LOFO: lowest_cost_first,
    Relief.MIN_TAX: by_category,
    Relief.LEAST_TAX: least_tax_first,
}


def relieve(
    lots: Iterable[Lot],
    *,
    quantity: Decimal,
    price: Decimal,
    sold_on: date,
    by: Relief,
    rates: Rates | None = None,
    specific: Sequence[tuple[str, Decimal]] | None = None,
) -> list[Pick]:
    """The lots a sale of `quantity` at `price` takes, in the order taken; ties go to the older lot, then to the name.

    Lots acquired after `sold_on` are not there yet. `specific` names (lot, quantity) pairs for SPECIFIC; what an
    identification leaves open falls to the earliest lots (Treas. Reg. 1.1012-1(c)(1)). A part of a lot takes its
    share of the basis rounded to the micro-dollar, and `remaining` leaves the rest in the lot.

    :raises NotEnoughShares: when the lots, or a named lot, do not hold as much
    :raises ValueError: when quantity is not positive, price is negative, LEAST_TAX has no rates, or a lot is unknown
    """
    if not quantity > 0 or not price >= 0:
        raise ValueError(f"A sale needs a positive quantity and no negative price, not {quantity} at {price}.")
    held = [lot for lot in lots if lot.acquired_on <= sold_on]
    if by is Relief.SPECIFIC:
        wanted = _named(held, specific or (), quantity)
    else:
        wanted = _in_order(RELIEF[by](held, Sale(Fraction(price), sold_on, rates)), quantity)
    return [_pick(lot, taken, price, sold_on) for lot, taken in wanted]


def remaining(lots: Iterable[Lot], picks: Iterable[Pick]) -> list[Lot]:
    """The lots after a sale, in their order; what was sold entirely is gone, and no basis is lost."""
    taken = {pick.lot_id: pick for pick in picks}
    left = []
    for lot in lots:
        pick = taken.get(lot.lot_id)
        if pick is None:
            left.append(lot)
        elif lot.quantity > pick.quantity:
            quantity, cost_basis = (
                money.minus(lot.quantity, pick.quantity),
                money.minus(lot.cost_basis, pick.cost_basis),
            )
            left.append(replace(lot, quantity=quantity, cost_basis=cost_basis))
    return left


def tax(picks: Iterable[Pick], rates: Rates) -> Decimal:
    """Tax at linear rates, negative for a saving; not rounded."""
    return money.total([money.times(pick.gain, rates.of(pick.term)) for pick in picks])


def gain(picks: Iterable[Pick], held: Term) -> Decimal:
    """Sum of the gains of one term."""
    return money.total([pick.gain for pick in picks if pick.term is held])


def _in_order(lots: Iterable[Lot], quantity: Decimal) -> list[tuple[Lot, Decimal]]:
    wanted, open_quantity = [], quantity
    for lot in lots:
        if open_quantity == 0:
            break
        taken = min(lot.quantity, open_quantity)
        wanted.append((lot, taken))
        open_quantity = money.minus(open_quantity, taken)
    if open_quantity:
        raise NotEnoughShares(f"The lots hold {money.minus(quantity, open_quantity)} shares, not {quantity}.")
    return wanted


def _named(
    lots: Sequence[Lot], specific: Sequence[tuple[str, Decimal]], quantity: Decimal
) -> list[tuple[Lot, Decimal]]:
    held = {lot.lot_id: lot for lot in lots}
    named: dict[str, Decimal] = {}
    for lot_id, wanted in specific:
        if lot_id not in held:
            raise ValueError(f"There is no lot {lot_id} to sell from.")
        named[lot_id] = named.get(lot_id, money.ZERO) + wanted
        if not wanted > 0 or named[lot_id] > held[lot_id].quantity:
            raise NotEnoughShares(f"Lot {lot_id} holds {held[lot_id].quantity} shares, not {named[lot_id]}.")
    identified = money.total(named)
    if identified > quantity:
        raise ValueError(f"Lots were named for {identified} shares, but {quantity} are sold.")
    rest = [
        replace(lot, quantity=money.minus(lot.quantity, named.get(lot.lot_id, money.ZERO)))
        for lot in sorted(lots, key=_age)
        if lot.quantity > named.get(lot.lot_id, money.ZERO)
    ]
    for lot, taken in _in_order(rest, money.minus(quantity, identified)):
        named[lot.lot_id] = named.get(lot.lot_id, money.ZERO) + taken
    return [(held[lot_id], taken) for lot_id, taken in named.items()]


def _pick(lot: Lot, quantity: Decimal, price: Decimal, sold_on: date) -> Pick:
    whole = quantity == lot.quantity
    cost_basis = lot.cost_basis if whole else money.ratio(lot.cost_per_share() * Fraction(quantity))
    proceeds = money.times(quantity, price)
    return Pick(lot.lot_id, quantity, proceeds, cost_basis, money.minus(proceeds, cost_basis), lot.term(sold_on))
