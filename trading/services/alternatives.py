"""What the engine would trade at every named place between least tax and closest to the model."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from portfolios.snapshots.book import LoadedBook
from rebalancer.engine.book_tables import Ints
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import SLIDERS, Decisions, VolumeLimits, solve
from rebalancer.engine.optimiser.decision import Decision

log = logging.getLogger(__name__)

POLICY = "POLICY"
"""The accounts' own places, where those are not one of the named ones."""
NAMED = {place: scenario.value for scenario, place in SLIDERS.items()}

OWN = "OWN"
"""In limits: the accounts' own places, whatever their name."""

ByScenario = Mapping[str, Decision]
LimitsByScenario = Mapping[str, VolumeLimits]
"""Limits of volume that a call had to share among households, by scenario."""


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Every account's decisions by scenario, by account id; and the limits of volume they were made under."""

    by_account: Mapping[str, ByScenario]
    limits: LimitsByScenario


def alternatives(
    whole: LoadedBook,
    own: Sequence[Decision],
    modes: Mapping[str, int],
    checker: Checker,
    known: LimitsByScenario | None = None,
) -> Alternatives:
    """Every account's decisions by scenario, the accounts' own decision among them.

    A scenario in which a decision of the household does not foot is logged and left out for the whole household.

    :param own: sound decisions at the places that the policies say; all of a household that may trade
    :param modes: an index into `triggers.MODES` by account id
    :param known: limits of volume from when more households were decided together
    """
    found: dict[str, dict[str, Decision]] = {decision.account_id: {} for decision in own}
    household_of = _households(whole, own)
    for members in _grouped(own, household_of).values():
        name = own_scenario(members)
        for decision in members:
            found[decision.account_id][name] = decision
    limits: dict[str, VolumeLimits] = {}
    for scenario, place in SLIDERS.items():
        wanted = [one for one in own if scenario.value not in found[one.account_id]]
        decisions = _decided(whole, wanted, modes, place, (known or {}).get(scenario.value, {}))
        limits[scenario.value] = {} if decisions is None else decisions.volume_limits
        for decision in _sound(list(decisions or ()), place, checker, household_of):
            found[decision.account_id][scenario.value] = decision
    return Alternatives(found, limits)


def own_scenario(decisions: Iterable[Decision]) -> str:
    """The scenario that a household's accounts have by their policies: one with a name if all are at its place."""
    places = {decision.slider for decision in decisions}
    return NAMED.get(places.pop(), POLICY) if len(places) == 1 else POLICY


def _decided(
    whole: LoadedBook, wanted: Sequence[Decision], modes: Mapping[str, int], slider: float, known: VolumeLimits
) -> Decisions | None:
    """Decisions on the accounts of other ones; None where there are none."""
    if not wanted:
        return None
    names = [one.account_id for one in wanted]
    mode = np.array([modes[name] for name in names], dtype=np.int64)
    rows: Ints = whole.book.index_of(names)
    return solve(whole.book, rows, modes=mode, slider=slider, volume_limits=known)


def _sound(
    decisions: Sequence[Decision], slider: float, checker: Checker, household_of: Mapping[str, int]
) -> list[Decision]:
    """Those of households that foot as a whole."""
    breaches = checker.check_all(decisions)
    for account, what in breaches.items():
        log.error("account %s: the decision at slider %s does not foot: %s", account, slider, what)
    unsound = {household_of[account] for account in breaches}
    return [decision for decision in decisions if household_of[decision.account_id] not in unsound]


def _households(whole: LoadedBook, decisions: Sequence[Decision]) -> dict[str, int]:
    rows = whole.book.index_of([decision.account_id for decision in decisions])
    ids = whole.household_ids[rows].tolist()
    return {decision.account_id: household for decision, household in zip(decisions, ids, strict=True)}


def _grouped(decisions: Iterable[Decision], household_of: Mapping[str, int]) -> dict[int, list[Decision]]:
    grouped: dict[int, list[Decision]] = {}
    for decision in decisions:
        grouped.setdefault(household_of[decision.account_id], []).append(decision)
    return grouped
