"""Targets as an account can follow them: what is held of alternates counts, and what may not be bought is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import MICRO, NONE, WASH_WINDOW_DAYS, Bools, Floats, Ints
from rebalancer.engine.execution_choice import Offer, cheapest

EPSILON = 1e-9


class Lines(NamedTuple):
    """One row a security that an account holds or should hold, as in `drift.Rows`; weights are fractions."""

    offsets: Ints
    account: Ints
    security: Ints
    position: Ints
    weight: Floats
    target: Floats


class Moved(NamedTuple):
    """By row."""

    target: Floats
    instead: Ints
    """The row that is bought in place of this one, or NONE."""


def moved_targets(book: Book, lines: Lines, value: Ints) -> Moved:
    """Targets with parts of them moved to alternates.

    :param value: micro-dollars by account
    """
    moved = Moved(lines.target.copy(), np.full(len(lines.target), NONE, dtype=np.int64))
    if book.alternates is None:
        return moved
    chains, barred = book.alternates.chains(), _barred(book, lines)
    accounts = np.flatnonzero(book.alternates.of_model(book.accounts.model))
    for account in accounts.tolist():
        first, last = int(lines.offsets[account]), int(lines.offsets[account + 1])
        place = {int(lines.security[row]): row for row in range(first, last)}
        for row in range(first, last):
            chain = chains.get((int(book.accounts.model[account]), int(lines.security[row])))
            if chain and lines.target[row] > 0:
                rows = [(rank, place[alternate]) for rank, alternate in chain if alternate in place]
                _count_held(lines, moved.target, row, [one for _, one in rows])
                if barred[row]:
                    _replace(book, moved, lines, row, rows, barred, int(value[account]))
    return moved


def _count_held(lines: Lines, target: Floats, row: int, alternates: Sequence[int]) -> None:
    """What is held of an alternate beyond its own target counts towards the security's, by rank."""
    for other in alternates:
        free = max(float(target[row] - lines.weight[row]), 0.0)
        counted = min(max(float(lines.weight[other] - target[other]), 0.0), free)
        target[row] -= counted
        target[other] += counted


def _replace(
    book: Book, moved: Moved, lines: Lines, row: int, ranked: list[tuple[int, int]], barred: Bools, value: int
) -> None:
    """What is missing of a security that may not be bought goes to the first alternate that may be."""
    missing = float(moved.target[row] - lines.weight[row])
    if missing <= EPSILON:
        return
    for _, rows in groupby(ranked, key=lambda one: one[0]):
        allowed = [other for _, other in rows if not barred[other]]
        if allowed:
            other = _cheapest(book, lines, allowed, round(missing * value))
            moved.target[row] -= missing
            moved.target[other] += missing
            moved.instead[row] = other
            return


def _cheapest(book: Book, lines: Lines, rows: Sequence[int], amount: int) -> int:
    policy = book.policies[int(book.accounts.policy[lines.account[rows[0]]])]
    offers = {book.securities.symbol[int(lines.security[row])]: row for row in rows}
    return offers[cheapest((_offer(book, symbol, int(policy.commission * MICRO)) for symbol in offers), amount).symbol]


def _offer(book: Book, symbol: str, commission: int) -> Offer:
    place, table = book.securities.symbol.index(symbol), book.securities
    spread = int(table.ask[place]) - int(table.bid[place])
    return Offer(symbol, int(table.price[place]), (spread + 1) // 2, commission)


def _barred(book: Book, lines: Lines) -> Bools:
    """Rows that may not be bought: no price or an old one, not tradable, restricted, or sold at a loss lately."""
    table, at = book.securities, np.maximum(lines.position, 0)
    oldest = np.array([policy.price_max_age_sessions for policy in book.policies], dtype=np.int64)
    stale = table.price_age_sessions[lines.security] > oldest[book.accounts.policy][lines.account]
    barred: Bools = stale | ~(table.priced & table.tradable)[lines.security]
    if len(book.positions.security):
        barred |= (lines.position != NONE) & (book.positions.no_buy | book.positions.hold)[at]
    recent = book.wash.sold_at_loss_on >= np.datetime64(book.as_of - timedelta(days=WASH_WINDOW_DAYS))
    locked = book.wash.household[recent] * book.wash_groups + book.wash.wash_group[recent]
    group = book.accounts.household[lines.account] * book.wash_groups + table.wash_group[lines.security]
    return barred | np.isin(group, locked)
