"""Sharing a fill among the accounts of a block order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine.money import times, total


class Overfill(ValueError):
    """More was filled than ordered: a break for a person, never allocated automatically."""


def allocate(
    orders: Sequence[Decimal], filled: Decimal, *, unit: Decimal = Decimal(1), least: Decimal = Decimal(0)
) -> list[Decimal]:
    """Pro rata by ordered quantity in whole units, by largest remainder; all at the same average price.

    Ties go to the larger order, then to the earlier in sequence. The shares sum to the fill and none exceeds its
    order. Pro rata is what SMC Capital (SEC no-action letter, 5 September 1995) allows for a partial fill. A share of
    less than the `least`, of an order for more, goes to the others, the smallest first, as long as they can take it.

    :raises Overfill: when more was filled than ordered
    :raises ValueError: when an order, the fill or the least is negative or not in whole units
    """
    sizes, to_share, few = [_units(order, unit) for order in orders], _units(filled, unit), _units(least, unit)
    if to_share > sum(sizes):
        raise Overfill(f"{filled} were filled, but only {total(list(orders))} were ordered.")
    shares = _pro_rata(sizes, to_share)
    while (left_out := _too_small(sizes, shares, few)) is not None:
        sizes[left_out] = 0
        shares = _pro_rata(sizes, to_share)
    return [times(Decimal(share), unit) for share in shares]


def _too_small(sizes: Sequence[int], shares: Sequence[int], few: int) -> int | None:
    """The place of the smallest share that is too small to be given; of equal ones the last."""
    small = [at for at, share in enumerate(shares) if 0 < share < min(few, sizes[at])]
    if not small:
        return None
    at = min(small, key=lambda at: (shares[at], -at))
    return at if sum(sizes) - sizes[at] >= sum(shares) else None


def _pro_rata(sizes: Sequence[int], to_share: int) -> list[int]:
    ordered = sum(sizes)
    if not ordered:
        return [0 for _ in sizes]
    exact = [Fraction(to_share * size, ordered) for size in sizes]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda at: (shares[at] - exact[at], -sizes[at], at))
    for at in by_remainder[: to_share - sum(shares)]:
        shares[at] += 1
    return shares


def _units(quantity: Decimal, unit: Decimal) -> int:
    count = Fraction(quantity) / Fraction(unit)
    if count < 0 or count.denominator != 1:
        raise ValueError(f"{quantity} is not a whole number of {unit}, zero or more.")
    return int(count)
