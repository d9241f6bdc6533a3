"""Ranges in which an account's holding of a security is kept: never sold below one end, never bought above the other.

A holding outside its range may stay there: nothing is bought or sold to bring it back, only no trade leads further
away. Both ends may be named in shares, in dollars, or as weights of the account's value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book_tables import MICRO, NONE, Bools, Ints, check, check_columns

NO_END = NONE
"""In a column of ends: there is none."""


class RangeUnit(IntEnum):
    """Codes of `HoldRanges.unit`."""

    SHARES = 0
    DOLLARS = 1
    WEIGHT = 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class HoldRanges:
    """One row a range, sorted by account and security; where there are several for both, all of them hold.

    Ends are millionths of the unit: micro-shares, micro-dollars, or millionths of the account's value.
    """

    account: Ints
    security: Ints
    unit: Ints
    lowest: Ints
    """Keep at least so much; NO_END: no such end."""
    highest: Ints
    """Keep at most so much; NO_END: no such end."""

    def __post_init__(self) -> None:
        check_columns(self, len(self.account), "ranges", also_negative=("lowest", "highest"))
        check(bool((self.unit <= max(RangeUnit)).all()), "ranges.unit has an unknown code")
        check(bool((np.minimum(self.lowest, self.highest) >= NO_END).all()), "ranges must not end below zero")
        both: Bools = (self.lowest != NO_END) & (self.highest != NO_END)
        check(bool((self.lowest <= self.highest)[both].all()), "ranges.lowest is above ranges.highest")
        order = np.lexsort((self.security, self.account))
        check(bool((np.diff(order) > 0).all()), "ranges must be sorted by account and security")


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRow:
    """A range of an account, in shares, dollars or as a fraction of its value; None: no such end."""

    symbol: str
    unit: RangeUnit = RangeUnit.SHARES
    lowest: Decimal | None = None
    highest: Decimal | None = None


class Kept(NamedTuple):
    """Micro-shares: at least and at most; None where there is no such end."""

    lowest: int | None
    highest: int | None


def kept(ranges: HoldRanges, row: int, *, price: int, value: int) -> Kept:
    """What a range means in shares: its lower end up to the micro-share, its upper end down to it.

    :param price: micro-dollars a share, more than 0
    :param value: micro-dollars, of the account
    """
    unit, ends = RangeUnit(int(ranges.unit[row])), (int(ranges.lowest[row]), int(ranges.highest[row]))
    part, whole = {
        RangeUnit.SHARES: (1, 1),
        RangeUnit.DOLLARS: (MICRO, price),
        RangeUnit.WEIGHT: (max(value, 0), price),
    }[unit]  # an end times the first over the second is micro-shares
    lowest = None if ends[0] == NO_END else -(-ends[0] * part // whole)
    return Kept(lowest, None if ends[1] == NO_END else ends[1] * part // whole)


def together(one: Kept, other: Kept) -> Kept:
    """Both ranges at once."""
    lowest = [end for end in (one.lowest, other.lowest) if end is not None]
    highest = [end for end in (one.highest, other.highest) if end is not None]
    return Kept(max(lowest, default=None), min(highest, default=None))


def by_holding(ranges: HoldRanges) -> Mapping[tuple[int, int], list[int]]:
    """Rows of the table by account and security."""
    found: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(zip(ranges.account.tolist(), ranges.security.tolist(), strict=True)):
        found.setdefault(key, []).append(row)
    return found
