"""The one call that turns a book into decisions. A rule waterfall for each account, households under one guard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancer.engine.book import NONE, Block, Book, TaxStatus
from rebalancer.engine.book_tables import Ints
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.optimiser import waterfall
from rebalancer.engine.optimiser.decision import (
    ClassLine,
    Decision,
    SecurityLine,
    Skipped,
    SkipReason,
    Trade,
    TradeReason,
)
from rebalancer.engine.optimiser.facts import Reader
from rebalancer.engine.optimiser.report import decide, undecided
from rebalancer.engine.optimiser.wash import Guard, guards
from rebalancer.engine.triggers import MODES, Mode

__all__ = ["ClassLine", "Decision", "SecurityLine", "SkipReason", "Skipped", "Trade", "TradeReason", "solve"]

ENGINE_VERSION = "waterfall-1"


def solve(
    book: Book, accounts: Ints | None = None, *, modes: Ints | Sequence[int] | None = None, drift: Drift | None = None
) -> list[Decision]:
    """Decide for some accounts of a book, or for all of them; one decision each, in the order asked for.

    :param accounts: indices into the book (`Book.index_of`, or `Triggers.due`). All accounts of a household that may
        trade belong in one call, or the wash-sale guard cannot see them together.
    :param modes: one index into `triggers.MODES` for each account asked for; FULL where not given
    :param drift: `drift.measure(book)`, where the caller has it already
    """
    wanted = np.arange(len(book)) if accounts is None else np.asarray(accounts)
    drift = drift or measure(book)
    mode_of = np.zeros(len(wanted), dtype=np.int64) if modes is None else np.asarray(modes)
    reader = Reader(book, drift)
    guard_of = guards(book, reader)
    decisions: dict[int, Decision] = {}
    for place in _taxed_first(book, wanted):
        account = int(wanted[place])
        guard = guard_of[int(book.accounts.household[account])]
        decisions[int(place)] = _one(reader, account, MODES[mode_of[place]], guard)
    return [decisions[place] for place in range(len(wanted))]


def _taxed_first(book: Book, wanted: Ints) -> Ints:
    """Within a household the taxable accounts go first: a loss there is worth something, a purchase can wait."""
    household = book.accounts.household[wanted]
    return np.lexsort((wanted, book.accounts.tax_status[wanted] != TaxStatus.TAXABLE, household))


def _one(reader: Reader, account: int, mode: Mode, guard: Guard) -> Decision:
    reason = _nothing_to_do(reader.book, reader.drift, account, mode)
    if reason:
        return undecided(account, reader, reason, mode)
    facts = reader.facts(account)
    outcome = waterfall.run(facts, reader, guard, mode)
    decision = decide(facts, reader, outcome, mode)
    guard.commit(facts, reader)
    return decision


def _nothing_to_do(book: Book, drift: Drift, account: int, mode: Mode) -> SkipReason | None:
    block = int(book.accounts.block[account])
    if book.accounts.model[account] == NONE:
        return SkipReason.NO_MODEL
    if block != Block.NONE:
        return SkipReason.DATA_PROBLEM if block == Block.DATA_PROBLEM else SkipReason.BLOCKED
    if drift.value[account] <= 0:
        return SkipReason.NO_VALUE
    if drift.value_incomplete[account] and mode is not Mode.RAISE_CASH:
        return SkipReason.VALUE_INCOMPLETE
    return None
