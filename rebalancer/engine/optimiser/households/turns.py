"""The accounts of a joint household in turn, each given what the others hold.

With the other accounts' trades fixed, the household's cost of one account's trades is what the search of a single
account minimises, with what the others leave of the goals as its goals. Deciding the accounts in turn until nothing
changes therefore only ever improves (block coordinate descent). It starts from two orders, for every way in which the
contested wash groups may be open, and from the trades of the household's program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints, product
from rebalancer.engine.optimiser.coupled.remembering import Remembered
from rebalancer.engine.optimiser.households.members import Household
from rebalancer.engine.optimiser.households.sides import Groups
from rebalancer.engine.optimiser.kernel import guard_for, run
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.setup import FULL, HARVEST, LIQUIDATE, RAISE

ROUNDS = 6
"""How often all accounts of a household are decided again at most."""
MANY_ROWS = 48
"""Rows of a household above which whole numbers are left to the turns."""
LEAST_GAIN = 1e-9
"""Part of the household's value below which an improvement is none."""
SMALL_GAP = 5e-7
"""Part of the value within which an answer counts as proven."""
LIMITS = ("lowest", "highest")
SHARED = ("value", "price_of_drift", "smallest_turnover")
"""What an account has from its household while that is decided."""
UNBOUND = (LIQUIDATE, RAISE, HARVEST)
"""Modes whose sales may go past the household's goals."""


