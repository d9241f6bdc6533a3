"""The one call that turns a book into decisions: compiled, a household at a time under one wash-sale guard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import Ints
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.optimiser.branch import Effort
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.coupled.settling import settle
from rebalancer.engine.optimiser.coupled.volume import VolumeLimits
from rebalancer.engine.optimiser.decision import (
    Certificate,
    ClassLine,
    Decision,
    HouseholdYear,
    SecurityLine,
    Skipped,
    SkipReason,
    Trade,
    TradeReason,
)
from rebalancer.engine.optimiser.decisions import Decisions
from rebalancer.engine.optimiser.households.apart import Apart
from rebalancer.engine.optimiser.households.together import Together
from rebalancer.engine.optimiser.kernel import outcome_for
from rebalancer.engine.optimiser.native import ready
from rebalancer.engine.optimiser.problem import Risk, pose
from rebalancer.engine.optimiser.scenarios import SLIDERS, Scenario, prices_of_drift, prices_of_variance, sliders
from rebalancer.engine.optimiser.work import work_for
from rebalancer.engine.policy import Distance
from rebalancer.engine.triggers import MODES, Mode

__all__ = [
    "SLIDERS",
    "Certificate",
    "ClassLine",
    "Decision",
    "Decisions",
    "Distance",
    "HouseholdYear",
    "NoRiskModel",
    "Scenario",
    "SecurityLine",
    "SkipReason",
    "Skipped",
    "Trade",
    "TradeReason",
    "VolumeLimits",
    "solve",
]

ENGINE_VERSION = "sweep-1"

DEFAULT = Effort(branches=64, nodes=80, walk=5, tolerance=5e-7, dividing=3e-5)
EXACT = Effort(branches=4000, nodes=300, walk=12, tolerance=2e-7, dividing=0.0)


class NoRiskModel(ValueError):
    """Distance as risk was asked for, and the book has no covariance."""


def solve(
    book: Book,
    accounts: Ints | None = None,
    *,
    modes: Ints | Sequence[int] | None = None,
    drift: Drift | None = None,
    slider: float | None = None,
    distance: Distance | None = None,
    exact: bool = False,
    volume_limits: VolumeLimits | None = None,
) -> Decisions:
    """Decide for some accounts of a book, or for all of them; one decision each, in the order asked for.

    :param accounts: indices into the book (`Book.index_of`, or `Triggers.due`). All accounts of a household that may
        trade belong in one call, or the wash-sale guard cannot see them together.
    :param modes: one index into `triggers.MODES` for each account asked for; FULL where not given
    :param drift: `drift.measure(book)`, where the caller has it already
    :param slider: 0 least tax to 1 closest to the model; each account's policy decides where not given
    :param distance: RISK needs the book's risk model; where not given, RISK if all their policies say so
    :param exact: search until the best answer is proven, not only found
    :param volume_limits: `Decisions.volume_limits` of an earlier call, to ask again about some of its households alone
    :raises NoRiskModel: for RISK without one
    """
    wanted = np.arange(len(book)) if accounts is None else np.asarray(accounts, dtype=np.int64)
    mode_of = np.zeros(len(wanted), dtype=np.int64) if modes is None else np.asarray(modes, dtype=np.int64)
    drift = drift or measure(book)
    places = sliders(book, slider)
    measured = distance or _distance(book, wanted)
    if measured is Distance.RISK and book.risk is None:
        raise NoRiskModel("Distance cannot be measured as risk: the book has no covariance of its securities.")
    ready(measured)
    raising = np.zeros(len(book), dtype=bool)
    raising[wanted[mode_of == MODES.index(Mode.RAISE_CASH)]] = True
    problem = pose(
        book,
        drift,
        price_of_drift=(prices_of_variance if measured is Distance.RISK else prices_of_drift)(book, places),
        bars=PLACES,
        relaxed=raising,
    )
    work = work_for(_most(problem.row_offsets), _most(problem.lot_offsets), risk=measured is Distance.RISK)
    risk = Risk(book.risk.loadings, book.risk.specific) if measured is Distance.RISK and book.risk else None
    mode_by_account = np.zeros(len(book), dtype=np.int64)
    mode_by_account[wanted] = mode_of
    search = Search(
        problem=problem,
        outcome=outcome_for(problem),
        accounts=wanted[_taxed_first(book, wanted)],
        modes=mode_by_account,
        effort=EXACT if exact else DEFAULT,
        work=work,
        risk=risk,
        together=_together(drift, measured, slider, exact=exact),
        apart=Apart(),
    )
    settled = settle(book, search, volume_limits or {})
    return Decisions(
        book=book,
        drift=drift,
        problem=problem,
        outcome=search.outcome,
        accounts=wanted,
        modes=mode_of,
        sliders=places,
        distance=measured,
        settled=settled,
    )


def _together(drift: Drift, distance: Distance, slider: float | None, *, exact: bool) -> Together | None:
    """What households that follow one target together are decided by, where there are any."""
    if drift.joint is None:
        return None
    book = drift.joint.book
    prices = (prices_of_variance if distance is Distance.RISK else prices_of_drift)(book, sliders(book, slider))
    relaxed = np.zeros(len(book), dtype=bool)
    return Together(
        drift.joint, pose(book, drift.joint.drift, price_of_drift=prices, bars=PLACES, relaxed=relaxed), exact=exact
    )


def _distance(book: Book, wanted: Ints) -> Distance:
    """RISK where every policy asks for it and the book can."""
    asked = {book.policies[policy].distance for policy in np.unique(book.accounts.policy[wanted]).tolist()}
    return Distance.RISK if asked == {Distance.RISK} and book.risk is not None else Distance.WEIGHTS


def _most(offsets: Ints) -> int:
    return int(np.diff(offsets).max()) if len(offsets) > 1 else 0


def _taxed_first(book: Book, wanted: Ints) -> Ints:
    """Within a household the taxable accounts go first: a loss there is worth something, a purchase can wait."""
    household = book.accounts.household[wanted]
    return np.lexsort((wanted, book.accounts.tax_status[wanted] != TaxStatus.TAXABLE, household))
