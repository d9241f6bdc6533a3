"""A joint household as the search sees it: its accounts, their rows, and the household's rows they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints, product
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.curves import EVENNESS
from rebalancer.engine.optimiser.kernel import IDLE, MARGIN
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.setup import SOFT

SCARCE = 20.0
"""Dollars that a dollar of cash below the floor counts as: more than any trade saves, and little enough for HiGHS."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Household:
    """One of them, for one search; `rows` are all rows of all its accounts, account by account."""

    search: Search
    whole: Problem
    """The households' own problem: goals, cash target and value."""
    index: int
    """Its account in `whole`."""
    exact: bool
    sketched: bool
    """The linear relaxation is enough."""
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

    @cached_property
    def goals(self) -> Ints:
        """Micro-dollars, by the household's rows."""
        begin, end = self.whole.row_offsets[self.index : self.index + 2]
        column: Ints = self.whole.rows["goal"][begin:end]
        return column

    @cached_property
    def bought_to(self) -> Ints:
        """Micro-dollars to which rows may be bought: a goal at a band's edge beyond the target is for sales alone."""
        return np.minimum(self.goals, self._targets)

    @cached_property
    def sold_to(self) -> Ints:
        """Micro-dollars to which rows may be sold: a goal short of the target is for purchases alone."""
        return np.maximum(self.goals, self._targets)

    @cached_property
    def _targets(self) -> Ints:
        begin, end = self.whole.row_offsets[self.index : self.index + 2]
        column: Ints = self.whole.rows["target"][begin:end]
        return column

    @cached_property
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

    @cached_property
    def may_lose(self) -> Bools:
        """By row: no purchase of its wash group within the window is kept in another account."""
        group, recent = self.search.problem.rows["group"][self.rows], self.search.problem.lots["recent"][self.lots]
        keys = group * len(self.members) + self.owner
        bought = np.unique(keys[self.lot_row[recent]])
        buyers = (bought[:, None] // len(self.members) == group).sum(axis=0)
        alone: Bools = buyers == np.isin(keys, bought)
        return alone

    @cached_property
    def number(self) -> int:
        """The household in the book."""
        return int(self.search.problem.accounts["household"][self.members[0]])

    @cached_property
    def taxed(self) -> Bools:
        """Rows of taxed accounts."""
        flags: Bools = self.search.problem.accounts["taxable"][self.members][self.owner]
        return flags

    def rows_of(self, account: int) -> Bools:
        """Which rows are those of one member."""
        flags: Bools = self.owner == int(np.searchsorted(self.members, account))
        return flags

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

    @cached_property
    def decided(self) -> Bools:
        """Members that may trade."""
        flags: Bools = np.isin(self.members, self.wanted) & self.search.problem.accounts["open"][self.members]
        return flags

    def cash(self) -> Floats:
        """Dollars of every member after its trades and withdrawals."""
        free = self.search.problem.accounts["free"][self.members]
        cash: Floats = np.where(self.decided, self.search.outcome.cash[self.members], free) / MICRO
        return cash

    def objective(self) -> float:
        """Dollars that the household's trades cost, with the drift and the cash they leave; infinite if not allowed."""
        after = np.bincount(self.joint, self.held_after() / MICRO, len(self.goals)).astype(np.float64)
        if not (self.lots_suffice() and self._keeps_reserves() and self._directed(after)):
            return inf
        off = np.abs(after - self.goals / MICRO)
        drift = self.half * float((off * (1.0 + EVENNESS * off / self.value)).sum())
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

    def _buying(self) -> Bools:
        """Members that buy something."""
        buys: Bools = np.bincount(self.owner, self.search.outcome.steps[self.rows] > 0, len(self.members)) > 0
        return buys

    def _keeps_reserves(self) -> bool:
        """Nobody buys with less cash than its reserve."""
        cash, reserve = self.search.outcome.cash[self.members], self.search.problem.accounts["reserve"][self.members]
        return not bool((self._buying() & (cash < reserve)).any())

    def _directed(self, after: Floats) -> bool:
        """Does what is bought leave no more than half a trade above the goal, what is sold no less than that below it?

        Sales that raise missing cash, and leading losses where those are harvested, may go further.
        """
        problem, steps = self.search.problem, self.search.outcome.steps[self.rows]
        accounts, table = problem.accounts[self.members][self.owner], problem.rows[self.rows]
        past = 0.5 * np.maximum(table["price"] / MICRO * (table["step"] / MICRO), accounts["minimum"] / MICRO) + 0.01
        over, short = ((after - to / MICRO)[self.joint] for to in (self.bought_to, self.sold_to))
        gains = np.zeros(len(self.rows), dtype=bool)
        taken = self.search.outcome.taken[self.lots] > 0
        gains[self.lot_row[taken & ~problem.lots["loss"][self.lots]]] = True
        free = (accounts["missing"] > 0) | (accounts["harvest"] & accounts["taxable"] & ~gains)
        free |= self.sold_to[self.joint] <= 0
        wrong = ((steps > 0) & (over > past)) | ((steps < 0) & (short < -past) & ~free)
        return not bool(wrong.any())

    def _cash_cost(self) -> float:
        cash = self.cash()
        floor = np.where(self._buying(), self.floors(buys=True), self.floors(buys=False))
        missing = float(np.maximum(floor - cash, 0.0).sum())
        over = float(cash.sum()) - self.cash_target
        return self.above * max(over, 0.0) + self.half * max(-over, 0.0) + (SCARCE - self.half) * missing

    def _trade_cost(self) -> float:
        problem, steps = self.search.problem, self.search.outcome.steps[self.rows]
        table = problem.rows[self.rows]
        shares = np.abs(steps) * (table["step"] / MICRO)
        fee = table["price"] / MICRO * problem.fees.section_31 + problem.fees.activity
        commission = problem.accounts["commission"][self.members][self.owner] / MICRO
        costs = shares * (table["half_spread"] / MICRO + np.where(steps < 0, fee, 0.0)) + commission * (steps != 0)
        return float(costs.sum())

    def _tax(self) -> float:
        return float((self.search.outcome.taken[self.lots] / MICRO * self.lot_taxes).sum())

    @cached_property
    def lot_taxes(self) -> Floats:
        """Dollars of tax a share of every lot, with what a short-term gain is made to cost more."""
        lots = self.search.problem.lots[self.lots]
        table = self.search.problem.accounts[self.members[self.owner[self.lot_row]]]
        rate = np.where(lots["long"], table["long_rate"], table["short_rate"])
        dearer = (table["short_rule"] == SOFT) & ~lots["long"] & (lots["gain"] > 0.0)
        rate = rate + np.where(dearer, table["short_penalty"], 0.0)
        tax: Floats = np.where(table["taxable"], lots["gain"] * rate, 0.0)
        return tax
