"""Decisions that stand or fall together: those of accounts that follow one target, and every other alone."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from rebalancer.engine.book import Book
from rebalancer.engine.optimiser.decision import Decision


def standing_together(book: Book, decisions: Iterable[Decision]) -> list[list[Decision]]:
    """Decisions on a joint household as one group, in the order of the first of each.

    :raises KeyError: for a decision on an account that is not in the book
    """
    household_of = dict(zip(book.accounts.account_id, book.accounts.household.tolist(), strict=True))
    groups: dict[str | int, list[Decision]] = {}
    for one in decisions:
        household = household_of[one.account_id]
        groups.setdefault(household if one.joint else one.account_id, []).append(one)
    return list(groups.values())


def fallen_with(book: Book, decisions: Iterable[Decision], fallen: AbstractSet[str]) -> frozenset[str]:
    """Ids of accounts that are among the fallen, or in a group with one of them."""
    groups = ({one.account_id for one in group} for group in standing_together(book, decisions))
    return frozenset().union(*(group for group in groups if group & fallen))
