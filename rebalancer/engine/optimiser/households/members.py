"""A joint household as the search sees it: its accounts, their rows, and the household's rows they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints, product
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.kernel import IDLE, MARGIN
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.setup import SOFT
from rebalancer.engine.optimiser.sweep import HARD

DEEP = 1e-4
"""As `curves.EVENNESS`."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Household:
    """One of them; `rows` are all rows of all its accounts, account by account."""

    search: Search
    whole: Problem
    """The households' own problem: goals, cash target and value."""
    index: int
    """Its account in `whole`."""
    exact: bool
    members: Ints
    wanted: Ints
    """Those that are decided."""
    rows: Ints
    owner: Ints
    """By row, the place of its account in `members`."""
    joint: Ints
    """By row, the place of the household's row among its own."""
    lots: Ints
    """All their lots."""
    lot_row: Ints
    """By lot, the place of its row in `rows`."""

    @property
    def value(self) -> float:
        """Dollars."""
        return float(self.whole.accounts["value"][self.index]) / MICRO

    @property
    def goals(self) -> Ints:
        """Micro-dollars, by the household's rows."""
        begin, end = self.whole.row_offsets[self.index : self.index + 2]
        column: Ints = self.whole.rows["goal"][begin:end]
        return column

    @property
    def cash_target(self) -> float:
        """Dollars; at least what all accounts must keep."""
        return max(float(self.whole.accounts["cash_target"][self.index]) / MICRO, float(self.floors(buys=True).sum()))

    @property
    def half(self) -> float:
        """Dollars that a dollar away from the target is worth; none where distance is risk."""
        if self.search.risk is not None:
            return 0.0
        return 0.5 * float(self.whole.accounts["price_of_drift"][self.index])

    @property
    def aversion(self) -> float:
        """Risk aversion times horizon."""
        return float(self.whole.accounts["price_of_drift"][self.index])

    def covariance(self) -> Floats:
        """Of the household's rows, a year."""
        risk = self.search.risk
        begin, end = self.whole.row_offsets[self.index : self.index + 2]
        security = self.whole.rows["security"][begin:end]
        if risk is None:
            return np.zeros((len(security), len(security)))
        found: Floats = risk.loadings[security] @ risk.loadings[security].T + np.diag(risk.specific[security])
        return found

    @property
    def above(self) -> float:
        """What a dollar of cash above its target costs."""
        return self.half * (1.0 + IDLE) + float(self.whole.accounts["cash_drag"][self.index])

    def floors(self, *, buys: bool) -> Floats:
        """Dollars of cash that each member must keep, where it buys or where it does not."""
        table = self.search.problem.accounts[self.members]
        rows = np.bincount(self.owner, minlength=len(self.members))
        floor = table["reserve"] / MICRO + MARGIN * rows
        if buys:
            return floor
        kept: Floats = np.where(table["missing"] > 0, floor, np.minimum(floor, table["free"] / MICRO))
        return kept

    def held_after(self) -> Ints:
        """Micro-dollars of every row after its trade."""
        table = self.search.problem.rows[self.rows]
        shares = table["quantity"] + self.search.outcome.steps[self.rows] * table["step"]
        return product(shares, table["price"])

    def decided(self) -> Bools:
        """Members that may trade."""
        flags: Bools = np.isin(self.members, self.wanted) & self.search.problem.accounts["open"][self.members]
        return flags

    def cash(self) -> Floats:
        """Dollars of every member after its trades and withdrawals."""
        free = self.search.problem.accounts["free"][self.members]
        cash: Floats = np.where(self.decided(), self.search.outcome.cash[self.members], free) / MICRO
        return cash

    def objective(self) -> float:
        """Dollars that the household's trades cost, with the drift and the cash they leave; infinite if not allowed."""
        after = np.bincount(self.joint, self.held_after() / MICRO, len(self.goals)).astype(np.float64)
        if not self.lots_suffice() or not self._directed(after):
            return inf
        off = np.abs(after - self.goals / MICRO)
        drift = self.half * float((off * (1.0 + DEEP * off / self.value)).sum())
        if self.search.risk is not None:
            off = after - self.goals / MICRO
            drift = 0.5 * self.aversion / self.value * float(off @ self.covariance() @ off)
        return drift + self._cash_cost() + self._trade_cost() + self._tax()

    def lots_suffice(self) -> bool:
        """Is what is sold taken from lots?"""
        sold = np.zeros(len(self.rows), dtype=np.int64)
        np.add.at(sold, self.lot_row, self.search.outcome.taken[self.lots])
        steps = self.search.outcome.steps[self.rows] * self.search.problem.rows["step"][self.rows]
        return bool((sold == np.maximum(-steps, 0)).all())

    def _directed(self, after: Floats) -> bool:
        """Does what is bought leave no more than half a trade above the goal, what is sold no less than that below it?

        Sales that raise missing cash, and leading losses where those are harvested, may go further.
        """
        problem, steps = self.search.problem, self.search.outcome.steps[self.rows]
        accounts, table = problem.accounts[self.members][self.owner], problem.rows[self.rows]
        past = 0.5 * np.maximum(table["price"] / MICRO * (table["step"] / MICRO), accounts["minimum"] / MICRO) + 0.01
        off = (after - self.goals / MICRO)[self.joint]
        gains = np.zeros(len(self.rows), dtype=bool)
        taken = self.search.outcome.taken[self.lots] > 0
        gains[self.lot_row[taken & ~problem.lots["loss"][self.lots]]] = True
        free = (accounts["missing"] > 0) | (accounts["harvest"] & accounts["taxable"] & ~gains)
        free |= self.goals[self.joint] <= 0
        wrong = ((steps > 0) & (off > past)) | ((steps < 0) & (off < -past) & ~free)
        return not bool(wrong.any())

    def _cash_cost(self) -> float:
        cash = self.cash()
        bought = np.bincount(self.owner, self.search.outcome.steps[self.rows] > 0, len(self.members)) > 0
        floor = np.where(bought, self.floors(buys=True), self.floors(buys=False))
        missing = float(np.maximum(floor - cash, 0.0).sum())
        over = float(cash.sum()) - self.cash_target
        return self.above * max(over, 0.0) + self.half * max(-over, 0.0) + (HARD - self.half) * missing

    def _trade_cost(self) -> float:
        problem, steps = self.search.problem, self.search.outcome.steps[self.rows]
        table = problem.rows[self.rows]
        shares = np.abs(steps) * (table["step"] / MICRO)
        fee = table["price"] / MICRO * problem.fees.section_31 + problem.fees.activity
        commission = problem.accounts["commission"][self.members][self.owner] / MICRO
        costs = shares * (table["half_spread"] / MICRO + np.where(steps < 0, fee, 0.0)) + commission * (steps != 0)
        return float(costs.sum())

    def _tax(self) -> float:
        return float((self.search.outcome.taken[self.lots] / MICRO * self.lot_taxes()).sum())

    def lot_taxes(self) -> Floats:
        """Dollars of tax a share of every lot, with what a short-term gain is made to cost more."""
        lots = self.search.problem.lots[self.lots]
        table = self.search.problem.accounts[self.members[self.owner[self.lot_row]]]
        rate = np.where(lots["long"], table["long_rate"], table["short_rate"])
        dearer = (table["short_rule"] == SOFT) & ~lots["long"] & (lots["gain"] > 0.0)
        rate = rate + np.where(dearer, table["short_penalty"], 0.0)
        tax: Floats = np.where(table["taxable"], lots["gain"] * rate, 0.0)
        return tax
