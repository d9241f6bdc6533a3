"""Volume limits over a whole block: the orders of one security and side together, over all accounts decided at once.

The limit is the smallest part of the average daily volume that a policy among those accounts allows. Where orders
exceed it, each is limited to its share, and the households concerned are decided again. New orders may then come from
elsewhere, so that this is repeated; a security that still exceeds its limit after some rounds keeps fixed shares for
the rest of the call, also at nothing for accounts that did not trade in it, which ends the matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book_tables import MICRO, NONE, Bools, Floats, Ints
from rebalancer.engine.optimiser.coupled.searches import Search

ROUNDS = 3
"""Rounds in which accounts without an order may still come in."""


class Volumes(NamedTuple):
    """What limits the orders of a book: volume by security, the largest part of it by account."""

    adv_shares: Ints
    part: Floats


class Orders(NamedTuple):
    """Rows that trade, with micro-shares."""

    row: Ints
    security: Ints
    sell: Bools
    quantity: Ints


def keep_volumes(search: Search, volumes: Volumes, settle: Callable[[Ints], None]) -> None:
    """Limit orders that together exceed a security's volume, and decide their households again.

    :param settle: decides households, budgets included
    """
    shared = _shared(search, volumes)
    for turn in range(len(volumes.adv_shares) + ROUNDS):
        orders = orders_of(search)
        over = _over(orders, shared)
        if not over.any():
            return
        fixed = turn >= ROUNDS
        rows = _limit(search, orders, over, shared, fixed=fixed)
        settle(np.unique(search.problem.accounts["household"][search.problem.rows["account"][rows]]))


def orders_of(search: Search) -> Orders:
    """What the outcome trades."""
    steps, rows = search.outcome.steps, search.problem.rows
    row = np.flatnonzero(steps)
    return Orders(row, rows["security"][row], steps[row] < 0, np.abs(steps[row]) * rows["step"][row])


def _shared(search: Search, volumes: Volumes) -> Ints:
    """Most micro-shares of each security on one side; NONE where volume is no limit."""
    if not len(search.accounts):
        return np.full(len(volumes.adv_shares), NONE, dtype=np.int64)
    part = float(volumes.part[search.accounts].min())
    most = np.floor(part * volumes.adv_shares * MICRO + 1e-6).astype(np.int64)
    limits: Ints = np.where(volumes.adv_shares == NONE, NONE, most)
    return limits


def _sums(orders: Orders, count: int) -> Ints:
    """Micro-shares by security and side: buys, sales."""
    total = np.zeros((count, 2), dtype=np.int64)
    np.add.at(total, (orders.security, orders.sell.astype(np.int64)), orders.quantity)
    return total


def _over(orders: Orders, shared: Ints) -> Bools:
    """By security and side, are the orders more than the limit?"""
    over: Bools = (_sums(orders, len(shared)) > shared[:, None]) & (shared[:, None] != NONE)
    return over


def _limit(search: Search, orders: Orders, over: Bools, shared: Ints, *, fixed: bool) -> Ints:
    """Write the rows' limits; the rows that are limited.

    :param fixed: rows that could trade in such a security, but do not, may no longer
    """
    table = search.problem.rows
    total = _sums(orders, len(shared))
    for security, side in np.argwhere(over).tolist():
        rows = orders.row[(orders.security == security) & (orders.sell == bool(side))]
        wanted = np.abs(search.outcome.steps[rows])
        steps = table["step"][rows]
        table["cap"][rows] = shares(wanted * steps, steps, int(shared[security]), int(total[security, side]))
    hit = over[orders.security, orders.sell.astype(np.int64)]
    limited: Ints = orders.row[hit]
    if fixed:
        idle = np.isin(table["security"], np.flatnonzero(over.any(axis=1))) & (search.outcome.steps == 0)
        table["cap"][idle] = 0
    return limited


def shares(wanted: Ints, steps: Ints, limit: int, total: int) -> Ints:
    """Parts of a limit in proportion to what is wanted, in whole steps; what rounding leaves goes to the first rows.

    :param wanted, steps: micro-shares; `total` of all wanted is more than `limit`
    """
    parts = np.array([int(one) * limit // total for one in wanted.tolist()], dtype=np.int64) // steps * steps
    left = limit - int(parts.sum())
    for place, step in enumerate(steps.tolist()):
        if step <= left and parts[place] + step <= wanted[place]:
            parts[place] += step
            left -= step
    return parts
