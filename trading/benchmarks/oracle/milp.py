"""The least cost of a household as a mixed-integer linear program, solved by SCIP.

Weights are in percent of an account's value and costs in basis points of all values, so that coefficients are of one
size. The square in the price of drift is met by its tangents every `SPACING` percent, which is short of it by less
than a ten-thousandth of a basis point a line. What SCIP finds is priced again by `ways.cost_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trading.benchmarks.oracle.terms import CASH_COUNTS, Account, Line
from trading.benchmarks.oracle.ways import DEEP, Way, cost_of, groups, keeps_recent, recent_elsewhere, ways

SPACING = 2
WANTED_GAP_BPS = 5e-4
NODES = 100_000
"""Some seconds; a search that ends at a count ends alike on every machine."""
SCARCE = 20.0
"""Dollars a dollar of cash below the floor: more than any trade saves, and of a size that SCIP can reckon with."""


@dataclass(frozen=True, slots=True)
class Least:
    """Dollars: the cost of these shares, and what nothing costs less than."""

    cost: float
    bound: float
    steps: Sequence[Mapping[str, int]]
    """By account."""


def available() -> bool:
    """Is SCIP installed?"""
    from importlib.util import find_spec

    return find_spec("pyscipopt") is not None


def program(nodes: int) -> Any:
    """An empty program that SCIP solves alone, by its tree: looking for solutions beside it takes it longer."""
    import pyscipopt

    model = pyscipopt.Model()
    model.hideOutput()
    model.setHeuristics(pyscipopt.scip.PY_SCIP_PARAMSETTING.OFF)
    model.setParam("limits/totalnodes", nodes)
    model.setParam("limits/absgap", WANTED_GAP_BPS)
    model.setParam("numerics/feastol", 1e-7)
    model.setParam("parallel/maxnthreads", 1)
    return model


def least_cost(accounts: Sequence[Account], *, nodes: int = NODES) -> Least | None:
    """The least cost, or None where SCIP does not close the gap within so many nodes of its search."""
    model = program(nodes)
    value = sum(account.value for account in accounts)
    programs = [_Program(model, account, 1e4 / value) for account in accounts]
    _write(model, accounts, programs)
    model.optimize()
    if model.getStatus() not in ("optimal", "gaplimit") or not model.getNSols():
        return None
    steps = [program.steps() for program in programs]
    return Least(cost_of(accounts, steps), model.getDualbound() * value / 1e4, steps)


def _write(model: Any, accounts: Sequence[Account], programs: Sequence[_Program]) -> None:
    """The accounts meet in their wash groups, which are QUIET or OPEN for all."""
    for lines in groups(accounts).values():
        quiet = model.addVar(vtype="B")
        elsewhere = [recent_elsewhere(lines, at) for at, _ in lines]
        if any(
            ways(accounts[at], line, quiet=True, elsewhere=other) is None
            for (at, line), other in zip(lines, elsewhere, strict=True)
        ):
            model.addCons(quiet == 0)
        for (at, line), other in zip(lines, elsewhere, strict=True):
            programs[at].add(line, quiet, elsewhere=other)
    for program in programs:
        program.close()
    model.setObjective(sum(program.cost for program in programs))


class _Program:
    """Variables and constraints of one account."""

    def __init__(self, model: Any, account: Account, bps: float) -> None:
        self.model, self.account, self.bps = model, account, bps
        self.percent = 100 / account.value
        self.cost: Any = 0
        self.cash: Any = account.cash * self.percent
        self.traded: dict[str, list[tuple[int, Any]]] = {line.symbol: [] for line in account.lines}
        """Signs and shares by symbol."""
        self.buys = model.addVar(vtype="B")

    def steps(self) -> dict[str, int]:
        found = {
            symbol: sum(sign * round(self.model.getVal(shares)) for sign, shares in traded)
            for symbol, traded in self.traded.items()
        }
        return {symbol: steps for symbol, steps in found.items() if steps}

    def add(self, line: Line, quiet: Any, *, elsewhere: bool) -> None:
        """All that a line may do, in a group that is QUIET where the flag is one."""
        account, flags = self.account, []
        for state in (False, True) if account.taxable else (False,):
            recent_go = state and not elsewhere
            for way in ways(account, line, quiet=state, elsewhere=elsewhere) or ():
                flag, shares = self._shares(way)
                flags.append(flag)
                if account.taxable or not way.sells:
                    self.model.addCons(flag <= quiet if state else flag + quiet <= 1)
                if recent_go and keeps_recent(line):
                    self.model.addCons(flag >= quiet)
                self._charge(line, way, flag, shares)
                if way.sells:
                    self.cost += tax_on(self.model, way, flag, shares, bps=self.bps, recent_go=recent_go)
        if len(flags) > 1:
            self.model.addCons(sum(flags) <= 1)
        self._drift(line)

    def _shares(self, way: Way) -> tuple[Any, Any]:
        flag, shares = self.model.addVar(vtype="B"), self.model.addVar(vtype="I", lb=0, ub=way.most)
        self.model.addCons(shares >= way.least * flag)
        self.model.addCons(shares <= way.most * flag)
        return flag, shares

    def _charge(self, line: Line, way: Way, flag: Any, shares: Any) -> None:
        sign = -1 if way.sells else 1
        costs = (line.half_spread + (line.fee if way.sells else 0.0)) * shares + self.account.commission * flag
        self.cost += self.bps * costs
        self.cash -= self.percent * (sign * line.price * shares + costs)
        self.traded[line.symbol].append((sign, shares))
        if not way.sells:
            self.model.addCons(flag <= self.buys)

    def _drift(self, line: Line) -> None:
        """Half the deviation in percent, and its square through tangents."""
        off: Any = self.percent * (line.held * line.price - line.goal)
        for sign, shares in self.traded[line.symbol]:
            off += self.percent * line.price * sign * shares
        size, square = self.model.addVar(lb=0), self.model.addVar(lb=0)
        self.model.addCons(size >= off)
        self.model.addCons(size >= -1 * off)
        for at in range(SPACING, 100, SPACING):
            self.model.addCons(square >= 2 * at * size - at * at)
        self.cost += self.bps / self.percent * 0.5 * self.account.price_of_drift * (size + DEEP / 100 * square)

    def close(self) -> None:
        """What the cash that is left costs."""
        account, half = self.account, 0.5 * self.account.price_of_drift
        above, below, missing = (self.model.addVar(lb=0) for _ in range(3))
        self.model.addCons(self.cash - account.wanted * self.percent == above - below)
        lowest = min(account.cash, 0.0) * self.percent - 100
        reserve = account.reserve * self.percent
        self.model.addCons(self.cash >= reserve + (lowest - reserve) * (1 - self.buys))
        self.model.addCons(missing >= account.floor * self.percent - self.cash)
        self.cost += self.bps / self.percent * (half * CASH_COUNTS + account.cash_drag) * above
        self.cost += self.bps / self.percent * (half * below + (SCARCE - half) * missing)


def tax_on(model: Any, way: Way, flag: Any, shares: Any, *, bps: float, recent_go: bool) -> Any:
    """Tax on the shares of a way in basis points, with variables for what is sold of each lot.

    But for recent lots, which all go, lots stand in the order of their tax: the cheapest go first anyway.
    """
    total: Any = 0
    tax: Any = 0
    for parcel in way.parcels:
        part = model.addVar(lb=0, ub=parcel.shares)
        if recent_go and parcel.recent:
            model.addCons(part >= parcel.shares * flag)
        total += part
        tax += bps * parcel.tax * part
    model.addCons(total == shares)
    return tax
