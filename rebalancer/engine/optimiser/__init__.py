"""The one call that turns a book into decisions: compiled, and for each household as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import Floats, Ints
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
from rebalancer.engine.optimiser.problem import Problem, Risk, pose
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

ENGINE_VERSION = "sweep-3"

DEFAULT = Effort(branches=300, nodes=200, walk=8, tolerance=5e-7, dividing=5e-6)
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
    asked = _Asked(book, drift or measure(book), wanted, mode_of, slider, _measured(book, wanted, distance), exact)
    ready(asked.distance)
    search = asked.search()
    settled = settle(book, search, volume_limits or {})
    return Decisions(
        book=book,
        drift=asked.drift,
        problem=search.problem,
        outcome=search.outcome,
        accounts=wanted,
        modes=mode_of,
        sliders=sliders(book, slider),
        distance=asked.distance,
        settled=settled,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What `solve` is asked, with nothing left open."""

    book: Book
    drift: Drift
    accounts: Ints
    modes: Ints
    """By place in `accounts`."""
    slider: float | None
    distance: Distance
    exact: bool

    def search(self) -> Search:
        """Everything posed, nothing decided."""
        problem, risk = self._problem(), self.book.risk if self.distance is Distance.RISK else None
        return Search(
            problem=problem,
            outcome=outcome_for(problem),
            accounts=self.accounts[_taxed_first(self.book, self.accounts)],
            modes=self._modes(),
            effort=EXACT if self.exact else DEFAULT,
            work=work_for(_most(problem.row_offsets), _most(problem.lot_offsets), risk=risk is not None),
            risk=None if risk is None else Risk(risk.loadings, risk.specific),
            together=self._together(),
            apart=Apart(),
        )

    def _problem(self) -> Problem:
        """Accounts that only raise cash may be decided although their value is incomplete."""
        raising = self._modes() == MODES.index(Mode.RAISE_CASH)
        return pose(self.book, self.drift, price_of_drift=self._prices(self.book), bars=PLACES, relaxed=raising)

    def _modes(self) -> Ints:
        """By account of the book; FULL where it is not asked for."""
        modes = np.zeros(len(self.book), dtype=np.int64)
        modes[self.accounts] = self.modes
        return modes

    def _prices(self, book: Book) -> Floats:
        prices = prices_of_variance if self.distance is Distance.RISK else prices_of_drift
        return prices(book, sliders(book, self.slider))

    def _together(self) -> Together | None:
        """What households that follow one target together are decided by, where there are any."""
        joint = self.drift.joint
        if joint is None:
            return None
        relaxed = np.zeros(len(joint.book), dtype=bool)
        whole = pose(joint.book, joint.drift, price_of_drift=self._prices(joint.book), bars=PLACES, relaxed=relaxed)
        return Together(joint, whole, exact=self.exact)


def _measured(book: Book, wanted: Ints, distance: Distance | None) -> Distance:
    """As asked for, or else RISK where every policy asks for it and the book can.

    :raises NoRiskModel: for RISK without a covariance
    """
    policies = {book.policies[policy].distance for policy in np.unique(book.accounts.policy[wanted]).tolist()}
    if distance is None:
        return Distance.RISK if policies == {Distance.RISK} and book.risk is not None else Distance.WEIGHTS
    if distance is Distance.RISK and book.risk is None:
        raise NoRiskModel("Distance cannot be measured as risk: the book has no covariance of its securities.")
    return distance


def _most(offsets: Ints) -> int:
    return int(np.diff(offsets).max()) if len(offsets) > 1 else 0


def _taxed_first(book: Book, wanted: Ints) -> Ints:
    """Within a household the taxable accounts go first: a loss there is worth something, a purchase can wait."""
    household = book.accounts.household[wanted]
    return np.lexsort((wanted, book.accounts.tax_status[wanted] != TaxStatus.TAXABLE, household))
