"""Tolerance bands, exactly: the rule that the array code of `drift` follows for many accounts at once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.money import ZERO, minus, times

ONE = Decimal(1)


class BandKind(StrEnum):
    """ABSOLUTE bands are in weight; RELATIVE bands are a fraction of the target."""

    ABSOLUTE = "ABSOLUTE"
    RELATIVE = "RELATIVE"


@dataclass(frozen=True, slots=True)
class Band:
    """The weights that are tolerated, both edges included; never below 0 or above 1."""

    lower: Decimal
    upper: Decimal

    def breached_by(self, weight: Decimal) -> bool:
        """Only a weight strictly beyond an edge triggers: at the edge itself nothing is traded."""
        return weight < self.lower or weight > self.upper


def band(target: Decimal, width: Decimal, kind: BandKind) -> Band:
    """The band around a target weight.

    A relative band around a zero target has no width: any holding is beyond it. Use an absolute band there.

    :raises ValueError: unless 0 <= target <= 1 and width >= 0
    """
    if not ZERO <= target <= ONE or not width >= 0:
        raise ValueError(
            f"A band needs a target between 0 and 1 and a width of zero or more, not {target} and {width}."
        )
    half = times(target, width) if kind is BandKind.RELATIVE else width
    return Band(max(ZERO, minus(target, half)), min(ONE, target + half))


def narrower(one: Band, other: Band) -> Band:
    """Where two bands apply, the first edge reached decides."""
    return Band(max(one.lower, other.lower), min(one.upper, other.upper))
