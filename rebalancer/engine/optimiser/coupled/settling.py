"""What accounts share, after each was decided by itself: budgets, the tax of a year, and the volume of a market."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import Floats, Ints
from rebalancer.engine.optimiser.coupled.budgets import Budget, Budgets, budgets_of
from rebalancer.engine.optimiser.coupled.halving import HALF_A_MICRO, Halving, Priced
from rebalancer.engine.optimiser.coupled.netting import keep_years
from rebalancer.engine.optimiser.coupled.ranges import explain_ranges, set_ranges
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.coupled.volume import VolumeLimits, Volumes, keep_volumes, limits_of, set_limits


@dataclass(frozen=True, slots=True, eq=False)
class Years:
    """By household of the book, in dollars; infinite where there is no limit."""

    gain_left: Floats
    """Net gain that may still be realised after the decisions, below zero where cash had to be raised."""
    tax_left: Floats
    gain_price: Floats
    """Dollars that one more dollar of the budget would save."""
    tax_price: Floats
    year_tax: Floats
    """What the decisions add to the tax of the year; NaN where a household's gains are not netted."""


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What accounts share."""

    years: Years | None
    """None where the book has no taxes."""
    volume_limits: VolumeLimits


def settle(book: Book, search: Search, limits: VolumeLimits) -> Settled:
    """Decide all that was asked for, and households again until budgets and volumes are kept.

    Nothing is decided again where nothing is exceeded and no household's gains are netted.

    :param limits: of volume, known from an earlier call
    :raises KeyError: for an account of theirs that is not in the book
    """
    given, ranged = set_limits(search, book, limits), set_ranges(search, book)
    settled = _settle(book, search, given)
    explain_ranges(search, ranged)
    return settled


def _settle(book: Book, search: Search, given: Ints) -> Settled:
    search.decide(search.accounts)
    if book.taxes is None:
        in_force = keep_volumes(
            search, _volumes(book), lambda households: search.decide(search.accounts_of(households)), given
        )
        return Settled(None, limits_of(search, book, in_force))
    table = search.problem.accounts
    budgets = budgets_of(book, book.taxes, table["short_rate"], table["long_rate"])
    prices = np.zeros((2, book.households))

    def keep(households: Ints) -> None:
        _keep_budgets(search, budgets, households, prices)

    def keep_all(households: Ints) -> None:
        nets = np.isin(households, budgets.netting)
        keep(households[~nets])
        keep_years(search, budgets, households[nets], keep, prices)

    def again(households: Ints) -> None:
        search.decide(search.accounts_of(households))
        keep_all(households)

    keep_all(np.unique(search.household_of(search.accounts)))
    in_force = keep_volumes(search, _volumes(book), again, given)
    return Settled(_years(book, search, budgets, prices), limits_of(search, book, in_force))


def _keep_budgets(search: Search, budgets: Budgets, households: Ints, prices: Floats) -> None:
    """Decide those of the households again that exceed a budget: gains first, then tax with the price of gains.

    :param prices: by budget and household of the book; changed in place
    """
    prices[:, households] = 0.0
    with nullcontext() if search.together is None else search.together.sketched():
        _price(search, budgets, households, prices)


def _price(search: Search, budgets: Budgets, households: Ints, prices: Floats) -> None:
    """Find the least prices at which they keep both."""
    over = _over(search, budgets.gain, households)
    if len(over):
        prices[0, over] = Halving(search, over, budgets.gain).solve()
    over = _over(search, budgets.tax, households)
    if len(over):
        prices[1, over] = Halving(search, over, budgets.tax, Priced(budgets.gain, prices[0])).solve()


def _over(search: Search, budget: Budget, households: Ints) -> Ints:
    limited = households[np.isfinite(budget.limit[households])]
    if not len(limited):
        return limited
    over: Ints = limited[budget.of_households(search, limited) > budget.allowed(limited) + HALF_A_MICRO]
    return over


def _years(book: Book, search: Search, budgets: Budgets, prices: Floats) -> Years:
    every = np.arange(book.households)
    short, long = search.gains(every)
    year_tax = np.full(book.households, np.nan)
    year_tax[budgets.netting] = budgets.year.change(short, long)[budgets.netting]
    return Years(
        gain_left=budgets.gain.limit - budgets.gain.of_households(search, every),
        tax_left=budgets.tax.limit - budgets.tax.of_households(search, every),
        gain_price=prices[0],
        tax_price=prices[1],
        year_tax=year_tax,
    )


def _volumes(book: Book) -> Volumes:
    parts = np.array([float(policy.adv_cap) for policy in book.policies])
    return Volumes(book.securities.adv_shares, parts[book.accounts.policy])
