"""What accounts share, after each was decided by itself: a household's budget of gains, and the volume of a market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import NO_BUDGET, Floats, HouseholdTaxes, Ints
from rebalancer.engine.optimiser.coupled.budgets import keep_budgets
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.coupled.volume import Volumes, keep_volumes


@dataclass(frozen=True, slots=True, eq=False)
class BudgetsLeft:
    """By household of the book."""

    left: Ints
    """Micro-dollars of net gain that may still be realised after the decisions; `NO_BUDGET` where there is no limit."""
    price: Floats
    """Dollars that one more dollar of it would save."""


def settle(book: Book, search: Search) -> BudgetsLeft | None:
    """Decide households again until budgets and volumes are kept; None where the book has no taxes.

    Nothing is decided again where nothing is exceeded.
    """
    price, taxes = np.zeros(book.households), book.taxes
    if taxes is not None:
        keep_budgets(search, taxes, np.unique(search.household_of(search.accounts)), price)

    def again(households: Ints) -> None:
        search.decide(search.accounts_of(households))
        if taxes is not None:
            keep_budgets(search, taxes, households, price)

    keep_volumes(search, _volumes(book), again)
    return None if taxes is None else BudgetsLeft(_left(search, taxes), price)


def _left(search: Search, taxes: HouseholdTaxes) -> Ints:
    limited = taxes.gain_budget != NO_BUDGET
    left: Ints = np.where(limited, taxes.gain_budget - search.net_gain(len(limited)) * limited, NO_BUDGET)
    return left


def _volumes(book: Book) -> Volumes:
    parts = np.array([float(policy.adv_cap) for policy in book.policies])
    return Volumes(book.securities.adv_shares, parts[book.accounts.policy])
