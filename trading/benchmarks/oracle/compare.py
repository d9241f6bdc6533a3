"""The engine's answers beside the least cost there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser import Decision, solve
from trading.benchmarks.oracle import listing, milp
from trading.benchmarks.oracle.accounts import Case
from trading.benchmarks.oracle.terms import Account
from trading.benchmarks.oracle.ways import cost_of

OPTIMAL_BPS = 0.01
PRICED_BPS = 1e-3
"""How far two reckonings of the same trades may be apart, and a bound above an optimum."""

Oracle = Callable[[Sequence[Account]], tuple[float, float] | None]
"""Dollars: a cost that can be had, and one that nothing is below; None where no answer was found."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One household in basis points of its value."""

    seed: int
    best: float
    lowest: float
    """Nothing costs less."""
    objective: float
    """What the decision says it costs."""
    priced: float
    """What the oracle says that its trades cost; infinite where they break a rule."""
    bound: float
    proven: bool
    tolerance: float = PRICED_BPS

    @property
    def worse(self) -> float:
        return self.priced - self.best

    @property
    def optimal(self) -> bool:
        return self.worse <= OPTIMAL_BPS

    @property
    def faults(self) -> list[str]:
        """What cannot be, whatever the effort."""
        found = {
            "the trades break a rule or cost less than anything can": not self.lowest - self.tolerance
            <= self.priced
            < inf,
            "the objective is not what the trades cost": abs(self.objective - self.priced) > self.tolerance,
            "the bound is above the least cost": self.bound > self.best + self.tolerance,
            "proven, and yet not the least": self.proven and self.worse > OPTIMAL_BPS,
        }
        return [fault for fault, there in found.items() if there]


def by_listing(accounts: Sequence[Account]) -> tuple[float, float] | None:
    """For one account, few securities and few shares."""
    try:
        cost = sum(listing.least_cost(account)[0] for account in accounts)
    except listing.TooManyCombinations:
        return None
    return cost, cost


def by_scip(accounts: Sequence[Account]) -> tuple[float, float] | None:
    """For accounts of some securities."""
    found = milp.least_cost(accounts)
    return None if found is None else (found.cost, found.bound)


def compare(cases: Iterable[Case], oracle: Oracle, *, exact: tuple[bool, ...]) -> Iterator[tuple[Compared, ...]]:
    """For every case that the oracle has an answer to, one comparison for each effort."""
    for case in cases:
        found = against(case, oracle, exact=exact)
        if found is not None:
            yield found


def against(case: Case, oracle: Oracle, *, exact: tuple[bool, ...]) -> tuple[Compared, ...] | None:
    """One comparison for each effort; None where the oracle has no answer."""
    accounts = case.terms()
    least = oracle(accounts)
    if least is None:
        return None
    book = case.book()
    return tuple(_compared(case, accounts, least, solve(book, exact=each)) for each in exact)


def _compared(
    case: Case, accounts: Sequence[Account], least: tuple[float, float], decisions: Sequence[Decision]
) -> Compared:
    bps = 1e4 / sum(account.value for account in accounts)
    return Compared(
        seed=case.seed,
        best=least[0] * bps,
        lowest=least[1] * bps,
        objective=sum(one.certificate.objective for one in decisions) * bps,
        priced=cost_of(accounts, [steps_of(one) for one in decisions]) * bps,
        bound=sum(one.certificate.bound for one in decisions) * bps,
        proven=all(one.certificate.proven for one in decisions),
    )


def steps_of(decision: Decision) -> dict[str, int]:
    """Shares by symbol, buys positive."""
    return {
        trade.symbol: int(trade.quantity) if trade.side is Side.BUY else -int(trade.quantity)
        for trade in decision.trades
    }
