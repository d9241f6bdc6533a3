"""A calendar with a threshold, run over monthly returns of two assets.

The rules are those of Jaconetti, Kinniry and Zilbering, "Best practices for portfolio rebalancing", Vanguard (2010).
Floats; weights and returns are fractions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class History:
    """What each threshold led to; arrays of the thresholds' length.

    `average_weights` are of the first asset, after each month's trade if there is one. `yearly_returns`
    compound; `volatilities` are sample deviations of monthly returns times √12.
    """

    average_weights: Floats
    events: NDArray[np.int64]
    yearly_returns: Floats
    volatilities: Floats


def run_history(returns: Floats, *, target: float, thresholds: Floats, every: int | None) -> History:
    """Start at target; after every `every` months go back to it where the weight is off by more than the threshold.

    `returns` has shape (months, 2), dividends included and reinvested in their own asset. `every` None never trades.

    :raises ValueError: on other shapes, fewer than two months, or a target outside 0 to 1
    """
    if returns.ndim != 2 or returns.shape[1] != 2 or len(returns) < 2 or not 0 <= target <= 1:
        raise ValueError("A history needs two months of two assets' returns or more, and a target between 0 and 1.")
    weight = np.full(len(thresholds), target)
    held, earned = np.empty((len(returns), len(weight))), np.empty((len(returns), len(weight)))
    events = np.zeros(len(weight), dtype=np.int64)
    for month, (first, second) in enumerate(returns):
        earned[month] = weight * first + (1 - weight) * second
        weight = weight * (1 + first) / (1 + earned[month])
        if every and (month + 1) % every == 0:
            off = np.abs(weight - target) > thresholds
            events += off
            weight = np.where(off, target, weight)
        held[month] = weight
    return History(held.mean(axis=0), events, _compounded(earned), _yearly_deviation(earned))


def _compounded(earned: Floats) -> Floats:
    yearly: Floats = np.prod(1 + earned, axis=0) ** (MONTHS_PER_YEAR / len(earned)) - 1
    return yearly


def _yearly_deviation(earned: Floats) -> Floats:
    yearly: Floats = earned.std(axis=0, ddof=1) * np.sqrt(MONTHS_PER_YEAR)
    return yearly
