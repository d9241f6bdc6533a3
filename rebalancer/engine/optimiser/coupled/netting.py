"""The tax of a household's year: decided once at the rates of every region of it, and the cheapest kept.

Schedule D makes the tax linear in each of five regions of net gains, and not convex over them. At the rates of a
region its households are decided as any others; what that costs is then stated with the true change of their tax. Where
a region's answer lies beyond its own edge, the best lies on that edge, and a rate between those of its two sides leads
there: it is halved, and lots of both terms are mixed in the end (`lot_mix`). The answer of every attempt bounds the
cost in each region from below (`Region.least`), and the least of the regions' best bounds is the household's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book_tables import MICRO, Floats, Ints
from rebalancer.engine.optimiser.coupled.budgets import Budget, Budgets
from rebalancer.engine.optimiser.coupled.halving import HALF_A_MICRO, SMALL_GAP
from rebalancer.engine.optimiser.coupled.lot_mix import mix_lots
from rebalancer.engine.optimiser.coupled.remembering import Remembered
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.coupled.year_taxes import YearTaxes

HALVINGS = 6
SAME = 1e-9
"""Dollars: objectives that differ by less are equal."""


def keep_years(
    search: Search, budgets: Budgets, households: Ints, keep: Callable[[Ints], None], prices: Floats
) -> None:
    """Decide households at the tax of their year; objectives and bounds are stated with it.

    :param households: ascending; those whose gains are netted
    :param keep: keeps the budgets of households decided at the rates that stand in the problem
    :param prices: by budget and household of the book, of the answer that is kept; changed in place
    """
    if len(households):
        _Years(search, budgets, households, keep, prices).solve()


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """Between two regions: rates on the side where a sum of net gains is below a level, and where it is above."""

    below: tuple[Floats, Floats]
    above: tuple[Floats, Floats]
    short: int
    long: int
    level: Floats


class _Years:
    def __init__(
        self, search: Search, budgets: Budgets, households: Ints, keep: Callable[[Ints], None], prices: Floats
    ) -> None:
        self.search, self.budgets, self.households, self.keep, self.prices = search, budgets, households, keep, prices
        self.year = budgets.year.some(households)
        self.accounts, self.owner = search.members(households)
        self.regions = self.year.regions()
        self.best = np.full(len(households), np.inf)
        self.beyond = np.full(len(households), np.inf)
        self.lower = np.full((len(self.regions), len(households)), -np.inf)
        self.best_prices = prices[:, households]
        self.remembered = Remembered(search, households)

    def solve(self) -> None:
        table, accounts = self.search.problem.accounts, self.accounts
        rates = table["short_rate"][accounts].copy(), table["long_rate"][accounts].copy()
        for region in self.regions:
            self._try(region.short, region.long)
        for edge in _edges(self.year):
            self._walk(edge)
        table["short_rate"][accounts], table["long_rate"][accounts] = rates
        self._finish()

    def _walk(self, edge: Edge) -> None:
        """Halve between the rates of both sides, where the higher one is above and the edge therefore attracts."""
        low, high = np.zeros(len(self.households)), np.ones(len(self.households))
        (short_below, long_below), (short_above, long_above) = edge.below, edge.above
        if not ((short_above > short_below) | (long_above > long_below)).any():
            return
        for _ in range(HALVINGS):
            part = (low + high) / 2
            short, long = self._try(
                short_below + part * (short_above - short_below), long_below + part * (long_above - long_below)
            )
            above = edge.short * short + edge.long * long > edge.level
            low, high = np.where(above, part, low), np.where(above, high, part)

    def _try(self, short_rate: Floats, long_rate: Floats) -> tuple[Floats, Floats]:
        """Decide at rates by household; the year's net gains by term."""
        search, accounts, owner, year = self.search, self.accounts, self.owner, self.year
        for rate, name, weight in (
            (short_rate, "short_rate", self.budgets.tax.short),
            (long_rate, "long_rate", self.budgets.tax.long),
        ):
            search.problem.accounts[name][accounts] = weight[accounts] = rate[owner]
        search.decide(accounts)
        self.keep(self.households)
        short, long = search.gains(self.households)
        linear = short_rate * short + long_rate * long
        self._learn(self._summed(search.outcome.objective) - linear + year.change(short, long))
        self._raise_bounds(short_rate, long_rate)
        return year.short_so_far + short, year.long_so_far + long

    def _learn(self, objective: Floats) -> None:
        beyond = np.max([self._beyond(self.budgets.gain), self._beyond(self.budgets.tax)], axis=0)
        as_near = beyond <= self.beyond + HALF_A_MICRO
        better = (beyond < self.beyond - HALF_A_MICRO) | (as_near & (objective < self.best - SAME))
        self.best[better], self.beyond[better] = objective[better], beyond[better]
        self.best_prices[:, better] = self.prices[:, self.households][:, better]
        self.remembered.keep(better)

    def _beyond(self, budget: Budget) -> Floats:
        """Dollars by which a budget is exceeded; cash that must be raised may do so."""
        used = budget.of_households(self.search, self.households)
        beyond: Floats = np.maximum(used - budget.allowed(self.households), 0.0)
        return beyond

    def _raise_bounds(self, short_rate: Floats, long_rate: Floats) -> None:
        year, bound = self.year, self._summed(self.search.outcome.bound)
        before = year.of(year.short_so_far, year.long_so_far)
        shifted = bound + short_rate * year.short_so_far + long_rate * year.long_so_far - before
        for place, region in enumerate(self.regions):
            found = shifted + region.least(short_rate, long_rate)
            self.lower[place] = np.maximum(self.lower[place], found)

    def _mix_lots(self) -> None:
        """Take the best's sales from the lots that cost least together, where that keeps the budgets as well."""
        self.remembered.restore()
        saved = mix_lots(self.search, self.year, self.households)
        beyond = np.max([self._beyond(self.budgets.gain), self._beyond(self.budgets.tax)], axis=0)
        better = (saved > 0.0) & (beyond <= self.beyond + HALF_A_MICRO)
        self.best[better] -= saved[better]
        self.remembered.keep(better)

    def _finish(self) -> None:
        """Restore the best; what an account's own figures do not say of the household's tax is shared by value."""
        self._mix_lots()
        self.remembered.restore()
        self.prices[:, self.households] = self.best_prices
        outcome, owner, accounts = self.search.outcome, self.owner, self.accounts
        value = np.maximum(self.search.problem.accounts["value"][accounts] / MICRO, 0.01)
        whole = np.bincount(owner, value, minlength=len(self.households))
        share = value / whole[owner]
        gap = np.maximum(self.best - self.lower.min(axis=0), 0.0)
        outcome.objective[accounts] += (self.best - self._summed(outcome.objective))[owner] * share
        outcome.bound[accounts] = outcome.objective[accounts] - gap[owner] * share
        outcome.proven[accounts] = (gap <= SMALL_GAP * whole)[owner]

    def _summed(self, column: Floats) -> Floats:
        return self.search.summed(self.owner, column[self.accounts], len(self.households))


def _edges(year: YearTaxes) -> tuple[Edge, ...]:
    """Edges at which the tax of one more dollar may rise: no net short gain, no net gain, and the most deducted."""
    short, long, deduction, carried = year.short_rate, year.long_rate, year.ordinary_rate, year.carried_worth
    none = np.zeros_like(short)
    return (
        Edge((long, long), (short, long), 1, 0, none),
        Edge((deduction, deduction), (short, short), 1, 1, none),
        Edge((deduction, deduction), (long, long), 1, 1, none),
        Edge((carried, carried), (deduction, deduction), 1, 1, -year.loss_limit),
    )
