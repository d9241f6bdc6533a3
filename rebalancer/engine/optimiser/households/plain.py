"""The household's mean-variance problem as text books state it: no regulatory fees, costs paid from outside."""

from __future__ import annotations

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.optimiser import EXACT, _most
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.households.together import Together
from rebalancer.engine.optimiser.kernel import Outcome, outcome_for
from rebalancer.engine.optimiser.plain import NO_FEES
from rebalancer.engine.optimiser.problem import Problem, Risk, pose
from rebalancer.engine.optimiser.scenarios import prices_of_variance
from rebalancer.engine.optimiser.work import work_for


def plain_household(book: Book) -> tuple[Problem, Outcome]:
    """The best trades found for the joint households of a book with a risk model.

    Every account has half the price of its cheapest share beside its holdings, of which costs are paid and nothing
    can be bought.

    :raises ValueError: without a risk model, or without a joint household
    """
    drift = measure(book)
    if book.risk is None or drift.joint is None:
        raise ValueError("A household's variance needs a covariance, and accounts that follow one target together.")
    risk = Risk(book.risk.loadings, book.risk.specific)

    def posed(of: Book, drifted: Drift) -> Problem:
        top = np.ones(len(of))
        problem = pose(
            of,
            drifted,
            price_of_drift=prices_of_variance(of, top),
            bars=PLACES,
            relaxed=top.astype(bool),
        )
        return problem._replace(fees=NO_FEES)

    problem = posed(book, drift)
    problem.accounts["free"] += int(book.securities.price.min()) // 2
    search = Search(
        problem=problem,
        outcome=outcome_for(problem),
        accounts=np.arange(len(book)),
        modes=np.zeros(len(book), dtype=np.int64),
        effort=EXACT,
        work=work_for(_most(problem.row_offsets), _most(problem.lot_offsets), risk=True),
        risk=risk,
        together=Together(drift.joint, posed(drift.joint.book, drift.joint.drift), exact=True),
    )
    search.decide(search.accounts)
    return problem, search.outcome
