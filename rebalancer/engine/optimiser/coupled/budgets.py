"""What a household may use up over a year in all its accounts: net gains, and the tax on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import MICRO, NO_BUDGET, Floats, HouseholdTaxes, Ints
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.coupled.year_taxes import YearTaxes, year_taxes
from rebalancer.engine.optimiser.decision import SkipReason


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Budget:
    """A limit by household, and how much of it gains use up."""

    limit: Floats
    """Dollars by household of the book; below zero counts as zero, infinite where there is no limit."""
    short: Floats
    """Dollars that a dollar of short-term gain uses, by account of the book."""
    long: Floats
    year: YearTaxes | None
    """Where households net their gains, what they use is the change of their year's tax."""
    netting: Ints
    """Households that do, ascending."""
    reason: int
    """Place of the reason in `codes.SKIPS`."""

    def of_accounts(self, search: Search, accounts: Ints) -> Floats:
        """Dollars that each account uses at the rates of this budget."""
        outcome = search.outcome
        short, long = outcome.short[accounts] * self.short[accounts], outcome.long[accounts] * self.long[accounts]
        used: Floats = (short + long) / MICRO
        return used

    def of_households(self, search: Search, households: Ints) -> Floats:
        """Dollars that each household uses."""
        accounts, owner = search.members(households)
        used = search.summed(owner, self.of_accounts(search, accounts), len(households))
        nets = np.isin(households, self.netting)
        if self.year is not None and nets.any():
            short, long = search.gains(households)
            used[nets] = self.year.some(households[nets]).change(short[nets], long[nets])
        return used

    def allowed(self, households: Ints) -> Floats:
        allowed: Floats = np.maximum(self.limit[households], 0.0)
        return allowed


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Budgets:
    """Those of a book, in the order in which they are kept."""

    gain: Budget
    tax: Budget
    netting: Ints
    """Households whose tax is that of their year, ascending."""
    year: YearTaxes


def budgets_of(book: Book, taxes: HouseholdTaxes, short_rate: Floats, long_rate: Floats) -> Budgets:
    """:param short_rate, long_rate: of tax, by account of the book"""
    netting, year, ones = np.flatnonzero(taxes.netting), year_taxes(book, taxes), np.ones(len(book))
    gain = Budget(
        limit=_limit(taxes.gain_budget),
        short=ones,
        long=ones,
        year=None,
        netting=netting[:0],
        reason=PLACES[SkipReason.GAIN_BUDGET.value],
    )
    tax = Budget(
        limit=_limit(taxes.tax_budget),
        short=short_rate.copy(),
        long=long_rate.copy(),
        year=year,
        netting=netting,
        reason=PLACES[SkipReason.TAX_BUDGET.value],
    )
    return Budgets(gain=gain, tax=tax, netting=netting, year=year)


def _limit(column: Ints) -> Floats:
    limit: Floats = np.where(column == NO_BUDGET, np.inf, column / MICRO)
    return limit
