"""The least cost of a household whose accounts follow one target together, solved by SCIP.

What its accounts may trade is what they may alone (`ways`), but for how far: the household's amount of a security
counts against the household's goal. No account sells at a loss while another keeps a purchase of the last 30 days,
since that one's sale may never be approved. Whoever buys leaves no more than half a step or half a smallest trade above
the goal, whoever sells no less than that below it, unless cash must be raised there or leading losses are harvested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from math import inf
from typing import Any

from rebalancer.engine.book_rows import ModelRow
from rebalancer.engine.optimiser import solve
from trading.benchmarks.oracle.accounts import Case
from trading.benchmarks.oracle.compare import Compared, steps_of
from trading.benchmarks.oracle.milp import NODES, program, tax_on
from trading.benchmarks.oracle.terms import CASH_COUNTS, KEPT_BACK, Account, Line, counted_together
from trading.benchmarks.oracle.ways import DEEP, Way, groups, keeps_recent, past, selling, smallest

SPACING = 2
SCARCE = 20.0
TOLERANCE = 5e-3
"""Basis points by which two reckonings of the same trades may be apart: both met squares by tangents."""


@dataclass(frozen=True, slots=True)
class Least:
    """Dollars: the cost found, what nothing costs less than, and shares by account and symbol."""

    cost: float
    bound: float
    steps: Sequence[Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A household's dollars by symbol, and of cash; an equivalent that is held counts for what is short."""

    goals: Mapping[str, float]
    targets: Mapping[str, float]
    cash: float


def together(accounts: Sequence[Account], model: ModelRow) -> Wanted:
    """What accounts of one model want together."""
    value, rows = sum(account.value for account in accounts), sum(len(account.lines) for account in accounts)
    reserve = sum(account.reserve for account in accounts)
    cash = max(float(model.cash_weight), reserve / value)
    scale = (1 - cash) / (1 - float(model.cash_weight))
    lines: dict[str, Line] = {}
    for line in (line for account in accounts for line in account.lines):
        held = line.held + (lines[line.symbol].held if line.symbol in lines else 0)
        goal = float(model.weights.get(line.symbol, 0)) * scale * value
        lines[line.symbol] = replace(line, held=held, goal=goal)
    goals = {line.symbol: line.goal for line in counted_together(list(lines.values()))}
    targets = {line.symbol: line.goal for line in lines.values()}
    return Wanted(goals, targets, max(cash * value, reserve + KEPT_BACK * rows))


def least_cost(
    accounts: Sequence[Account],
    model: ModelRow,
    *,
    nodes: int = NODES,
    fixed: Sequence[Mapping[str, int]] | None = None,
) -> Least | None:
    """The least cost, or None where SCIP does not close the gap, or where `fixed` trades break a rule.

    :param nodes: of its search, at most
    :param fixed: price these shares instead, by account and symbol
    """
    scip = program(nodes)
    household = _Household(scip, accounts, together(accounts, model))
    if fixed is not None:
        household.fix(fixed)
    scip.optimize()
    if scip.getStatus() not in ("optimal", "gaplimit") or not scip.getNSols():
        return None
    bps = household.value / 1e4
    return Least(scip.getObjVal() * bps, scip.getDualbound() * bps, household.steps())


def _leading_losses(way: Way) -> int:
    """Shares of the lots at a loss that are sold first."""
    return sum(parcel.shares for parcel in takewhile(lambda parcel: parcel.loss, way.parcels))


