"""The cheapest decision for an account that sells a given number of shares."""

from __future__ import annotations

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.drift import measure
from rebalancer.engine.optimiser import DEFAULT, Decision, HouseholdYear
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.kernel import outcome_for
from rebalancer.engine.optimiser.problem import pose
from rebalancer.engine.optimiser.scenarios import prices_of_drift
from rebalancer.engine.optimiser.work import work_for


def search_of(book: Book) -> Search:
    """Everything about a book, nothing of it decided yet; at the slider's end nearest to the model."""
    count = len(book)
    prices = prices_of_drift(book, np.ones(count))
    problem = pose(book, measure(book), price_of_drift=prices, bars=PLACES, relaxed=np.zeros(count, dtype=bool))
    return Search(
        problem=problem,
        outcome=outcome_for(problem),
        accounts=np.arange(count),
        modes=np.zeros(count, dtype=np.int64),
        effort=DEFAULT,
        work=work_for(8, 8),
        risk=None,
    )


def cost_of_selling(book: Book, symbol: str, shares: int, *, taxed: bool = True) -> float:
    """Dollars: the objective of the only account's best decision with exactly that sale, with its tax or without."""
    search = search_of(book)
    if not taxed:
        search.problem.accounts["short_rate"] = search.problem.accounts["long_rate"] = 0.0
    rows = search.problem.rows
    row = rows["security"] == book.securities.symbol.index(symbol)
    rows["lowest"][row] = rows["highest"][row] = -shares
    search.decide(search.accounts)
    return float(search.outcome.objective[0])


def year_of(decision: Decision) -> HouseholdYear:
    assert decision.year is not None
    return decision.year
