"""Basis that is not what was paid for the lot: gifts and the average cost of fund shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from rebalancer.engine import money
from rebalancer.engine.lots import Lot, Term, term


class GiftBasis(StrEnum):
    """Which basis a sale of a gift is measured by: the donor's, the market value at the gift, or neither."""

    DONOR = "DONOR"
    MARKET = "MARKET"
    NEITHER = "NEITHER"


@dataclass(frozen=True, slots=True)
class GiftSale:
    """The gain, below zero for a loss, and the basis it is measured from: the proceeds where there is neither."""

    gain: Decimal
    basis: Decimal
    by: GiftBasis


def sell_gift(*, donor_basis: Decimal, market_value: Decimal, proceeds: Decimal) -> GiftSale:
    """The gain on property received as a gift (IRC 1015(a), Publication 551); gift tax paid is not added.

    The donor's basis carries over; for a loss the market value at the gift is the basis when it was lower, and
    proceeds between the two are neither gain nor loss.

    :raises ValueError: when an amount is negative
    """
    if not min(donor_basis, market_value, proceeds) >= 0:
        raise ValueError("A gift's basis, market value and proceeds are zero or more.")
    if market_value >= donor_basis or proceeds > donor_basis:
        return GiftSale(money.minus(proceeds, donor_basis), donor_basis, GiftBasis.DONOR)
    if proceeds < market_value:
        return GiftSale(money.minus(proceeds, market_value), market_value, GiftBasis.MARKET)
    return GiftSale(money.ZERO, proceeds, GiftBasis.NEITHER)


def gift_term(*, donor_acquired_on: date, given_on: date, sold_on: date, by: GiftBasis) -> Term:
    """The donor's holding period is added, unless the loss is measured from the value at the gift (IRC 1223(2)).

    :raises ValueError: when the days are out of order
    """
    if given_on < donor_acquired_on:
        raise ValueError(f"What was acquired on {donor_acquired_on} cannot have been given on {given_on}.")
    return term(given_on if by is GiftBasis.MARKET else donor_acquired_on, sold_on)


def average_cost(lots: Sequence[Lot]) -> Fraction:
    """Dollars per share over all lots (Treas. Reg. 1.1012-1(e)(7)).

    :raises ValueError: without lots
    """
    if not lots:
        raise ValueError("There is no average cost of no shares.")
    return Fraction(_cost(lots)) / Fraction(_quantity(lots))


def at_average_cost(lots: Sequence[Lot]) -> list[Lot]:
    """The lots, each with its share of the whole basis by quantity; no micro-dollar is lost.

    For shares of regulated investment companies and of dividend reinvestment plans only. Holding periods stay, and
    sales take the earliest lots first, so `lots.relieve` by FIFO goes on from here (Treas. Reg. 1.1012-1(e)(7)).

    :raises InexactAmount: when the whole basis has more than six decimals
    :raises ValueError: when two lots have one name
    """
    if len({lot.lot_id for lot in lots}) != len(lots):
        raise ValueError("Lots that share their cost need different names.")
    if not lots:
        return []
    shares = money.split_units(money.to_micros(_cost(lots)), {lot.lot_id: lot.quantity for lot in lots})
    return [replace(lot, cost_basis=money.from_micros(shares[lot.lot_id])) for lot in lots]


def _cost(lots: Sequence[Lot]) -> Decimal:
    return money.total([lot.cost_basis for lot in lots])


def _quantity(lots: Sequence[Lot]) -> Decimal:
    return money.total([lot.quantity for lot in lots])
