"""Of several securities that would do as well, the one whose order costs least.

A fund without commission is no bargain where its spread takes more than the commission saves: what counts is both
together for the order's size. Ties go to the name that comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Offer:
    """A security to choose: micro-dollars, prices and spreads a share, commission a trade."""

    symbol: str
    price: int
    half_spread: int
    commission: int

    def cost(self, amount: int) -> Fraction:
        """Micro-dollars of commission and half the spread for an order of so many micro-dollars.

        :raises ZeroDivisionError: without a price
        """
        return self.commission + Fraction(amount * self.half_spread, self.price)


def cheapest(offers: Iterable[Offer], amount: int) -> Offer:
    """The offer that costs least for an order of so many micro-dollars.

    :raises ValueError: where there is no offer
    """
    return min(offers, key=lambda offer: (offer.cost(amount), offer.symbol))
