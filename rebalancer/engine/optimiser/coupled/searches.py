"""One call of `solve` as something that may be asked again: some of its households, at other rates or limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints
from rebalancer.engine.optimiser.branch import Effort
from rebalancer.engine.optimiser.kernel import Outcome, guard_for, run
from rebalancer.engine.optimiser.problem import Problem, Risk
from rebalancer.engine.optimiser.work import Work

if TYPE_CHECKING:
    from rebalancer.engine.optimiser.households.apart import Apart
    from rebalancer.engine.optimiser.households.together import Together


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Search:
    """What is to be decided, and with how much effort; `decide` writes into `outcome`."""

    problem: Problem
    outcome: Outcome
    accounts: Ints
    """All that were asked for, household by household and the taxable ones first."""
    modes: Ints
    """Places in `triggers.MODES`, by account of the book."""
    effort: Effort
    work: Work
    risk: Risk | None
    together: Together | None = None
    """Households whose accounts follow one target together."""
    apart: Apart | None = None
    """How the others are decided; where not given, account after account."""

    def decide(self, accounts: Ints, modes: Ints | None = None) -> None:
        """Decide accounts of whole households, in the order of `self.accounts`.

        :param modes: by account of the book, where they are to differ
        """
        chosen = self.modes if modes is None else modes
        apart = accounts
        if self.together is not None:
            joint = self.together.owns(accounts)
            self.together.decide(self, accounts[joint], chosen)
            apart = accounts[~joint]
        if self.apart is None:
            self.run(self.problem, apart, chosen)
        else:
            self.apart.decide(self, apart, chosen)

    def run(self, problem: Problem, accounts: Ints, modes: Ints) -> None:
        """Decide accounts one after another, household by household; the answers stand in `outcome`.

        :param problem: this search's own, or that with other wash facts or households
        :param modes: by account of the book
        """
        run(
            problem,
            accounts,
            modes[accounts],
            self.effort,
            self.work,
            guard_for(problem),
            self.outcome,
            self.risk,
        )

    def accounts_of(self, households: Ints) -> Ints:
        """Those asked for, of some households."""
        found: Ints = self.accounts[np.isin(self.household_of(self.accounts), households)]
        return found

    def household_of(self, accounts: Ints) -> Ints:
        column: Ints = self.problem.accounts["household"][accounts]
        return column

    def rows_of(self, accounts: Ints) -> Ints:
        """Rows of the problem that belong to some accounts, account by account."""
        return spans(self.problem.row_offsets[accounts], self.problem.row_offsets[accounts + 1])

    def members(self, households: Ints) -> tuple[Ints, Ints]:
        """Accounts asked for of some households (ascending), and the place of each one's household among them."""
        accounts = self.accounts_of(households)
        return accounts, np.searchsorted(households, self.household_of(accounts))

    def gains(self, households: Ints) -> tuple[Floats, Floats]:
        """Short- and long-term gains in dollars that some households (ascending) realise."""
        accounts, owner = self.members(households)
        short = self.summed(owner, self.outcome.short[accounts] / MICRO, len(households))
        return short, self.summed(owner, self.outcome.long[accounts] / MICRO, len(households))

    @staticmethod
    def summed(owner: Ints, column: Floats, owners: int) -> Floats:
        """By owner, the sum of a column of which `owner` names the owner of every entry."""
        total: Floats = np.bincount(owner, column, minlength=owners).astype(np.float64)
        return total


def micro_shares(problem: Problem, steps: Ints, rows: Ints) -> Ints:
    """What some rows trade, sales negative; the last step of a sale may be what is left of the position."""
    table = problem.rows[rows]
    shares: Ints = np.maximum(steps[rows] * table["step"], -np.maximum(table["quantity"], 0))
    return shares


def spans(begin: Ints, end: Ints) -> Ints:
    """The numbers from each beginning up to before its end, one span after the other."""
    lengths = end - begin
    skipped = np.repeat(begin - np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)[:-1]]), lengths)
    numbers: Ints = np.arange(int(lengths.sum()), dtype=np.int64) + skipped
    return numbers


def row_flags(search: Search, lots: Bools) -> Bools:
    """Rows of which at least one lot is flagged."""
    counted = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lots)])
    position = search.problem.rows["position"]
    at = np.maximum(position, 0)
    offsets = search.problem.lot_offsets
    if len(offsets) == 1:
        return np.zeros(len(position), dtype=bool)
    flags: Bools = (position >= 0) & (counted[offsets[at + 1]] > counted[offsets[at]])
    return flags


def row_gains(search: Search) -> Floats:
    """Dollars of gain that the sale of every row realises."""
    problem = search.problem
    counted = np.concatenate([np.zeros(1), np.cumsum(problem.lots["gain"] * search.outcome.taken / MICRO)])
    position = problem.rows["position"]
    at = np.maximum(position, 0)
    if len(problem.lot_offsets) == 1:
        return np.zeros(len(position))
    begin, end = problem.lot_offsets[at], problem.lot_offsets[at + 1]
    gains: Floats = np.where(position >= 0, counted[end] - counted[begin], 0.0)
    return gains
