"""Tiers: of an account's trades the largest leave first, with the sales that pay for the buys among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal

from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO

FIRST, REST = 1, 2
Sized = tuple[Hashable, Side, Decimal]
"""A proposal's account, a side, and the dollars by which the trade mends drift."""


def tiers_of(trades: Sequence[Sized], first: int | None) -> list[int]:
    """The tier of each trade: 1 for the `first` largest of its account and the sales that pay for them, 2 for the rest.

    Sales are added, the largest first, until those of the first tier bring what its buys cost or none is left, so that
    no buy is cut for want of proceeds that the rest would bring. Ties go by place. None makes one tier of all.
    """
    if first is None:
        return [FIRST] * len(trades)
    by_account: dict[Hashable, list[int]] = defaultdict(list)
    for place, (account, _, _) in sorted(enumerate(trades), key=lambda one: (-one[1][2], one[0])):
        by_account[account].append(place)
    leading = {place for places in by_account.values() for place in _leading(trades, places, first)}
    return [FIRST if place in leading else REST for place in range(len(trades))]


def _leading(trades: Sequence[Sized], places: Sequence[int], first: int) -> Iterable[int]:
    """Of an account's trades, the largest first, those of the first tier."""
    leading = list(places[:first])
    missing = sum((trades[place][2] * (1 if trades[place][1] is Side.BUY else -1) for place in leading), ZERO)
    for place in places[first:]:
        if missing > 0 and trades[place][1] is Side.SELL:
            leading.append(place)
            missing -= trades[place][2]
    return leading
