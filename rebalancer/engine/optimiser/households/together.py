"""Households whose accounts follow one target together: account after account, each given what the others hold.

With the other accounts' trades fixed, the household's cost of one account's trades is what the search of a single
account minimises, with what the others leave of the goals as its goals. Deciding the accounts in turn until nothing
changes therefore only ever improves (block coordinate descent); it starts from several orders and from the linear
relaxation, for every way in which the wash groups that concern several accounts may be open. No cash moves between
accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as combinations
from math import inf

import numpy as np

from rebalancer.engine.book_tables import MICRO, NONE, Bools, Floats, Ints
from rebalancer.engine.joint_drift import JointDrift
from rebalancer.engine.optimiser.coupled.remembering import Remembered
from rebalancer.engine.optimiser.coupled.searches import Search, spans
from rebalancer.engine.optimiser.households.members import Household
from rebalancer.engine.optimiser.kernel import guard_for, run
from rebalancer.engine.optimiser.problem import Problem, Wash
from rebalancer.engine.optimiser.setup import FULL

ROUNDS = 6
"""How often all accounts of a household are decided again at most."""
OPEN, QUIET = 0, 1
"""A wash group may be bought and sold at a gain, or sold only."""
FEW_GROUPS = 3
"""Contested wash groups of which every combination of sides is tried."""
MANY_ROWS = 48
"""Rows of a household above which whole numbers are left to the turns."""
LEAST_GAIN = 1e-9
"""Part of the household's value below which an improvement is none."""
SMALL_GAP = 5e-7
"""Part of the value within which an answer counts as proven."""


class Together:
    """The joint households of one call."""

    def __init__(self, joint: JointDrift, whole: Problem, *, exact: bool) -> None:
        """
        :param whole: the problem of `joint.book`
        :param exact: go on until the best answer is proven
        """
        self.joint = joint
        self.whole = whole
        self.exact = exact

    def owns(self, accounts: Ints) -> Bools:
        """Which accounts belong to a joint household."""
        flags: Bools = self.joint.owner[accounts] != NONE
        return flags

    def decide(self, search: Search, accounts: Ints, modes: Ints) -> None:
        """Decide accounts of joint households; `search.outcome` holds the answers, `search.problem` their goals.

        :param modes: places in `triggers.MODES`, by account of the book
        """
        households = self.joint.owner[accounts]
        for index in np.unique(households).tolist():
            _Solve(self._household(search, index, accounts[households == index]), modes).solve()

    def _household(self, search: Search, index: int, wanted: Ints) -> Household:
        problem, members = search.problem, np.flatnonzero(self.joint.owner == index)
        rows = search.rows_of(members)
        counts = np.diff(problem.row_offsets)[members]
        position = problem.rows["position"][rows]
        begin = np.append(problem.lot_offsets[:-1], 0)[position]
        lots = np.append(np.diff(problem.lot_offsets), 0)[position]
        return Household(
            search=search,
            whole=self.whole,
            index=index,
            exact=self.exact,
            members=members,
            wanted=wanted,
            rows=rows,
            owner=np.repeat(np.arange(len(members)), counts),
            joint=self.joint.row[rows] - int(self.whole.row_offsets[index]),
            lots=spans(begin, begin + lots),
            lot_row=np.repeat(np.arange(len(rows)), lots),
        )


