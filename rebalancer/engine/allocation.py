"""Sharing a fill among the accounts of a block order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine.money import times, total


class Overfill(ValueError):
    """More was filled than ordered: a break for a person, never allocated automatically."""


def allocate(orders: Sequence[Decimal], filled: Decimal, *, unit: Decimal = Decimal(1)) -> list[Decimal]:
    """Pro rata by ordered quantity in whole units, by largest remainder; all at the same average price.

    Ties go to the larger order, then to the earlier in sequence. The shares sum to the fill and none exceeds its
    order. Pro rata is what SMC Capital (SEC no-action letter, 5 September 1995) allows for a partial fill.

    :raises Overfill: when more was filled than ordered
    :raises ValueError: when an order or the fill is negative or not in whole units
    """
    sizes = [_units(order, unit) for order in orders]
    to_share = _units(filled, unit)
    ordered = sum(sizes)
    if to_share > ordered:
        raise Overfill(f"{filled} were filled, but only {total(list(orders))} were ordered.")
    if not ordered:
        return [Decimal(0) for _ in orders]
    exact = [Fraction(to_share * size, ordered) for size in sizes]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda at: (shares[at] - exact[at], -sizes[at], at))
    for at in by_remainder[: to_share - sum(shares)]:
        shares[at] += 1
    return [times(Decimal(share), unit) for share in shares]


def _units(quantity: Decimal, unit: Decimal) -> int:
    count = Fraction(quantity) / Fraction(unit)
    if count < 0 or count.denominator != 1:
        raise ValueError(f"{quantity} is not a whole number of {unit}, zero or more.")
    return int(count)
