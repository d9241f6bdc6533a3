"""The lots a sale that must happen should take, when short and long gains net against each other and the year's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, floor

from rebalancer.engine import money
from rebalancer.engine.lots import Lot, NotEnoughShares, Term
from rebalancer.engine.taxes.netting import NO_GAINS, Gains
from rebalancer.engine.taxes.regimes import LinearTax

ONE_SHARE = Decimal(1)


@dataclass(frozen=True, slots=True)
class LotForSale:
    """Shares of one lot at the price of the sale; `gain` is dollars per share, a loss below zero.

    :raises ValueError: unless the quantity is positive
    """

    lot_id: str
    quantity: Decimal
    gain: Fraction
    term: Term

    def __post_init__(self) -> None:
        if not self.quantity > 0:
            raise ValueError(f"Lot {self.lot_id} must hold a positive quantity, not {self.quantity}.")


@dataclass(frozen=True, slots=True)
class LotMix:
    """Shares by lot, zero where a lot stays whole; the gains they realise, and what those add to the year's tax."""

    shares: Mapping[str, Decimal]
    short: Fraction
    long: Fraction
    tax_change: Fraction


def for_sale(lots: Iterable[Lot], *, price: Decimal, sold_on: date) -> list[LotForSale]:
    """Lots as a sale at a price on a trade date sees them."""
    return [
        LotForSale(lot.lot_id, lot.quantity, Fraction(price) - lot.cost_per_share(), lot.term(sold_on)) for lot in lots
    ]


def mix_of(
    lots: Sequence[LotForSale], shares: Mapping[str, Decimal], *, tax: LinearTax, so_far: Gains = NO_GAINS
) -> LotMix:
    """A given choice of lots, netted with the year so far (carried losses included)."""
    short, long = (
        sum((lot.gain * Fraction(shares.get(lot.lot_id, money.ZERO)) for lot in lots if lot.term is held), Fraction(0))
        for held in (Term.SHORT, Term.LONG)
    )
    booked_short, booked_long = Fraction(so_far.short), Fraction(so_far.long)
    change = tax.of(booked_short + short, booked_long + long) - tax.of(booked_short, booked_long)
    return LotMix({lot.lot_id: shares.get(lot.lot_id, money.ZERO) for lot in lots}, short, long, change)


def in_order(lots: Iterable[LotForSale], quantity: Decimal) -> dict[str, Decimal]:
    """Shares by lot when lots are exhausted one after another.

    :raises NotEnoughShares: when the lots do not hold as much
    """
    shares, left = {}, quantity
    for lot in lots:
        shares[lot.lot_id] = min(lot.quantity, left)
        left = money.minus(left, shares[lot.lot_id])
    if left > 0:
        raise NotEnoughShares(f"The lots hold {money.minus(quantity, left)} shares, not {quantity}.")
    return shares


def best_lots(
    lots: Sequence[LotForSale],
    quantity: Decimal,
    *,
    tax: LinearTax,
    so_far: Gains = NO_GAINS,
    step: Decimal = ONE_SHARE,
) -> LotMix:
    """The mix of least tax; among equals the one that carries the largest loss, then that sells fewest short-term.

    With no rate below zero the dearest shares of each term go first, so only the number of short-term shares is open.
    Over it the tax is linear between the points where a lot is exhausted, a net gain changes its sign or the
    deduction is used up: looking at those, and at the whole steps around them, is looking at every mix whose
    short-term shares are whole steps or whole lots.

    :param so_far: net gains of the year, less losses carried in
    :param step: the shares that a lot is divided by where it is not exhausted
    :raises NotEnoughShares: when the lots do not hold as much
    :raises ValueError: when quantity or step is not positive, or two lots have one name
    """
    if not (quantity > 0 and step > 0) or len({lot.lot_id for lot in lots}) != len(lots):
        raise ValueError("The best lots are found for a positive quantity and step, among lots of different names.")
    in_order(lots, quantity)
    by_gain = sorted(lots, key=lambda lot: lot.gain)
    choice = _Choice(
        _Run([lot for lot in by_gain if lot.term is Term.SHORT]),
        _Run([lot for lot in by_gain if lot.term is Term.LONG]),
        Fraction(quantity),
        so_far,
    )
    candidates = set(choice.candidates(Fraction(tax.loss_limit), Fraction(step)))
    best = min(candidates, key=lambda short: (tax.of(*choice.net(short)), sum(choice.net(short)), short))
    return mix_of(lots, choice.shares(best), tax=tax, so_far=so_far)


class _Run:
    """Lots of one term, the lowest gain first."""

    def __init__(self, lots: Sequence[LotForSale]) -> None:
        self.lots = lots
        self.ends = [Fraction(0), *accumulate(Fraction(lot.quantity) for lot in lots)]
        self.gains = [Fraction(0), *accumulate(Fraction(lot.quantity) * lot.gain for lot in lots)]

    def gain(self, quantity: Fraction) -> Fraction:
        """The lowest gain that a quantity can realise."""
        exhausted = bisect_right(self.ends, quantity) - 1
        rest = quantity - self.ends[exhausted]
        return self.gains[exhausted] + (rest * self.lots[exhausted].gain if rest else 0)


@dataclass(frozen=True, slots=True)
class _Choice:
    """How many of the shares are short-term, and what the year's net gains are then."""

    short: _Run
    long: _Run
    quantity: Fraction
    so_far: Gains

    def shares(self, short: Fraction) -> dict[str, Decimal]:
        long = money.ratio(self.quantity - short)
        return in_order(self.short.lots, money.ratio(short)) | in_order(self.long.lots, long)

    def net(self, short: Fraction) -> tuple[Fraction, Fraction]:
        return (
            Fraction(self.so_far.short) + self.short.gain(short),
            Fraction(self.so_far.long) + self.long.gain(self.quantity - short),
        )

    def corners(self) -> list[Fraction]:
        """The fewest and the most short-term shares, and those with which a lot is exhausted, ascending."""
        fewest, most = max(Fraction(0), self.quantity - self.long.ends[-1]), min(self.quantity, self.short.ends[-1])
        exhausted = (*self.short.ends, *(self.quantity - end for end in self.long.ends))
        return sorted({fewest, most, *(short for short in exhausted if fewest < short < most)})

    def candidates(self, loss_limit: Fraction, step: Fraction) -> Iterator[Fraction]:
        """Corners, and within them the whole steps around corners and kinks."""
        corners = self.corners()
        yield from corners
        for since, until in pairwise(corners):
            for at in (since, until, *self._kinks(since, until, loss_limit)):
                around = (floor(at / step) * step, ceil(at / step) * step)
                yield from (short for short in around if since < short < until)

    def _kinks(self, since: Fraction, until: Fraction, loss_limit: Fraction) -> Iterator[Fraction]:
        """Where between two corners a net gain is zero, or the net loss is the limit of the deduction."""
        starts, ends = _measures(*self.net(since), loss_limit), _measures(*self.net(until), loss_limit)
        for start, end in zip(starts, ends, strict=True):
            if start * end < 0:
                yield since + (until - since) * start / (start - end)


def _measures(short: Fraction, long: Fraction, loss_limit: Fraction) -> tuple[Fraction, ...]:
    """The tax has a kink where one of these is zero."""
    return short, long, short + long, short + long + loss_limit
