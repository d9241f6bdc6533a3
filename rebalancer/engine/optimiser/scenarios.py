"""One slider from least tax to closest to the model, and what a place on it means in dollars."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import Floats

FAR, NEAR = 0.05, 0.8
"""At 0 drift counts this part of what it counts at 1; at 1 this part of the highest tax there is."""


class Scenario(StrEnum):
    """Named places of the slider."""

    MIN_TAX = "MIN_TAX"
    BALANCED = "BALANCED"
    CLOSEST = "CLOSEST"


SLIDERS = {Scenario.MIN_TAX: 0.0, Scenario.BALANCED: 0.5, Scenario.CLOSEST: 1.0}


def sliders(book: Book, slider: float | None) -> Floats:
    """Every account's place: the one given, or its policy's own."""
    own = np.array([float(policy.scenario_slider) for policy in book.policies], dtype=np.float64)
    return own[book.accounts.policy] if slider is None else np.full(len(book), slider)


def prices_of_drift(book: Book, places: Floats) -> Floats:
    """Dollars of tax and cost that a dollar of drift is worth, by account.

    Selling a dollar that is too much and buying what is short with it mends a dollar of drift. At 1 that is worth more
    than the tax on any but a nearly free short-term lot; towards 0 it falls in equal proportions.
    """
    rate = [max(float(policy.short_rate), float(policy.long_rate), 0.1) for policy in book.policies]
    highest = NEAR * np.array(rate, dtype=np.float64)[book.accounts.policy]
    prices: Floats = highest * FAR ** (1.0 - places)
    return prices


def prices_of_variance(book: Book, places: Floats) -> Floats:
    """Risk aversion times horizon, by account; towards 0 of the slider it falls in equal proportions."""
    of = [float(policy.risk_aversion) * float(policy.horizon_years) for policy in book.policies]
    prices: Floats = np.array(of, dtype=np.float64)[book.accounts.policy] * FAR ** (1.0 - places)
    return prices
