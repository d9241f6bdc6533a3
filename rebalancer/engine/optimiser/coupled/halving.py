"""One price for every dollar of a household's budget, the same in all its taxable accounts.

The accounts of a household meet in nothing but its budget B. With a price v on what they use of it they part again:
each is decided with v times the budget's rates added to its tax rates. The use falls as v rises, so that halving finds
the least price at which the household keeps within B; between the last price that does and the last that does not,
sales are cut back in parts until the budget is used. Whatever v is, the accounts' bounds at v less v·B together bound
the household from below (weak duality; Everett, Operations Research 11, 1963).

Cash that must be raised comes first: a dollar of it that is missing costs more than any price here. Where the budget
is not enough for it, accounts that must raise cash do nothing else, the others realise no gains, and the budget is
exceeded by what is left. Budgets below zero count as zero: losses are never forced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints
from rebalancer.engine.optimiser.coupled.budgets import Budget
from rebalancer.engine.optimiser.coupled.remembering import Remembered
from rebalancer.engine.optimiser.coupled.searches import Search, row_flags, row_gains
from rebalancer.engine.optimiser.work import ANY
from rebalancer.engine.triggers import MODES, Mode

FIRST, FASTER, HIGHEST = 0.25, 4.0, 1024.0
"""Prices that are tried until the budget is kept."""
STEPS, PARTS, FILLS = 14, 6, 8
"""How often the price is halved, then what is still allowed of the sales in between, and how often one row is added."""
SMALL_GAP = 5e-7
"""Part of the value within which an answer counts as proven."""
HALF_A_MICRO = 5e-7
RAISE, LIQUIDATE = MODES.index(Mode.RAISE_CASH), MODES.index(Mode.LIQUIDATE)


class Priced(NamedTuple):
    """A budget that was kept before, with its price by household of the book."""

    budget: Budget
    price: Floats


class Tried(NamedTuple):
    """What one attempt came to, by household: does it keep all budgets, its objective in dollars, and a lower bound."""

    kept: Bools
    objective: Floats
    lower: Floats


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where the halving of each household stands. Arrays change in place; one entry a household."""

    low: Floats
    high: Floats
    best: Floats
    """Dollars: the objective of the best attempt that keeps the budget."""
    lower: Floats
    dual: Floats
    """The price whose bound is the highest."""
    resort: Bools
    """The budget cannot be kept at any price."""
    steps_low: Ints
    """By row of theirs: steps at the price `low`, and at `high`."""
    steps_high: Ints

    def raise_bound(self, tried: Tried, price: Floats) -> None:
        better = tried.lower > self.lower
        self.lower[better], self.dual[better] = tried.lower[better], price[better]


