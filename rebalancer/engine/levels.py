"""Tolerated weights of many items at once: half-widths from the policies around targets (exactly: `bands`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import Bools, Floats, Ints
from rebalancer.engine.gain_bands import Sides
from rebalancer.engine.policy import Policy

EPSILON = 1e-9
"""Weights closer to an edge than this are on it; at the edge itself nothing is breached."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Level:
    """Weights, targets and tolerated weights of one level: accounts down, items across; infinite if not looked at."""

    weight: Floats
    target: Floats
    low: Floats
    high: Floats

    @property
    def breached(self) -> Bools:
        """Strictly outside."""
        outside: Bools = (self.weight < self.low - EPSILON) | (self.weight > self.high + EPSILON)
        return outside


class Widths:
    """Half-widths by account, from the policies; infinite where a band is not looked at."""

    def __init__(self, book: Book) -> None:
        self.policies = book.policies
        self.policy = book.accounts.policy
        absolute, taxable = self.column("class_band_absolute"), self.column("taxable_band_absolute")
        wider = np.isfinite(taxable) & (book.accounts.tax_status == TaxStatus.TAXABLE)
        self.class_absolute = np.where(wider, taxable, absolute)

    def column(self, name: str) -> Floats:
        return np.array([_width(policy, name) for policy in self.policies], dtype=np.float64)[self.policy]

    def of(self, level: str, account: Ints) -> tuple[Floats, Floats]:
        """Absolute and relative half-width for each row's account."""
        return self.column(f"{level}_band_absolute")[account], self.column(f"{level}_band_relative")[account]


def _width(policy: Policy, name: str) -> float:
    width = getattr(policy, name)
    return np.inf if width is None else float(width)


def level(
    weight: Floats, target: Floats, absolute: Floats, relative: Floats, measured: Bools, least: Sides | None = None
) -> Level:
    """Around a zero target a relative band has no meaning and the absolute one stands alone."""
    if np.isinf(absolute).all() and np.isinf(relative).all():
        return Level(weight=weight, target=target, low=np.full_like(weight, -np.inf), high=np.full_like(weight, np.inf))
    share = np.where(np.isinf(relative), 0.0, relative) * target
    width = np.minimum(absolute, np.where((target > 0) & np.isfinite(relative), share, np.inf))
    width = np.where(measured, width, np.inf)
    below, above = (width, width) if least is None else (np.maximum(width, least.below), np.maximum(width, least.above))
    return Level(weight=weight, target=target, low=target - below, high=target + above)