class _Solve:
    """One household."""

    def __init__(self, household: Household, modes: Ints) -> None:
        self.household = household
        self.search = household.search
        self.modes = modes
        self.order = [account for account in household.wanted.tolist() if self.search.problem.accounts["open"][account]]
        self.best = inf
        self.guard = guard_for(self.search.problem)
        self.group = self.search.problem.rows["group"][household.rows]
        number = int(self.search.problem.accounts["household"][household.members[0]])
        self.remembered = Remembered(self.search, np.array([number]))
        self.goal = self.search.problem.rows["goal"][household.rows].copy()
        self.cash_target = self.search.problem.accounts["cash_target"][household.members].copy()

    def solve(self) -> None:
        household, table = self.household, self.search.problem.accounts
        if not self.order:
            return
        kept = table[household.members].copy()
        limits = self.search.problem.rows[["lowest", "highest"]][household.rows].copy()
        table["value"][household.members] = self.whole_value()
        table["price_of_drift"][household.members] = household.whole.accounts["price_of_drift"][household.index]
        table["smallest_turnover"][household.members] = -1
        self._keep_direction()
        bound = self._search()
        self.remembered.restore()
        self.search.problem.rows["goal"][household.rows] = self.goal
        for name in ("value", "price_of_drift", "smallest_turnover"):
            table[name][household.members] = kept[name]
        table["cash_target"][household.members] = self.cash_target
        for name in ("lowest", "highest"):
            self.search.problem.rows[name][household.rows] = limits[name]
        self._certify(bound)
        self._drop_if_too_small()

    def whole_value(self) -> int:
        """Micro-dollars."""
        return int(self.household.whole.accounts["value"][self.household.index])

    def _keep_direction(self) -> None:
        """What the household has too little of is not sold, what it has too much of not bought.

        Unless cash must be raised or losses are sold somewhere: then another account may make up for it.
        """
        household, problem = self.household, self.search.problem
        accounts, table = problem.accounts[household.members], problem.rows
        held = np.bincount(household.joint, household.held_after() / MICRO, len(household.goals))
        under = (held < household.goals / MICRO)[household.joint]
        frees = ((accounts["missing"] > 0) | (accounts["harvest"] & accounts["taxable"]))[household.owner]
        special = self.modes[household.members][household.owner] != FULL
        rows = household.rows
        stays = rows[under & ~frees & ~special]
        table["lowest"][stays] = np.maximum(table["lowest"][stays], 0)
        if not frees.any() and not special.any():
            table["highest"][rows[~under]] = np.minimum(table["highest"][rows[~under]], 0)

    def _search(self) -> float:
        """Decide by turns, then as the program says and by turns from there; what nothing costs less than."""
        for ways in combinations((OPEN, QUIET), repeat=len(self._contested())):
            self._descend_both(dict(zip(self._contested(), ways, strict=True)))
        # HiGHS is loaded only where a household asks for it.
        from rebalancer.engine.optimiser.households.program import EXACT, QUICK, RELAXED, program

        usual = QUICK if self._is_small() else RELAXED
        programmed = program(self.household, EXACT if self.household.exact else usual)
        if programmed.steps is not None:
            self._follow(programmed.steps)
        return programmed.bound

    def _is_small(self) -> bool:
        return len(self.household.rows) <= MANY_ROWS

    def _follow(self, steps: Floats) -> None:
        """Start from trades that were found elsewhere, sides of wash groups with them."""
        household, problem = self.household, self.search.problem
        whole = np.round(steps).astype(np.int64)
        dollars = (
            whole * (problem.rows["step"][household.rows] / MICRO) * (problem.rows["price"][household.rows] / MICRO)
        )
        bought = set(self.group[whole > 0].tolist())
        sides = {group: OPEN if group in bought else QUIET for group in np.unique(self.group).tolist()}
        limits = problem.rows[["lowest", "highest"]][household.rows].copy()
        for name in ("lowest", "highest"):
            problem.rows[name][household.rows] = whole
        self._descend(self._forced(sides), self.order, dollars, rounds=1)
        for name in ("lowest", "highest"):
            problem.rows[name][household.rows] = limits[name]
        self._descend(self._forced(sides), self.order, None, fresh=False)

    def _losses(self) -> Floats:
        """By row, dollars of losses that a taxed account may sell."""
        household, problem = self.household, self.search.problem
        lots = problem.lots[household.lots]
        taxable = problem.accounts["taxable"][household.members][household.owner]
        may = (problem.rows["sell_bar"][household.rows] == 0) & taxable & (problem.rows["lowest"][household.rows] < 0)
        of_lot = np.where(lots["loss"] & may[household.lot_row], -lots["gain"] * lots["quantity"] / MICRO, 0.0)
        losses: Floats = np.bincount(household.lot_row, of_lot, len(household.rows)).astype(np.float64)
        return losses

    def _buyable(self) -> Bools:
        household, problem = self.household, self.search.problem
        table = problem.rows[household.rows]
        held = table["quantity"] / MICRO * (table["price"] / MICRO)
        may: Bools = (table["buy_bar"] == 0) & (table["highest"] > 0)
        return may & (household.goals[household.joint] / MICRO > held)

    def _contested(self) -> list[int]:
        """Groups of which losses may be sold and something may be bought, the few with the largest losses."""
        losses, bought = self._losses(), set(self.group[self._buyable()].tolist())
        total = {group: float(losses[self.group == group].sum()) for group in bought}
        few = FEW_GROUPS if self._is_small() else 1
        return [group for group, loss in sorted(total.items(), key=lambda one: (-one[1], one[0])) if loss > 0.0][:few]

    def _forced(self, sides: dict[int, int]) -> Problem:
        """The problem with every wash group open to one side: bought, or sold at a loss."""
        problem = self.search.problem
        losses = self._losses()
        every = {group: OPEN if losses[self.group == group].sum() == 0.0 else QUIET for group in self.group.tolist()}
        bought = set(self.group[self._buyable()].tolist())
        every.update(dict.fromkeys(bought, OPEN))
        every.update(sides)
        number = int(problem.accounts["household"][self.household.members[0]])
        return problem._replace(wash=_forced(problem.wash, number, every))

    def _descend_both(self, sides: dict[int, int]) -> None:
        forced = self._forced(sides)
        for order in (self.order, self.order[::-1]):
            self._descend(forced, order, None)

    def _descend(
        self,
        forced: Problem,
        order: Sequence[int],
        change: Floats | None,
        *,
        rounds: int = ROUNDS,
        fresh: bool = True,
    ) -> None:
        """Decide the accounts in turn until nothing improves; remember the best.

        :param change: dollars by row that accounts not yet decided are taken to trade; nothing where None
        :param fresh: from no trades, not from those that stand
        """
        household = self.household
        outcome, planned = self.search.outcome, np.zeros(len(household.rows)) if change is None else change.copy()
        if fresh:
            outcome.steps[household.rows] = 0
            outcome.taken[household.lots] = 0
            outcome.cash[household.members] = self.search.problem.accounts["free"][household.members]
        last = inf
        for _ in range(rounds):
            for account in order:
                self._turn(forced, account, planned)
            now = household.objective()
            self._keep_if_better(now)
            if now >= last - LEAST_GAIN * household.value:
                return
            last = now

    def _turn(self, forced: Problem, account: int, planned: Floats) -> None:
        """Decide one account, given the others."""
        household, search = self.household, self.search
        mine = household.owner == int(np.searchsorted(household.members, account))
        planned[mine] = 0.0
        self._aim(account, mine, planned)
        one = np.array([account])
        run(forced, one, self.modes[one], search.effort, search.work, self.guard, search.outcome, search.risk)

    def _aim(self, account: int, mine: Bools, planned: Floats) -> None:
        """The account's goals are what the others leave of the household's."""
        household, problem = self.household, self.search.problem
        others = household.held_after() + np.round(planned * MICRO).astype(np.int64)
        theirs = np.zeros(len(household.goals), dtype=np.int64)
        np.add.at(theirs, household.joint[~mine], others[~mine])
        rows = household.rows[mine]
        problem.rows["goal"][rows] = (household.goals - theirs)[household.joint[mine]]
        cash = household.cash()
        elsewhere = float(cash[household.members != account].sum())
        problem.accounts["cash_target"][account] = int((household.cash_target - elsewhere) * MICRO)

    def _keep_if_better(self, objective: float) -> None:
        if objective >= self.best - LEAST_GAIN * self.household.value:
            return
        self.best = objective
        self.remembered.keep(np.array([True]))
        for account in self.order:
            mine = self.household.owner == int(np.searchsorted(self.household.members, account))
            self._aim(account, mine, np.zeros(len(mine)))
        self.goal = self.search.problem.rows["goal"][self.household.rows].copy()
        self.cash_target = self.search.problem.accounts["cash_target"][self.household.members].copy()

    def _certify(self, bound: float) -> None:
        """Objective and bound are the household's, shared out by value, so that they add up."""
        household, outcome = self.household, self.search.outcome
        share = self.search.problem.accounts["value"][household.wanted].astype(np.float64)
        share /= share.sum()
        lowest = min(bound, self.best)
        outcome.objective[household.wanted] = self.best * share
        outcome.bound[household.wanted] = lowest * share
        outcome.proven[household.wanted] = self.best - lowest <= SMALL_GAP * household.value

    def _drop_if_too_small(self) -> None:
        """The last condition of the HYBRID preset, of the household's trades together."""
        household, problem, outcome = self.household, self.search.problem, self.search.outcome
        smallest = int(household.whole.accounts["smallest_turnover"][household.index])
        accounts = problem.accounts[household.members]
        whole = (self.modes[household.members] == FULL).all() and not (accounts["missing"] > 0).any()
        table = problem.rows[household.rows]
        traded = np.abs(outcome.steps[household.rows]) * table["step"] / MICRO * table["price"]
        if not whole or smallest < 0 or not 0 < traded.sum() <= smallest:
            return
        outcome.steps[household.rows] = 0
        outcome.taken[household.lots] = 0
        outcome.reason[household.rows] = 0
        for column in (outcome.short, outcome.long):
            column[household.wanted] = 0
        outcome.cash[household.wanted] = problem.accounts["free"][household.wanted]
        outcome.too_small[household.wanted] = True


def _forced(wash: Wash, household: int, sides: dict[int, int]) -> Wash:
    """The wash rule as if the household had bought, or sold at a loss, in the groups whose side is chosen."""
    groups = np.array(list(sides), dtype=np.int64)
    quiet = np.array([side == QUIET for side in sides.values()], dtype=bool)
    at = int(wash.offsets[household + 1])
    offsets = wash.offsets.copy()
    offsets[household + 1 :] += len(groups)
    return wash._replace(
        offsets=offsets,
        group=np.insert(wash.group, np.full(len(groups), at), groups),
        sold_at_loss=np.insert(wash.sold_at_loss, np.full(len(groups), at), quiet),
        bought=np.insert(wash.bought, np.full(len(groups), at), ~quiet),
    )
