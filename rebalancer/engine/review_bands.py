"""The best no-trade band when the account is looked at only now and then, by dynamic programming.

Sun, Fan, Chen, Schouwenaars and Albota, "Optimal rebalancing for institutional portfolios" (2006), reduce a policy to
its certainty-equivalent cost per year; here for one sleeve, solved by relative value iteration on a grid of drifts.
Units are those of `closed_forms`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from rebalancer.engine.closed_forms import Sleeve, to_target_band

Floats = NDArray[np.float64]

STEPS_PER_DEVIATION = 8
DEVIATIONS_BEYOND = 6
CLOSE_ENOUGH = 1e-6
MOST_ROUNDS = 50_000
MOST_POINTS = 1_000


class Review(StrEnum):
    """How often an account is looked at."""

    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    ANNUAL = "ANNUAL"


REVIEWS_PER_YEAR: Mapping[Review, int] = {
    Review.WEEKLY: 52,
    Review.MONTHLY: 12,
    Review.QUARTERLY: 4,
    Review.ANNUAL: 1,
}


@dataclass(frozen=True, slots=True)
class ReviewedBand:
    """Beyond `band` trade to its edge; `cost` is drift and trading per year, as a fraction of the account."""

    band: float
    cost: float


def best_reviewed_band(sleeve: Sleeve, *, cost: float, reviews_per_year: int) -> ReviewedBand:
    """The band that costs least per year under proportional cost, to about a tenth of a standard deviation of a period.

    :raises ValueError: when there are no reviews, the cost is negative, or the grid would be too fine to solve
    """
    if reviews_per_year < 1:
        raise ValueError("An account must be looked at once a year at least.")
    period = 1 / reviews_per_year
    deviation = sleeve.speed * math.sqrt(period)
    drifts = _grid(2 * to_target_band(sleeve, cost=cost) + DEVIATIONS_BEYOND * deviation, deviation)
    law = _transitions(drifts, deviation)
    waiting = sleeve.penalty / 2 * (drifts**2 + sleeve.speed**2 * period / 2) * period
    held, per_period = _iterate(waiting, law, drifts, cost)
    return ReviewedBand(_edge(held, drifts, cost), per_period * reviews_per_year)


def _grid(reach: float, deviation: float) -> Floats:
    steps = math.ceil(reach / deviation * STEPS_PER_DEVIATION)
    if 2 * steps + 1 > MOST_POINTS:
        raise ValueError("Looks are too frequent for this cost: use the band for continuous looks.")
    return np.linspace(-1.0, 1.0, 2 * steps + 1) * (steps * deviation / STEPS_PER_DEVIATION)


def _transitions(drifts: Floats, deviation: float) -> Floats:
    """Probabilities of the next drift given the one kept, Gaussian and normalised; shape (points, points)."""
    density = np.exp(-0.5 * ((drifts[None, :] - drifts[:, None]) / deviation) ** 2)
    law: Floats = density / density.sum(axis=1, keepdims=True)
    return law


def _iterate(waiting: Floats, law: Floats, drifts: Floats, cost: float) -> tuple[Floats, float]:
    """The cost of keeping each drift, but for a constant, and what a period costs in the long run."""
    value = np.zeros_like(drifts)
    centre = len(drifts) // 2
    for _ in range(MOST_ROUNDS):
        held = waiting + law @ value
        paid = _after_best_trade(held, drifts, cost)
        growth = paid - value
        value = paid - paid[centre]
        if growth.max() - growth.min() <= CLOSE_ENOUGH * abs(growth[centre]):
            return held, float(growth[centre])
    raise ArithmeticError("The value iteration did not settle.")


def _after_best_trade(held: Floats, drifts: Floats, cost: float) -> Floats:
    """min over y of held(y) + c|x − y| for every x: the cheapest y to the left and to the right, by running minima."""
    left = np.minimum.accumulate(held - cost * drifts) + cost * drifts
    right = np.minimum.accumulate((held + cost * drifts)[::-1])[::-1] - cost * drifts
    return np.minimum(left, right)


def _edge(held: Floats, drifts: Floats, cost: float) -> float:
    """Where another unit of drift first is worth c: the slope of the held cost, interpolated to its crossing of c."""
    middles = (drifts[1:] + drifts[:-1]) / 2
    slopes = np.diff(held) / np.diff(drifts)
    last = int(np.argmax((slopes >= cost) & (middles > 0)))
    return max(0.0, float(np.interp(cost, slopes[last - 1 : last + 1], middles[last - 1 : last + 1])))
