"""Households whose accounts follow one target together, decided by turns and by a program; no cash moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from rebalancer.engine.book_tables import NONE, Bools, Ints
from rebalancer.engine.joint_drift import JointDrift
from rebalancer.engine.optimiser.coupled.searches import Search, spans
from rebalancer.engine.optimiser.households.members import Household
from rebalancer.engine.optimiser.households.turns import Turns
from rebalancer.engine.optimiser.problem import Problem


class Together:
    """The joint households of one call."""

    def __init__(self, joint: JointDrift, whole: Problem, *, exact: bool) -> None:
        """
        :param whole: the problem of `joint.book`
        :param exact: go on until the best answer is proven
        """
        self.joint = joint
        self.whole = whole
        self.exact = exact
        self._sketched = False

    @contextmanager
    def sketched(self) -> Iterator[None]:
        """Until this ends, households are bounded by linear relaxations alone, since they are decided many times."""
        self._sketched = True
        try:
            yield
        finally:
            self._sketched = False

    def owns(self, accounts: Ints) -> Bools:
        """Which accounts belong to a joint household."""
        flags: Bools = self.joint.owner[accounts] != NONE
        return flags

    def decide(self, search: Search, accounts: Ints, modes: Ints) -> None:
        """Decide accounts of joint households; `search.outcome` holds the answers, `search.problem` their goals.

        :param modes: places in `triggers.MODES`, by account of the book
        """
        households = self.joint.owner[accounts]
        for index in np.unique(households).tolist():
            Turns(self._household(search, index, accounts[households == index]), modes).solve()

    def _household(self, search: Search, index: int, wanted: Ints) -> Household:
        problem, members = search.problem, np.flatnonzero(self.joint.owner == index)
        rows = search.rows_of(members)
        counts = np.diff(problem.row_offsets)[members]
        position = problem.rows["position"][rows]
        begin = np.append(problem.lot_offsets[:-1], 0)[position]
        lots = np.append(np.diff(problem.lot_offsets), 0)[position]
        return Household(
            search=search,
            whole=self.whole,
            index=index,
            exact=self.exact and not self._sketched,
            sketched=self._sketched,
            members=members,
            wanted=wanted,
            rows=rows,
            owner=np.repeat(np.arange(len(members)), counts),
            joint=self.joint.row[rows] - int(self.whole.row_offsets[index]),
            lots=spans(begin, begin + lots),
            lot_row=np.repeat(np.arange(len(rows)), lots),
        )
