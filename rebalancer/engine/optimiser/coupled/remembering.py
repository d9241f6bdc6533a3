"""The best answers found so far, household by household, while others are tried."""

from __future__ import annotations

from typing import Any

import numpy as np

from rebalancer.engine.book_tables import Bools, Ints
from rebalancer.engine.optimiser.coupled.searches import Search, spans

BY_ROW = frozenset({"steps", "reason", "skip"})
BY_LOT = frozenset({"taken"})


class Remembered:
    """What was decided for some households; it begins with what the search's outcome holds."""

    def __init__(self, search: Search, households: Ints) -> None:
        """:param households: ascending"""
        self.search = search
        accounts, owner = search.members(households)
        rows = search.rows_of(accounts)
        lots = _lots_of(search, rows)
        row_owner = np.searchsorted(households, search.household_of(search.problem.rows["account"][rows]))
        lot_owner = np.repeat(row_owner, _lot_counts(search, rows))
        self._where = [
            self._of(name, (rows, row_owner), (lots, lot_owner), (accounts, owner)) for name in search.outcome._fields
        ]
        self._best: list[Any] = [column[index] for column, (index, _) in zip(search.outcome, self._where, strict=True)]

    @staticmethod
    def _of(name: str, *kinds: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
        """Places in a column of the outcome, and the household of each."""
        rows, lots, accounts = kinds
        return rows if name in BY_ROW else lots if name in BY_LOT else accounts

    def keep(self, households: Bools) -> None:
        """Remember what is decided now for those of the households."""
        for best, column, (index, owner) in zip(self._best, self.search.outcome, self._where, strict=True):
            theirs = households[owner]
            best[theirs] = column[index[theirs]]

    def restore(self) -> None:
        """Write what is remembered into the outcome."""
        for best, column, (index, _) in zip(self._best, self.search.outcome, self._where, strict=True):
            column[index] = best


def _lot_counts(search: Search, rows: Ints) -> Ints:
    position = search.problem.rows["position"][rows]
    counts = np.append(np.diff(search.problem.lot_offsets), 0)
    found: Ints = counts[position]  # what is not held has place -1: no lots
    return found


def _lots_of(search: Search, rows: Ints) -> Ints:
    """Lots of some rows, row by row."""
    position = search.problem.rows["position"][rows]
    begin = np.append(search.problem.lot_offsets[:-1], 0)[position]
    return spans(begin, begin + _lot_counts(search, rows))