class Turns:
    """One household's search; the outcome and goals of its accounts are written where the call keeps them."""

    def __init__(self, household: Household, modes: Ints) -> None:
        """:param modes: places in `triggers.MODES`, by account of the book"""
        self.household, self.search, self.modes = household, household.search, modes
        self.order = [account for account in household.wanted.tolist() if self.search.problem.accounts["open"][account]]
        self.small = len(household.rows) <= MANY_ROWS
        self.guard = guard_for(self.search.problem)
        self.best = inf
        self.remembered = Remembered(self.search, np.array([household.number]))
        self.goal = self.search.problem.rows["goal"][household.rows]
        self.cash_target = self.search.problem.accounts["cash_target"][household.members]

    def solve(self) -> None:
        """Where an account is only to raise or invest cash, to harvest or to be closed, each is decided once."""
        self._do_nothing()
        if not self.order:
            return
        table, whole = self.search.problem.accounts, self.household.whole.accounts[self.household.index]
        members = self.household.members
        kept = table[list(SHARED)][members].copy()
        table["price_of_drift"][members] = whole["price_of_drift"]
        if (self.modes[members] == FULL).all():
            table["value"][members], table["smallest_turnover"][members] = whole["value"], -1
            bound = self._solve_together()
            table["value"][members] = kept["value"]
            self._certify(bound)
            self._drop_if_too_small()
        else:
            self._decide_once_each()
        for name in SHARED:
            table[name][members] = kept[name]

    def _do_nothing(self) -> None:
        """From here every search begins, whatever was decided before."""
        household, outcome = self.household, self.search.outcome
        outcome.steps[household.rows] = 0
        outcome.taken[household.lots] = 0
        for column in (outcome.short, outcome.long):
            column[household.members] = 0
        outcome.cash[household.members] = self.search.problem.accounts["free"][household.members]
        outcome.too_small[household.members] = False

    def _decide_once_each(self) -> None:
        """Each account for what it is asked for, given the others; certificates are each account's own.

        Those whose sales may go past the household's goals come first, so that the others can make up for them.
        """
        missing, groups = self.search.problem.accounts["missing"], Groups(self.household, few=0)

        def turn(account: int) -> int:
            mode = int(self.modes[account])
            return UNBOUND.index(mode) if mode in UNBOUND else len(UNBOUND) + int(missing[account] == 0)

        for account in sorted(self.order, key=turn):
            self._turn(groups.forced(groups.of_trades()), account, np.zeros(len(self.household.rows)))

    def _solve_together(self) -> float:
        """Dollars that nothing costs less than; the outcome holds the best."""
        household, problem = self.household, self.search.problem
        nothing = household.objective()
        with self._limits():
            self._keep_direction()
            bound = self._search()
            if self.best > nothing:
                self._stay()
        self.remembered.restore()
        problem.rows["goal"][household.rows] = self.goal
        problem.accounts["cash_target"][household.members] = self.cash_target
        return bound

    @contextmanager
    def _limits(self) -> Iterator[None]:
        """Limits of steps are as before when this ends."""
        rows = self.search.problem.rows
        kept = rows[list(LIMITS)][self.household.rows].copy()
        yield
        for name in LIMITS:
            rows[name][self.household.rows] = kept[name]

    def _keep_direction(self) -> None:
        """What the household has too little of is not sold, what it has too much of not bought.

        Unless cash must be raised or losses are sold somewhere: then another account may make up for it.
        """
        household, problem = self.household, self.search.problem
        accounts, table = problem.accounts[household.members], problem.rows
        held = np.bincount(household.joint, household.held_after() / MICRO, len(household.goals))
        under = (held < household.goals / MICRO)[household.joint]
        frees = ((accounts["missing"] > 0) | (accounts["harvest"] & accounts["taxable"]))[household.owner]
        stays = household.rows[under & ~frees]
        table["lowest"][stays] = np.maximum(table["lowest"][stays], 0)
        if not frees.any():
            over = household.rows[~under]
            table["highest"][over] = np.minimum(table["highest"][over], 0)

    def _search(self) -> float:
        """Decide by turns, then as the program says and by turns from there; what nothing costs less than."""
        # HiGHS is loaded only where a household asks for it.
        from rebalancer.engine.optimiser.households.program import EXACT, QUICK, RELAXED, program

        groups = Groups(self.household, few=3 if self.small else 1)
        for sides in groups.ways():
            forced = groups.forced(sides)
            for order in (self.order, self.order[::-1]):
                self._do_nothing()
                self._descend(forced, order)
        usual = QUICK if self.small and not self.household.sketched else RELAXED
        programmed = program(self.household, EXACT if self.household.exact else usual)
        if programmed.steps is not None:
            self._follow(np.round(programmed.steps).astype(np.int64), groups)
        return programmed.bound

    def _follow(self, steps: Ints, groups: Groups) -> None:
        """Make just these trades, and decide in turn from there."""
        table = self.search.problem.rows[self.household.rows]
        forced = groups.forced(groups.of_steps(steps))
        with self._limits():
            for name in LIMITS:
                self.search.problem.rows[name][self.household.rows] = steps
            self._do_nothing()
            self._descend(forced, self.order, steps * (table["step"] / MICRO) * (table["price"] / MICRO), rounds=1)
        self._descend(forced, self.order)

    def _stay(self) -> None:
        """Nothing is better than all that was found."""
        groups, self.best = Groups(self.household, few=0), inf
        for name in LIMITS:
            self.search.problem.rows[name][self.household.rows] = 0
        self._do_nothing()
        self._descend(groups.forced({}), self.order, rounds=1)

    def _descend(
        self, forced: Problem, order: Sequence[int], planned: Floats | None = None, *, rounds: int = ROUNDS
    ) -> None:
        """Decide the accounts in turn, from what they trade now, until nothing improves; remember the best.

        :param planned: dollars by row that accounts not yet decided are taken to trade
        """
        planned = np.zeros(len(self.household.rows)) if planned is None else planned.copy()
        last = inf
        for _ in range(rounds):
            for account in order:
                self._turn(forced, account, planned)
            now = self.household.objective()
            self._keep_if_better(now)
            if now < inf and now >= last - LEAST_GAIN * self.household.value:
                return
            last = now

    def _turn(self, forced: Problem, account: int, planned: Floats) -> None:
        """Decide one account, given the others."""
        search, one = self.search, np.array([account])
        mine = self.household.rows_of(account)
        planned[mine] = 0.0
        self._aim(account, mine, planned)
        run(forced, one, self.modes[one], search.effort, search.work, self.guard, search.outcome, search.risk)

    def _aim(self, account: int, mine: Bools, planned: Floats | None = None) -> None:
        """The account's goals are what the others leave of the household's; where they leave it enough, what it has."""
        household, problem = self.household, self.search.problem
        others = household.held_after()
        if planned is not None:
            others += np.round(planned * MICRO).astype(np.int64)
        theirs = np.zeros(len(household.goals), dtype=np.int64)
        np.add.at(theirs, household.joint[~mine], others[~mine])
        rows = household.rows[mine]
        own = product(problem.rows["quantity"][rows], problem.rows["price"][rows])
        lowest, highest = ((to - theirs)[household.joint[mine]] for to in (household.bought_to, household.sold_to))
        problem.rows["goal"][rows] = np.clip(own, lowest, highest)
        elsewhere = float(household.cash()[household.members != account].sum())
        problem.accounts["cash_target"][account] = int((household.cash_target - elsewhere) * MICRO)

    def _keep_if_better(self, objective: float) -> None:
        household, problem = self.household, self.search.problem
        if objective >= self.best - LEAST_GAIN * household.value:
            return
        self.best = objective
        self.remembered.keep(np.array([True]))
        for account in self.order:
            self._aim(account, household.rows_of(account))
        self.goal = problem.rows["goal"][household.rows]
        self.cash_target = problem.accounts["cash_target"][household.members]

    def _certify(self, bound: float) -> None:
        """Objective and bound are the household's, shared out by value, so that they add up."""
        household, outcome = self.household, self.search.outcome
        share = np.maximum(self.search.problem.accounts["value"][household.wanted], 1).astype(np.float64)
        share /= share.sum()
        lowest = min(bound, self.best)
        outcome.objective[household.wanted] = self.best * share
        outcome.bound[household.wanted] = lowest * share
        outcome.proven[household.wanted] = self.best - lowest <= SMALL_GAP * household.value

    def _drop_if_too_small(self) -> None:
        """The last condition of the HYBRID preset, of the household's trades together."""
        household, problem, outcome = self.household, self.search.problem, self.search.outcome
        smallest = int(household.whole.accounts["smallest_turnover"][household.index])
        table = problem.rows[household.rows]
        traded = float((np.abs(outcome.steps[household.rows]) * table["step"] / MICRO * table["price"]).sum())
        missing = (problem.accounts["missing"][household.members] > 0).any()
        if missing or smallest < 0 or not 0 < traded <= smallest:
            return
        self._do_nothing()
        outcome.reason[household.rows] = 0
        outcome.too_small[household.wanted] = True
