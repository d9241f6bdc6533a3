"""A joint household as a linear program over lots, mixed with whole numbers where that is asked for.

Amounts are in percent of the household's value and costs in basis points of it, so that coefficients are of one size.
Lots stand in the order of least tax whatever the relief method: of other orders this is a lower bound. With whole
shares, smallest trades, commissions and sides of wash groups it is the household's problem; without, a relaxation.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import highspy
import numpy as np

from rebalancer.engine.book_tables import MICRO, NONE, Bools, Floats, Ints
from rebalancer.engine.optimiser.curves import EVENNESS
from rebalancer.engine.optimiser.households.columns import Columns
from rebalancer.engine.optimiser.households.members import SCARCE, Household
from rebalancer.engine.optimiser.setup import STRICT

TANGENTS = (2.0, 5.0, 10.0, 20.0, 40.0)
"""Percent at which the square of a deviation is met from below."""
FARTHEST = 300.0
"""Percent: more than any deviation."""


class _End(NamedTuple):
    """Where trades of a row must end if a flag is set: percent away from the household's goal."""

    flag: int
    joint: int
    buys: bool
    away: float


class Statement:
    """A household's columns and rows."""

    def __init__(self, household: Household) -> None:
        self.household = household
        problem = household.search.problem
        self.table = problem.rows[household.rows]
        self.accounts = problem.accounts[household.members]
        self.fees = problem.fees
        self.percent, self.bps = 100.0 / household.value, 1e4 / household.value
        self.columns = Columns()
        self.decided = household.decided
        self.buys = [self.columns.column(high=1.0, whole=True) for _ in household.members]
        self.unbought: set[int] = set()
        """Wash groups that were sold at a loss within the window."""
        self.quiet = {group: self._quiet(group) for group in np.unique(self.table["group"]).tolist()}
        self.table_of_lots = problem.lots[household.lots]
        self.tax = household.lot_taxes
        self.lots = self._lots()
        self.traded: list[list[tuple[int, float]]] = [[] for _ in household.rows]
        """By row, columns of steps and their sign."""
        self.cash: list[list[tuple[int, float]]] = [[] for _ in household.members]
        self.ends: list[_End] = []
        self.losing: dict[int, int] = {}
        """By row, the flag of a sale that may take losses: all that was bought recently goes with it."""
        for row in range(len(household.rows)):
            if self.decided[household.owner[row]] and self.table["price"][row] > 0:
                self._trade(row)
        self._guard_recent()
        self._deviate()
        self._keep_cash()

    def hessian(self) -> highspy.HighsHessian:
        """The variance of deviations in percent, in basis points; HiGHS halves it."""
        covariance = self.household.aversion * self.household.covariance()
        made, first, last = highspy.HighsHessian(), self.deviations, self.deviations + len(covariance)
        made.dim_ = len(self.columns.cost)
        made.format_ = highspy.HessianFormat.kTriangular
        counts = np.zeros(made.dim_, dtype=np.int64)
        counts[first:last] = np.arange(len(covariance), 0, -1)
        made.start_ = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        made.index_ = np.concatenate([np.arange(column, last) for column in range(first, last)])
        made.value_ = np.concatenate([covariance[column - first :, column - first] for column in range(first, last)])
        return made

    def steps(self, values: Floats) -> Floats:
        """By row."""
        return np.array([sum(sign * values[column] for column, sign in traded) for traded in self.traded])

    def least_tax(self) -> float:
        """Dollars that are saved at the most by selling every loss: nothing costs less than that, whatever else."""
        shares = self.table_of_lots["quantity"] / MICRO
        return float(np.minimum(self.tax * shares, 0.0).sum())

    def _quiet(self, group: int) -> int:
        """One where nothing of the group is bought, and losses may be sold; the guard may forbid either."""
        wash, number = self.household.search.problem.wash, int(self.accounts["household"][0])
        facts = slice(int(wash.offsets[number]), int(wash.offsets[number + 1]))
        here = wash.group[facts] == group
        if wash.sold_at_loss[facts][here].any():
            self.unbought.add(group)
        return self.columns.column(high=float(not wash.bought[facts][here].any()), whole=True)

    def _lots(self) -> list[Ints]:
        """By row, places in `household.lots` by ascending tax."""
        household = self.household
        order = np.lexsort((self.table_of_lots["tie"], self.tax, household.lot_row))
        ends = np.searchsorted(household.lot_row[order], np.arange(len(household.rows) + 1))
        return [order[ends[row] : ends[row + 1]] for row in range(len(household.rows))]

    def _trade(self, row: int) -> None:
        one, account = self.table[row], self.accounts[self.household.owner[row]]
        flags = []
        if one["buy_bar"] == 0 and one["highest"] > 0 and int(one["group"]) not in self.unbought:
            flags.append(self._buy(row))
        if one["sell_bar"] == 0 and one["quantity"] > 0 and one["lowest"] < 0:
            states = (False, True) if account["taxable"] else (False,)
            flags += [self._sell(row, quiet=state) for state in states]
        known = [flag for flag in flags if flag is not None]
        if len(known) > 1:
            self.columns.row(-inf, 1.0, [(flag, 1.0) for flag in known])

    def _guard_recent(self) -> None:
        """In a QUIET group nothing that was bought recently is kept."""
        lots, household = self.table_of_lots, self.household
        for row in np.unique(household.lot_row[lots["recent"]]).tolist():
            quiet = self.quiet[int(self.table["group"][row])]
            if not self.accounts["taxable"][household.owner[row]] or not self.household.may_lose[row]:
                continue
            if row in self.losing:
                self.columns.row(0.0, inf, [(self.losing[row], 1.0), (quiet, -1.0)])
            else:
                self.columns.row(-inf, 0.0, [(quiet, 1.0)])

    def _least(self, row: int) -> int:
        step = float(self.table["step"][row]) / MICRO * float(self.table["price"][row])
        minimum = float(self.accounts["minimum"][self.household.owner[row]])
        return max(int(np.ceil(minimum / step - 1e-9)), 1)

    def _past(self, row: int) -> float:
        """Percent by which a trade may end beyond the goal."""
        step = float(self.table["step"][row]) / MICRO * float(self.table["price"][row])
        return 0.5 * max(step, float(self.accounts["minimum"][self.household.owner[row]])) / MICRO * self.percent

    def _capped(self, row: int, steps: float) -> int:
        cap, step = int(self.table["cap"][row]), int(self.table["step"][row])
        return int(steps if cap == NONE else min(steps, cap // step))

    def _buy(self, row: int) -> int | None:
        one = self.table[row]
        step = float(one["step"]) / MICRO * float(one["price"]) / MICRO
        held = float(one["quantity"]) / MICRO * float(one["price"]) / MICRO
        joint = int(self.household.joint[row])
        short = float(self.household.bought_to[joint]) / MICRO - held
        most = self._capped(row, np.floor((short + self._past(row) / self.percent) / step - 1e-9))
        if short <= 0 or most < self._least(row):
            return None
        flag, _ = self._way(row, 1.0, self._least(row), min(most, int(one["highest"])))
        self.columns.row(-inf, 1.0, [(flag, 1.0), (self.quiet[int(one["group"])], 1.0)])
        self.columns.row(-inf, 0.0, [(flag, 1.0), (self.buys[self.household.owner[row]], -1.0)])
        beyond = float(self.household.bought_to[joint] - self.household.goals[joint]) / MICRO * self.percent
        self.ends.append(_End(flag, joint, True, beyond + self._past(row)))
        return flag

    def _way(self, row: int, sign: float, least: int, most: int) -> tuple[int, int]:
        """Columns of a flag and of steps, with what they cost and do to cash."""
        one, place = self.table[row], int(self.household.owner[row])
        share = float(one["step"]) / MICRO
        price, spread = float(one["price"]) / MICRO * share, float(one["half_spread"]) / MICRO * share
        fee = (price * self.fees.section_31 + share * self.fees.activity) if sign < 0 else 0.0
        commission = float(self.accounts["commission"][place]) / MICRO
        flag = self.columns.column(self.bps * commission, high=1.0, whole=True)
        steps = self.columns.column(self.bps * (spread + fee), high=float(most), whole=int(one["step"]) >= MICRO)
        self.columns.row(0.0, inf, [(steps, 1.0), (flag, -float(least))])
        self.columns.row(-inf, 0.0, [(steps, 1.0), (flag, -float(most))])
        self.cash[place] += [
            (steps, -self.percent * (sign * price + spread + fee)),
            (flag, -self.percent * commission),
        ]
        self.traded[row].append((steps, sign))
        return flag, steps

    def _sell(self, row: int, *, quiet: bool) -> int | None:
        household, one = self.household, self.table[row]
        account = self.accounts[household.owner[row]]
        lots, chosen = self.table_of_lots, self.lots[row]
        if account["taxable"]:
            chosen = chosen[~self._waits(chosen, account)]
            if not quiet:
                chosen = chosen[~lots["loss"][chosen]]
            elif not self.household.may_lose[row]:
                return None
        step = int(one["step"])
        recent = int(lots["quantity"][chosen[lots["recent"][chosen]]].sum()) if quiet else 0
        least = max(self._least(row), -(-recent // step))
        held = int(lots["quantity"][chosen].sum()) // step
        most = min(self._capped(row, min(held, int(one["quantity"]) // step)), -int(one["lowest"]))
        if least > most:
            return None
        flag, steps = self._way(row, -1.0, least, most)
        if account["taxable"]:
            if self.household.may_lose[row]:
                other = self.quiet[int(one["group"])]
                self.columns.row(-inf, 0.0 if quiet else 1.0, [(flag, 1.0), (other, -1.0 if quiet else 1.0)])
                if quiet:
                    self.losing[row] = flag
            self._tax(chosen, flag, steps, row, quiet=quiet)
        self._end(row, flag, steps, chosen, most, account)
        return flag

    def _waits(self, chosen: Ints, account: np.void) -> Bools:
        """Short-term gains that a hard rule keeps until they are long-term."""
        lots = self.table_of_lots[chosen]
        near = (lots["days_to_long"] <= account["short_days"]) & ~lots["long"] & (lots["gain"] > 0.0)
        strict = account["short_rule"] == STRICT and account["missing"] == 0
        found: Bools = near & bool(strict)
        return found

    def _tax(self, chosen: Ints, flag: int, steps: int, row: int, *, quiet: bool) -> None:
        lots, tax, share = self.table_of_lots, self.tax, float(self.table["step"][row]) / MICRO
        terms = [(steps, -share)]
        for lot in chosen.tolist():
            shares = float(lots["quantity"][lot]) / MICRO
            part = self.columns.column(self.bps * float(tax[lot]), high=shares)
            if quiet and lots["recent"][lot]:
                self.columns.row(0.0, inf, [(part, 1.0), (flag, -shares)])
            terms.append((part, 1.0))
        self.columns.row(0.0, 0.0, terms)

    def _end(self, row: int, flag: int, steps: int, chosen: Ints, most: int, account: np.void) -> None:
        """Not beyond the household's goal, unless cash must be raised or leading losses are harvested."""
        household, joint = self.household, int(self.household.joint[row])
        if account["missing"] > 0 or household.sold_to[joint] <= 0:
            return
        away = float(household.sold_to[joint] - household.goals[joint]) / MICRO * self.percent - self._past(row)
        losses = 0
        if account["harvest"] and account["taxable"]:
            lots = self.table_of_lots[chosen]
            leading = np.logical_and.accumulate(lots["loss"]) if len(lots) else lots["loss"]
            losses = int(lots["quantity"][leading].sum()) // int(self.table["step"][row])
        if losses == 0:
            self.ends.append(_End(flag, joint, False, away))
            return
        further = self.columns.column(high=1.0, whole=True)
        self.columns.row(-inf, float(losses), [(steps, 1.0), (further, -float(most))])
        self.ends.append(_End(further, joint, False, away))

    def _deviate(self) -> None:
        household, goals = self.household, self.household.goals
        held = np.bincount(household.joint, self.table["quantity"] / MICRO * (self.table["price"] / MICRO), len(goals))
        factor = self.bps / self.percent * household.half
        self.deviations = len(self.columns.cost)
        if household.search.risk is not None:
            for _ in goals:
                self.columns.column(low=-inf)
        for joint in range(len(goals)):
            start = self.percent * (float(held[joint]) - float(goals[joint]) / MICRO)
            terms = [
                (
                    column,
                    sign * self.percent * float(self.table["step"][row]) / MICRO * self.table["price"][row] / MICRO,
                )
                for row in np.flatnonzero(household.joint == joint).tolist()
                for column, sign in self.traded[row]
            ]
            self._price_deviation(joint, start, terms, factor)
            for end in (end for end in self.ends if end.joint == joint):
                if end.buys:
                    self.columns.row(-inf, end.away + FARTHEST - start, [*terms, (end.flag, FARTHEST)])
                else:
                    self.columns.row(end.away - FARTHEST - start, inf, [*terms, (end.flag, -FARTHEST)])

    def _price_deviation(self, joint: int, start: float, terms: list[tuple[int, float]], factor: float) -> None:
        """
        :param start: percent away from the goal before trades
        :param terms: what trades add to it
        """
        against = [(column, -by) for column, by in terms]
        if self.household.search.risk is not None:
            self.columns.row(start, start, [(self.deviations + joint, 1.0), *against])
            return
        size, square = self.columns.column(factor), self.columns.column(factor * EVENNESS / 100.0)
        self.columns.row(start, inf, [(size, 1.0), *against])
        self.columns.row(-start, inf, [(size, 1.0), *terms])
        for at in TANGENTS:
            self.columns.row(-at * at, inf, [(square, 1.0), (size, -2.0 * at)])

    def _keep_cash(self) -> None:
        household, columns = self.household, self.columns
        dollar = self.bps / self.percent
        above, below = columns.column(dollar * household.above), columns.column(dollar * household.half)
        free = self.accounts["free"] / MICRO * self.percent
        everything = [term for terms in self.cash for term in terms]
        off = float(free.sum()) - household.cash_target * self.percent
        columns.row(-off, -off, [*everything, (above, -1.0), (below, 1.0)])
        bought, kept = household.floors(buys=True), household.floors(buys=False)
        for place, terms in enumerate(self.cash):
            missing = columns.column(dollar * (SCARCE - household.half))
            here, reserve = float(free[place]), float(bought[place]) * self.percent
            columns.row(float(kept[place]) * self.percent - here, inf, [*terms, (missing, 1.0)])
            lowest = min(here, 0.0) - 100.0
            columns.row(lowest - here, inf, [*terms, (self.buys[place], lowest - reserve)])
