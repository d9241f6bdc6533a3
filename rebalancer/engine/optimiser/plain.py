"""The mean-variance problem as text books state it: any direction, no regulatory fees, all of it in dollars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.drift import measure
from rebalancer.engine.optimiser import EXACT, _most
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.kernel import Outcome, guard_for, outcome_for, run
from rebalancer.engine.optimiser.problem import Fees, Problem, Risk, pose
from rebalancer.engine.optimiser.scenarios import prices_of_variance
from rebalancer.engine.optimiser.work import work_for

NO_FEES = Fees(0.0, 0, 0.0, 0, 0)
Limits = Mapping[int, tuple[int, int]]
"""Fewest and most steps by row of the problem, sales negative."""


def plain_optimum(book: Book, limits: Limits | None = None) -> tuple[Problem, Outcome]:
    """The best whole-step answer for every account of a book with a risk model, proven.

    :raises ValueError: without a risk model
    """
    if book.risk is None:
        raise ValueError("The variance of a deviation needs a covariance.")
    drift = measure(book)
    everything = np.ones(len(book), dtype=bool)
    prices = prices_of_variance(book, everything.astype(np.float64))
    problem = pose(book, drift, price_of_drift=prices, bars=PLACES, relaxed=everything)._replace(fees=NO_FEES)
    problem.accounts["any_direction"] = True
    for row, (lowest, highest) in (limits or {}).items():
        problem.rows["lowest"][row], problem.rows["highest"][row] = lowest, highest
    outcome = outcome_for(problem)
    work = work_for(_most(problem.row_offsets), _most(problem.lot_offsets), risk=True)
    accounts = np.arange(len(book))
    risk = Risk(book.risk.loadings, book.risk.specific)
    run(problem, accounts, np.zeros_like(accounts), EXACT, work, guard_for(problem), outcome, risk)
    return problem, outcome