class Halving:
    """Households that exceed a budget, all decided in one batch each time."""

    def __init__(self, search: Search, households: Ints, budget: Budget, beside: Priced | None = None) -> None:
        """:param households: ascending, with accounts asked for, decided so far without looking at this budget"""
        self.search, self.households, self.budget, self.beside = search, households, budget, beside
        self.limit, self.duals = budget.allowed(households), ~np.isin(households, budget.netting)
        self.accounts, self.owner = search.members(households)
        self.rows = search.rows_of(self.accounts)
        row_account = search.problem.rows["account"][self.rows]
        self.row_owner = np.searchsorted(households, search.household_of(row_account))
        table = search.problem.accounts[self.accounts]
        self.short, self.long = table["short_rate"].copy(), table["long_rate"].copy()
        self.must = (table["missing"] > 0) | np.isin(search.modes[self.accounts], (RAISE, LIQUIDATE))
        self.row_must = np.isin(row_account, self.accounts[self.must])
        self.row_may_gain = row_flags(search, search.problem.lots["gain"] > 0.0)[self.rows]
        rank = np.arange(len(self.rows)) - np.searchsorted(self.row_owner, self.row_owner)
        self.row_rank = rank / np.bincount(self.row_owner)[self.row_owner]
        self.free_steps, self.free_gain = search.outcome.steps[self.rows], row_gains(search)[self.rows]
        self.ceiling = self.limit if beside is None else self._ceiling(beside.budget)
        self.remembered = Remembered(search, households)

    def solve(self) -> Floats:
        """The households' prices, dollars a dollar of budget; the search's outcome holds the best decisions found."""
        state = self._start()
        self._halve_prices(state)
        self._last_resort(state)
        self._widen(state)
        self._fill(state)
        self._finish(state)
        price: Floats = np.where(state.resort, 0.0, state.dual)
        return price

    def _start(self) -> State:
        count, steps = len(self.households), self.search.outcome.steps[self.rows]
        return State(
            low=np.zeros(count),
            high=np.full(count, np.inf),
            best=np.full(count, np.inf),
            lower=self._summed(self.search.outcome.bound),
            dual=np.zeros(count),
            resort=np.zeros(count, dtype=bool),
            steps_low=steps.copy(),
            steps_high=steps.copy(),
        )

    def _halve_prices(self, state: State) -> None:
        for _ in range(STEPS):
            found = np.isfinite(state.high)
            rising = np.minimum(np.maximum(state.low * FASTER, FIRST), HIGHEST)
            price = np.where(found, (state.low + np.where(found, state.high, 0.0)) / 2, rising)
            tried = self._try(price)
            state.raise_bound(tried, price)
            self._learn(state, tried, tried.kept)
            state.high[tried.kept], state.low[~tried.kept] = price[tried.kept], price[~tried.kept]
            self._keep_steps(state.steps_high, tried.kept)
            self._keep_steps(state.steps_low, ~tried.kept)

    def _last_resort(self, state: State) -> None:
        """Nobody realises a gain but who must raise cash, and those do nothing else."""
        state.resort[:] = ~np.isfinite(state.high)
        if not state.resort.any():
            return
        barred = state.resort[self.row_owner] & self.row_may_gain & ~self.row_must
        tried = self._try(np.full(len(self.limit), HIGHEST), np.where(barred, 0, -ANY), only_cash=state.resort)
        self._learn(state, tried, state.resort)
        state.best[state.resort] = -np.inf
        self._keep_steps(state.steps_high, state.resort)

    def _widen(self, state: State) -> None:
        """Between what is sold at the two prices, as much as the budget allows: a part of it all, then row by row."""
        low = self._most(state, lambda part: self._cut(state, part))
        high = low + 2.0**-PARTS

        def rows_first(share: Floats) -> Ints:
            first = self.row_rank < share[self.row_owner]
            limits: Ints = np.where(first, self._cut(state, high), self._cut(state, low))
            return limits

        self._most(state, rows_first)

    def _most(self, state: State, limits: Callable[[Floats], Ints]) -> Floats:
        """The largest share, by household, at which the limits keep the budget."""
        low, high = np.zeros(len(self.limit)), np.ones(len(self.limit))
        for _ in range(PARTS):
            share = (low + high) / 2
            tried = self._try(state.low, limits(share))
            self._learn(state, tried, tried.kept)
            low, high = np.where(tried.kept, share, low), np.where(tried.kept, high, share)
        return low

    def _fill(self, state: State) -> None:
        """Row by row, the sale that uses most of what is left of the budget; half of it where that was too much."""
        each = self._use_a_step()
        finite, most = np.where(np.isfinite(each), each, 0.0), np.maximum(-state.steps_low, 0)
        for _ in range(FILLS):
            self.remembered.restore()
            steps = self.search.outcome.steps[self.rows]
            left = self.limit - self.budget.of_households(self.search, self.households)
            extra = np.minimum(np.floor((left[self.row_owner] + HALF_A_MICRO) / each), steps - state.steps_low)
            extra = np.minimum(extra, most).astype(np.int64)
            chosen = self._first_of_each(extra * finite)
            chosen = chosen[extra[chosen] > 0]
            if not len(chosen):
                return
            limits = np.where(self.row_must, -ANY, np.minimum(steps, 0))
            limits[chosen] = steps[chosen] - extra[chosen]
            before = state.best.copy()
            tried = self._try(state.low, limits)
            self._learn(state, tried, tried.kept)
            failed = chosen[state.best[self.row_owner[chosen]] >= before[self.row_owner[chosen]]]
            most[failed] = extra[failed] // 2

    def _use_a_step(self) -> Floats:
        """Dollars of the budget that a step of every row's sale uses, about; infinite where it uses none."""
        account = self.search.problem.rows["account"][self.rows]
        rate = np.maximum(self.budget.short[account], self.budget.long[account])
        sold = np.maximum(-self.free_steps, 1)
        use = np.where(self.row_must, 0.0, self.free_gain * rate / sold)
        each: Floats = np.where(use > 0, use, np.inf)
        return each

    def _first_of_each(self, score: Floats) -> Ints:
        """The row of every household with the highest score, the first of equals."""
        order = np.lexsort((np.arange(len(score)), -score, self.row_owner))
        _, first = np.unique(self.row_owner[order], return_index=True)
        chosen: Ints = order[first]
        return chosen

    def _cut(self, state: State, part: Floats) -> Ints:
        """Limits that allow a part of the sales in between; none where cash must be raised."""
        between = state.steps_low - state.steps_high
        cut = state.steps_high + np.ceil(part[self.row_owner] * between).astype(np.int64)
        limits: Ints = np.where((between < 0) & ~self.row_must, cut, -ANY)
        return limits

    def _learn(self, state: State, tried: Tried, accepted: Bools) -> None:
        better = accepted & (tried.objective < state.best)
        state.best[better] = tried.objective[better]
        self.remembered.keep(better)

    def _finish(self, state: State) -> None:
        """Write down the best, with a bound for each account: the household's gap by value."""
        self.remembered.restore()
        outcome, owner, accounts = self.search.outcome, self.owner, self.accounts
        gap = np.maximum(self._summed(outcome.objective) - state.lower, 0.0)
        value = np.maximum(self.search.problem.accounts["value"][accounts] / MICRO, 0.01)
        whole = np.bincount(owner, value, minlength=len(self.limit))
        priced = ~state.resort[owner]
        shared = outcome.objective[accounts] - gap[owner] * value / whole[owner]
        outcome.bound[accounts[priced]] = shared[priced]
        outcome.proven[accounts[priced]] = (gap <= SMALL_GAP * whole)[owner[priced]]
        self._explain()

    def _explain(self) -> None:
        """The budget is why less is sold at a gain than there would be without it, where a sale stops short."""
        outcome, rows = self.search.outcome, self.rows
        fewer = (self.free_steps < 0) & (outcome.steps[rows] > self.free_steps)
        stopped = fewer & (self.free_gain > 0) & (outcome.skip[rows] > 0)
        outcome.skip[rows[stopped]] = self.budget.reason

    def _try(self, price: Floats, limits: Ints | None = None, only_cash: Bools | None = None) -> Tried:
        """Decide all of them at a price; the problem is left as it was, the outcome states the true objectives.

        :param limits: by row of theirs, the fewest steps, sales negative
        :param only_cash: households in which accounts that must raise cash do nothing else
        """
        problem, accounts = self.search.problem, self.accounts
        lowest = problem.rows["lowest"][self.rows].copy()
        if limits is not None:
            problem.rows["lowest"][self.rows] = np.maximum(lowest, limits)
        self._set_rates(price)
        modes = self.search.modes.copy()
        if only_cash is not None:
            raising = accounts[self.must & only_cash[self.owner]]
            modes[raising] = np.where(modes[raising] == LIQUIDATE, LIQUIDATE, RAISE)
        self.search.decide(accounts, modes)
        problem.accounts["short_rate"][accounts], problem.accounts["long_rate"][accounts] = self.short, self.long
        problem.rows["lowest"][self.rows] = lowest
        return self._read(price)

    def _prices(self, price: Floats) -> list[tuple[Budget, Floats]]:
        """Budgets with their price by household of theirs."""
        both = [(self.budget, price)]
        return both if self.beside is None else [*both, (self.beside.budget, self.beside.price[self.households])]

    def _set_rates(self, price: Floats) -> None:
        table, accounts = self.search.problem.accounts, self.accounts
        short, long = self.short, self.long
        for budget, each in self._prices(price):
            short = short + each[self.owner] * budget.short[accounts]
            long = long + each[self.owner] * budget.long[accounts]
        table["short_rate"][accounts], table["long_rate"][accounts] = short, long

    def _read(self, price: Floats) -> Tried:
        search, outcome, accounts = self.search, self.search.outcome, self.accounts
        lower = self._summed(outcome.bound)
        for budget, each in self._prices(price):
            paid = each[self.owner] * budget.of_accounts(search, accounts)
            outcome.objective[accounts] -= paid
            outcome.bound[accounts] -= paid
            lower -= each * np.where(each > 0, budget.allowed(self.households), 0.0)
        kept = self.budget.of_households(search, self.households) <= self.limit + HALF_A_MICRO
        if self.beside is not None:
            kept &= self.beside.budget.of_households(search, self.households) <= self.ceiling + HALF_A_MICRO
        return Tried(kept, self._summed(outcome.objective), np.where(self.duals, lower, -np.inf))

    def _ceiling(self, other: Budget) -> Floats:
        """What the other budget allows, or what is used of it already where cash had to exceed it."""
        most: Floats = np.maximum(other.allowed(self.households), other.of_households(self.search, self.households))
        return most

    def _summed(self, column: Floats) -> Floats:
        return self.search.summed(self.owner, column[self.accounts], len(self.households))

    def _keep_steps(self, steps: Ints, households: Bools) -> None:
        """Write down what was decided for some of the households."""
        theirs = households[self.row_owner]
        steps[theirs] = self.search.outcome.steps[self.rows[theirs]]
