"""A household's budget of net gains: one price for every dollar of gain, the same in all its taxable accounts.

The accounts of a household meet in nothing but the budget B. With a price v on it, they part again: each is decided
with v added to both its tax rates. Gains G(v) fall as v rises, so that halving finds the least price at which they
keep within B; between the last price that does and the last that does not, sales are cut back in parts until the
budget is used. Whatever v is, the accounts' bounds at v less v·B together bound the household from below (weak
duality, as in Everett 1963).

Cash that must be raised comes first: a dollar of it that is missing costs more than any price here. Where the budget
is not enough for it, accounts that must raise cash do nothing else, the others realise no gains, and the budget is
exceeded by what is left. Budgets below zero count as zero: losses are never forced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book_tables import MICRO, NO_BUDGET, Bools, Floats, HouseholdTaxes, Ints
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search, places_of, row_flags
from rebalancer.engine.optimiser.decision import SkipReason
from rebalancer.engine.optimiser.work import ANY
from rebalancer.engine.triggers import MODES, Mode

FIRST, FASTER, HIGHEST = 0.25, 4.0, 1024.0
"""Prices that are tried until the budget is kept."""
STEPS, PARTS = 14, 6
"""How often the price is halved, and then what is still allowed of the sales in between."""
SMALL_GAP = 5e-7
"""Part of the value within which an answer counts as proven."""
GAIN_BUDGET = PLACES[SkipReason.GAIN_BUDGET.value]
FULL, RAISE, LIQUIDATE = (MODES.index(mode) for mode in (Mode.FULL, Mode.RAISE_CASH, Mode.LIQUIDATE))


class Tried(NamedTuple):
    """What one attempt came to, by household: micro-dollars of gain, dollars of objective, and a lower bound."""

    gain: Ints
    objective: Floats
    lower: Floats


class Attempt(NamedTuple):
    """How households are decided."""

    price: Floats
    limits: Ints
    """By row of theirs, the fewest steps, sales negative."""
    last_resort: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Halving:
    """Where the halving of each household stands. Arrays change in place; one entry a household."""

    low: Floats
    high: Floats
    best: Floats
    """Dollars: the objective of the best attempt that keeps the budget."""
    lower: Floats
    dual: Floats
    """The price whose bound is the highest."""
    steps_low: Ints
    """By row of theirs: steps at the price `low`, and at `high`."""
    steps_high: Ints
    chosen: Attempt

    def learn(self, tried: Tried, attempt: Attempt, kept: Bools, row_owner: Ints) -> None:
        better = kept & (tried.objective < self.best)
        rows, chosen = better[row_owner], self.chosen
        chosen.price[better], chosen.last_resort[better] = attempt.price[better], attempt.last_resort[better]
        chosen.limits[rows] = attempt.limits[rows]
        self.best[better] = tried.objective[better]

    def raise_bound(self, tried: Tried, price: Floats) -> None:
        better = tried.lower > self.lower
        self.lower[better], self.dual[better] = tried.lower[better], price[better]


def keep_budgets(search: Search, taxes: HouseholdTaxes, households: Ints, price: Floats) -> None:
    """Decide those of the households again whose gains exceed their budget, and write down their price.

    :param households: decided so far without looking at budgets
    :param price: dollars a dollar of budget, by household of the book; changed in place
    """
    price[households] = 0.0
    budget = taxes.gain_budget[households]
    gain = search.net_gain(len(price))[households]
    over = households[(budget != NO_BUDGET) & (gain > np.maximum(budget, 0))]
    if len(over):
        price[over] = _Budgeted(search, over, np.maximum(taxes.gain_budget[over], 0)).solve()


class _Budgeted:
    """Households whose gains exceed their budget, all decided in one batch each time."""

    def __init__(self, search: Search, households: Ints, limit: Ints) -> None:
        self.search, self.limit = search, limit
        self.accounts = search.accounts_of(households)
        place = places_of(households, int(search.problem.accounts["household"].max()) + 1)
        self.owner = place[search.household_of(self.accounts)]
        self.rows = search.rows_of(self.accounts)
        self.row_owner = place[search.household_of(search.problem.rows["account"][self.rows])]
        table = search.problem.accounts[self.accounts]
        self.short, self.long = table["short_rate"].copy(), table["long_rate"].copy()
        self.must = (table["missing"] > 0) | np.isin(search.modes[self.accounts], (RAISE, LIQUIDATE))
        must = np.zeros(len(search.problem.accounts), dtype=bool)
        must[self.accounts[self.must]] = True
        self.row_must = must[search.problem.rows["account"][self.rows]]
        self.row_gains = row_flags(search, search.problem.lots["gain"] > 0.0)[self.rows]
        rank = np.arange(len(self.rows)) - np.searchsorted(self.row_owner, self.row_owner)
        self.row_rank = rank / np.bincount(self.row_owner)[self.row_owner]
        self.free_steps, self.free_gain = search.outcome.steps.copy(), self._row_gain()

    def solve(self) -> Floats:
        """The households' prices; the search's outcome holds the best decisions found."""
        state = self._start()
        self._halve_prices(state)
        self._last_resort(state)
        self._widen(state)
        return self._finish(state)

    def _start(self) -> Halving:
        count, steps = len(self.limit), self.search.outcome.steps[self.rows]
        none = np.zeros(count)
        return Halving(
            low=none.copy(),
            high=np.full(count, np.inf),
            best=np.full(count, np.inf),
            lower=self._read(none).lower,
            dual=none.copy(),
            steps_low=steps.copy(),
            steps_high=steps.copy(),
            chosen=self._attempt(none.copy()),
        )

    def _attempt(self, price: Floats) -> Attempt:
        """At a price alone."""
        return Attempt(price, np.full(len(self.rows), -ANY, dtype=np.int64), np.zeros(len(price), dtype=bool))

    def _halve_prices(self, state: Halving) -> None:
        for _ in range(STEPS):
            found = np.isfinite(state.high)
            rising = np.minimum(np.maximum(state.low * FASTER, FIRST), HIGHEST)
            price = np.where(found, (state.low + np.where(found, state.high, 0.0)) / 2, rising)
            attempt = self._attempt(price)
            tried = self._try(attempt)
            kept = tried.gain <= self.limit
            state.raise_bound(tried, price)
            state.learn(tried, attempt, kept, self.row_owner)
            state.high[kept], state.low[~kept] = price[kept], price[~kept]
            self._keep_steps(state.steps_high, kept)
            self._keep_steps(state.steps_low, ~kept)

    def _last_resort(self, state: Halving) -> None:
        """Nobody realises a gain but who must raise cash, and those do nothing else."""
        beyond = ~np.isfinite(state.high)
        if not beyond.any():
            return
        barred = beyond[self.row_owner] & self.row_gains & ~self.row_must
        attempt = Attempt(
            np.where(beyond, HIGHEST, state.chosen.price), np.where(barred, 0, state.chosen.limits), beyond
        )
        state.learn(self._try(attempt), attempt, beyond, self.row_owner)
        self._keep_steps(state.steps_high, beyond)

    def _widen(self, state: Halving) -> None:
        """Between what is sold at the two prices, as much as the budget allows: a part of it all, then row by row."""
        count, whole = len(self.limit), np.ones(len(self.limit))
        low = self._most(state, np.zeros(count), whole, lambda part: self._cut(state, part))
        high = low + 2.0**-PARTS

        def rows_first(share: Floats) -> Ints:
            first = self.row_rank < share[self.row_owner]
            limits: Ints = np.where(first, self._cut(state, high), self._cut(state, low))
            return limits

        self._most(state, np.zeros(count), whole, rows_first)

    def _most(self, state: Halving, low: Floats, high: Floats, limits: Callable[[Floats], Ints]) -> Floats:
        """The largest share, by household, at which the limits keep the budget."""
        for _ in range(PARTS):
            share = (low + high) / 2
            attempt = Attempt(state.low, limits(share), np.zeros(len(share), dtype=bool))
            tried = self._try(attempt)
            kept = tried.gain <= self.limit
            state.learn(tried, attempt, kept, self.row_owner)
            low, high = np.where(kept, share, low), np.where(kept, high, share)
        return low

    def _cut(self, state: Halving, part: Floats) -> Ints:
        """Limits that allow a part of the sales in between; none where cash must be raised."""
        between = state.steps_low - state.steps_high
        cut = state.steps_high + np.ceil(part[self.row_owner] * between).astype(np.int64)
        limits: Ints = np.where((between < 0) & ~self.row_must, cut, -ANY)
        return limits

    def _finish(self, state: Halving) -> Floats:
        """Decide as was best, and state objective and bound at the true rates."""
        tried = self._try(state.chosen)
        outcome, owner, accounts = self.search.outcome, self.owner, self.accounts
        priced = state.chosen.price[owner] * self._gains() / MICRO
        outcome.objective[accounts] -= priced
        resort = state.chosen.last_resort[owner]
        gap = np.maximum(tried.objective - state.lower, 0.0)
        value = np.maximum(self.search.problem.accounts["value"][accounts] / MICRO, 0.01)
        whole = np.bincount(owner, value, minlength=len(self.limit))
        shared = outcome.objective[accounts] - gap[owner] * value / whole[owner]
        outcome.bound[accounts] = np.where(resort, outcome.bound[accounts] - priced, shared)
        outcome.proven[accounts] = np.where(resort, outcome.proven[accounts], (gap <= SMALL_GAP * whole)[owner])
        self._explain()
        beyond: Floats = np.where(state.chosen.last_resort & (tried.gain > self.limit), 0.0, state.dual)
        return beyond

    def _explain(self) -> None:
        """The budget is why less is sold at a gain than there would be without it, where a sale stops short."""
        outcome, rows = self.search.outcome, self.rows
        fewer = (self.free_steps[rows] < 0) & (outcome.steps[rows] > self.free_steps[rows])
        stopped = fewer & (self.free_gain[rows] > 0) & (outcome.skip[rows] > 0)
        outcome.skip[rows[stopped]] = GAIN_BUDGET

    def _row_gain(self) -> Floats:
        """Dollars of gain that every row's sale realises."""
        problem = self.search.problem
        of_lot = problem.lots["gain"] * self.search.outcome.taken / MICRO
        counted = np.concatenate([np.zeros(1), np.cumsum(of_lot)])
        position = problem.rows["position"]
        at = np.maximum(position, 0)
        if len(problem.lot_offsets) == 1:
            return np.zeros(len(position))
        found: Floats = np.where(
            position >= 0, counted[problem.lot_offsets[at + 1]] - counted[problem.lot_offsets[at]], 0.0
        )
        return found

    def _try(self, attempt: Attempt) -> Tried:
        """Decide all of them; the problem is left as it was."""
        table, rows = self.search.problem.accounts, self.search.problem.rows
        accounts, price = self.accounts, attempt.price[self.owner]
        lowest = rows["lowest"][self.rows].copy()
        table["short_rate"][accounts], table["long_rate"][accounts] = self.short + price, self.long + price
        rows["lowest"][self.rows] = np.maximum(lowest, attempt.limits)
        modes = self.search.modes.copy()
        only_cash = accounts[self.must & attempt.last_resort[self.owner] & (modes[accounts] != LIQUIDATE)]
        modes[only_cash] = RAISE
        self.search.decide(accounts, modes)
        table["short_rate"][accounts], table["long_rate"][accounts] = self.short, self.long
        rows["lowest"][self.rows] = lowest
        return self._read(attempt.price)

    def _read(self, price: Floats) -> Tried:
        outcome, accounts, count = self.search.outcome, self.accounts, len(self.limit)
        gain = np.zeros(count, dtype=np.int64)
        np.add.at(gain, self.owner, self._gains())
        objective = np.bincount(self.owner, outcome.objective[accounts], minlength=count)
        bound = np.bincount(self.owner, outcome.bound[accounts], minlength=count)
        return Tried(gain, objective - price * gain / MICRO, bound - price * self.limit / MICRO)

    def _gains(self) -> Ints:
        """Micro-dollars, by account."""
        realised: Ints = self.search.outcome.short[self.accounts] + self.search.outcome.long[self.accounts]
        return realised

    def _keep_steps(self, steps: Ints, households: Bools) -> None:
        """Write down what was decided for some of the households."""
        theirs = households[self.row_owner]
        steps[theirs] = self.search.outcome.steps[self.rows[theirs]]
