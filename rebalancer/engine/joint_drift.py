"""Drift of accounts that follow one target together: that of their household, told of each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rebalancer.engine.book import NONE, Book
from rebalancer.engine.book_tables import Bools, Ints
from rebalancer.engine.joint_books import join
from rebalancer.engine.levels import Level

if TYPE_CHECKING:
    from rebalancer.engine.drift import Drift


@dataclass(frozen=True, slots=True, eq=False)
class JointDrift:
    """Households as accounts of a book of their own, with their drift."""

    book: Book
    drift: Drift
    owner: Ints
    """By account, the household's account in `book`, or NONE."""
    row: Ints
    """By row of the accounts' `Drift.rows`, the household's row in `drift.rows`, or NONE."""


def joined(book: Book, drift: Drift, measure: Callable[[Book], Drift]) -> Drift:
    """Levels, drift and breaches of joint accounts are those of their household; values and rows stay their own."""
    joint = join(book)
    if joint is None:
        return drift
    whole = measure(joint.book)
    row = _rows(drift, whole, joint.owner, len(book.securities.symbol))
    member, at = joint.owner != NONE, np.maximum(joint.owner, 0)

    def told(own: Level, household: Level, flag: Bools, place: Ints) -> Level:
        shape = (slice(None),) + (None,) * (own.weight.ndim - 1)
        columns = ("weight", "target", "low", "high")
        return Level(
            **{name: np.where(flag[shape], getattr(household, name)[place], getattr(own, name)) for name in columns}
        )

    return replace(
        drift,
        drift_weight=np.where(member, whole.drift_weight[at], drift.drift_weight),
        largest_deviation_weight=np.where(member, whole.largest_deviation_weight[at], drift.largest_deviation_weight),
        value_incomplete=drift.value_incomplete | (member & whole.value_incomplete[at]),
        price_stale=drift.price_stale | (member & whole.price_stale[at]),
        securities=told(drift.securities, whole.securities, row != NONE, np.maximum(row, 0)),
        classes=told(drift.classes, whole.classes, member, at),
        nodes=told(drift.nodes, whole.nodes, member, at),
        cash_level=told(drift.cash_level, whole.cash_level, member, at),
        account_breached=np.where(member, whole.account_breached[at], drift.account_breached),
        breached=np.where(member, whole.breached[at], drift.breached),
        joint=JointDrift(joint.book, whole, joint.owner, row),
    )


def _rows(drift: Drift, whole: Drift, owner: Ints, securities: int) -> Ints:
    """The household's row of every row; a household has a row of whatever one of its accounts has."""
    wanted = np.where(
        owner[drift.rows.account] == NONE, NONE, owner[drift.rows.account] * securities + drift.rows.security
    )
    keys = whole.rows.account * securities + whole.rows.security
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    found: Ints = np.where(wanted == NONE, NONE, order[place])
    return found