class _Household:
    """Amounts in percent of the household's value, costs in basis points of it."""

    def __init__(self, model: Any, accounts: Sequence[Account], wanted: Wanted) -> None:
        self.model, self.accounts, self.goals, self.wanted = model, accounts, wanted.goals, wanted
        self.value = sum(account.value for account in accounts)
        self.percent, self.bps = 100 / self.value, 1e4 / self.value
        self.cost: Any = 0
        self.cash: list[Any] = [account.cash * self.percent for account in accounts]
        self.buys = [model.addVar(vtype="B") for _ in accounts]
        self.traded: dict[tuple[int, str], list[tuple[int, Any]]] = {}
        self.flags: dict[tuple[int, str, bool], list[Any]] = {}
        self.after: dict[str, Any] = {}
        self.free: list[tuple[int, Line, Any, Way]] = []
        self._trade()
        self._drift()
        self._direct()
        self._keep_cash()
        model.setObjective(self.cost)

    def fix(self, steps: Sequence[Mapping[str, int]]) -> None:
        for (at, symbol), traded in self.traded.items():
            self.model.addCons(sum(sign * shares for sign, shares in traded) == steps[at].get(symbol, 0))
        for at, one in enumerate(steps):
            for symbol, shares in one.items():
                if (at, symbol) not in self.traded and shares:
                    self.model.addCons(self.buys[at] >= 2)

    def steps(self) -> list[dict[str, int]]:
        found: list[dict[str, int]] = [{} for _ in self.accounts]
        for (at, symbol), traded in self.traded.items():
            shares = sum(sign * round(self.model.getVal(one)) for sign, one in traded)
            if shares:
                found[at][symbol] = shares
        return found

    def _trade(self) -> None:
        model = self.model
        for lines in groups(self.accounts).values():
            quiet = model.addVar(vtype="B")
            for at, line in lines:
                account = self.accounts[at]
                loose = replace(line, goal=0.0)  # any amount: how far is the household's to say
                buy = Way(False, smallest(account, line), min(line.cap, int(1.2 * self.value / line.price) + 2))
                ways = [] if line.no_buy else [(buy, False)]
                elsewhere = any(keeps_recent(other) for place, other in lines if place != at)
                for state in (False, True) if account.taxable and not elsewhere else (False,):
                    sale = selling(account, loose, quiet=state)
                    ways += [(sale, state)] if sale else []
                stays = keeps_recent(line) and not any(state for _, state in ways)
                if line.no_loss or (stays and not elsewhere):
                    model.addCons(quiet == 0)
                self._line(at, line, ways, None if elsewhere else quiet, quiet)

    def _line(self, at: int, line: Line, ways: Sequence[tuple[Way, bool]], for_sales: Any, quiet: Any) -> None:
        """
        :param for_sales: is the group QUIET? None where sales, which are at a gain, need not know
        """
        account, flags = self.accounts[at], []
        for way, state in ways:
            if way.least > way.most:
                continue
            flag, shares = self.model.addVar(vtype="B"), self.model.addVar(vtype="I", lb=0, ub=way.most)
            self.model.addCons(shares >= way.least * flag)
            self.model.addCons(shares <= way.most * flag)
            flags.append(flag)
            if not way.sells or (account.taxable and for_sales is not None):
                self.model.addCons(flag <= quiet if state else flag + quiet <= 1)
            if state and keeps_recent(line):
                self.model.addCons(flag >= quiet)
            self._charge(at, line, way, flag, shares)
            if way.sells:
                self.cost += tax_on(self.model, way, flag, shares, bps=self.bps, recent_go=state)
                self.free.append((at, line, shares, way))
        if len(flags) > 1:
            self.model.addCons(sum(flags) <= 1)

    def _charge(self, at: int, line: Line, way: Way, flag: Any, shares: Any) -> None:
        sign = -1 if way.sells else 1
        costs = (line.half_spread + (line.fee if way.sells else 0.0)) * shares
        costs += self.accounts[at].commission * flag
        self.cost += self.bps * costs
        self.cash[at] -= self.percent * (sign * line.price * shares + costs)
        self.traded.setdefault((at, line.symbol), []).append((sign, shares))
        self.flags.setdefault((at, line.symbol, way.sells), []).append(flag)
        if not way.sells:
            self.model.addCons(flag <= self.buys[at])

    def _drift(self) -> None:
        price_of_drift = self.accounts[0].price_of_drift
        for symbol, goal in self.goals.items():
            off: Any = -self.percent * goal
            for at, account in enumerate(self.accounts):
                for line in account.lines:
                    if line.symbol == symbol:
                        traded = self.traded.get((at, symbol), ())
                        off += self.percent * line.price * (line.held + sum(sign * shares for sign, shares in traded))
            size, square = self.model.addVar(lb=0), self.model.addVar(lb=0)
            self.model.addCons(size >= off)
            self.model.addCons(size >= -1 * off)
            for at in range(SPACING, 100, SPACING):
                self.model.addCons(square >= 2 * at * size - at * at)
            self.cost += self.bps / self.percent * 0.5 * price_of_drift * (size + DEEP / 100 * square)
            self.after[symbol] = off

    def _direct(self) -> None:
        """Towards the household's goal, and no further than half a trade past it."""
        self._keep_location()
        for at, account in enumerate(self.accounts):
            for line in account.lines:
                beyond = min(self.wanted.targets[line.symbol] - self.goals[line.symbol], 0.0)
                over = self.percent * (past(account, line) + beyond)
                for flag in self.flags.get((at, line.symbol, False), ()):
                    self.model.addCons(self.after[line.symbol] <= over + 300 * (1 - flag))
        for at, line, shares, way in self.free:
            account = self.accounts[at]
            short = max(self.wanted.targets[line.symbol] - self.goals[line.symbol], 0.0)
            if account.raises or self.goals[line.symbol] + short <= 0.0:
                continue
            harvested = _leading_losses(way) if account.harvest and account.taxable else 0
            further = self.model.addVar(vtype="B")
            self.model.addCons(shares <= harvested + way.most * further)
            over = self.percent * (past(account, line) - short)
            self.model.addCons(self.after[line.symbol] >= -over - 300 * (1 - further))

    def _keep_location(self) -> None:
        """Nothing is sold in one account to be bought in another, unless cash is raised or losses are harvested."""
        held = dict.fromkeys(self.goals, 0.0)
        for line in (line for account in self.accounts for line in account.lines):
            held[line.symbol] += line.held * line.price
        frees = [one.raises or (one.harvest and one.taxable) for one in self.accounts]
        for (at, symbol, sells), flags in self.flags.items():
            away = held[symbol] < self.goals[symbol] if sells else held[symbol] >= self.goals[symbol]
            if away and not (frees[at] if sells else any(frees)):
                for flag in flags:
                    self.model.addCons(flag == 0)

    def _keep_cash(self) -> None:
        half = 0.5 * self.accounts[0].price_of_drift
        above, below = self.model.addVar(lb=0), self.model.addVar(lb=0)
        self.model.addCons(sum(self.cash) - self.wanted.cash * self.percent == above - below)
        self.cost += self.bps / self.percent * (half * CASH_COUNTS + self.accounts[0].cash_drag) * above
        self.cost += self.bps / self.percent * half * below
        for account, cash, buys in zip(self.accounts, self.cash, self.buys, strict=True):
            missing = self.model.addVar(lb=0)
            lowest = min(account.cash, 0.0) * self.percent - 100
            reserve = (account.reserve + KEPT_BACK * len(account.lines)) * self.percent
            self.model.addCons(cash >= reserve + (lowest - reserve) * (1 - buys))
            self.model.addCons(missing >= account.floor * self.percent - cash)
            self.cost += self.bps / self.percent * (SCARCE - half) * missing


def against_scip(case: Case, *, exact: tuple[bool, ...]) -> tuple[Compared, ...] | None:
    """The engine's decisions on a household beside the least cost, one comparison for each effort.

    None where SCIP proves no least cost.
    """
    accounts = case.terms()
    least = least_cost(accounts, case.model)
    return None if least is None else tuple(_compared(case, accounts, least, exact=each) for each in exact)


def _compared(case: Case, accounts: Sequence[Account], least: Least, *, exact: bool) -> Compared:
    decisions = solve(case.book(), exact=exact)
    own = least_cost(accounts, case.model, fixed=[steps_of(one) for one in decisions])
    bps = 1e4 / sum(account.value for account in accounts)
    return Compared(
        seed=case.seed,
        best=least.cost * bps,
        lowest=least.bound * bps,
        objective=float(decisions.objective.sum()) * bps,
        priced=inf if own is None else own.cost * bps,
        bound=float(decisions.bound.sum()) * bps,
        proven=bool(decisions.proven.all()),
        tolerance=TOLERANCE,
    )
