"""What the engine was asked about a household, kept with the proposal so that it can be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from portfolios.snapshots.book import LoadedBook
from rebalancer.engine.book_pack import pack_book, unpack_book
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import Distance, solve
from rebalancer.engine.triggers import MODES, Mode
from trading.selectors.staleness import BESIDE
from trading.services.alternatives import OWN, ByScenario, LimitsByScenario, alternatives
from trading.services.soundness import unsound


class BadQuestion(ValueError):
    """The settings kept with a proposal are no settings, or are not of its book; the message says what."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An index into `triggers.MODES` for each account, and those whose trades were not worth their cost."""

    modes: Mapping[str, int]
    left_out: frozenset[str] = frozenset()
    limits: LimitsByScenario = field(default_factory=dict)
    """Limits of volume that were shared with other households."""


@dataclass(frozen=True, slots=True)
class Question:
    """The settings as JSON (`slider`, `distance`, `exact`, `modes` by account id, `left_out`), and the packed book.

    `volume_limits` is there where orders had to share a volume with other households: by scenario, account id and
    symbol, the most micro-shares. `beside` tells by digests what the household's accounts without trades were like.
    """

    asked: Mapping[str, Any]
    book: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Decisions by scenario of the accounts that trade in one of them, by account id in the order of the book."""

    whole: LoadedBook
    accounts: Mapping[str, ByScenario]


def question_of(
    whole: LoadedBook, household_id: int, put: Asked, beside: Mapping[str, Mapping[str, str]] | None = None
) -> Question:
    """What is asked about one household of a loaded book.

    :param beside: digests of what its accounts without trades hold and are traded by, by account id
    """
    members = np.flatnonzero(whole.household_ids == household_id)
    names = [whole.book.accounts.account_id[row] for row in members.tolist()]
    asked: dict[str, Any] = {
        "slider": None,
        "distance": Distance.WEIGHTS.value,
        "exact": False,
        "modes": {name: MODES[put.modes[name]].value for name in names if name in put.modes},
        "left_out": [name for name in names if name in put.left_out],
    }
    limits = {scenario: {name: of[name] for name in names if name in of} for scenario, of in put.limits.items()}
    if any(limits.values()):
        asked["volume_limits"] = {scenario: of for scenario, of in limits.items() if of}
    if beside:
        asked[BESIDE] = {name: dict(of) for name, of in beside.items()}
    return Question(asked, pack_book(whole.book, whole.book.accounts.household[members[:1]]))


def answer(question: Question) -> Answer:
    """Ask the engine again.

    :raises rebalancer.engine.book_pack.BadPackedBook: if the book cannot be read
    :raises BadQuestion: if the settings cannot
    """
    whole = _loaded(question.book)
    try:
        modes = {name: MODES.index(Mode(word)) for name, word in question.asked["modes"].items()}
        rows = np.sort(whole.book.index_of(list(modes)))
        slider, exact = question.asked["slider"], bool(question.asked["exact"])
        distance = Distance(question.asked["distance"])
        left_out = set(question.asked.get("left_out", ()))
        limits: LimitsByScenario = dict(question.asked.get("volume_limits", {}))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadQuestion(f"The settings kept with the proposal cannot be read: {error!r}.") from None
    names = [whole.book.accounts.account_id[row] for row in rows.tolist()]
    mode = np.array([modes[name] for name in names], dtype=np.int64)
    found = solve(
        whole.book,
        rows,
        modes=mode,
        slider=slider,
        distance=distance,
        exact=exact,
        volume_limits=limits.get(OWN, {}),
    )
    decisions = list(found)
    checker = Checker(whole.book)
    left_out |= unsound(checker, decisions)
    own = [decision for decision in decisions if decision.account_id not in left_out]
    others = alternatives(whole, own, modes, checker, limits)
    trading = {name: by for name, by in others.by_account.items() if any(decision.trades for decision in by.values())}
    return Answer(whole, trading)


def _loaded(packed: bytes) -> LoadedBook:
    """The book with the ids that it carries; those of securities it does not."""
    book = unpack_book(packed)
    versions = [0, *map(int, book.models.model_id)]
    return LoadedBook(
        book,
        account_ids=np.array(list(map(int, book.accounts.account_id)), dtype=np.int64),
        household_ids=book.accounts.household,
        security_ids=np.zeros(0, dtype=np.int64),
        version_ids=np.array(versions, dtype=np.int64)[book.accounts.model + 1],
    )
