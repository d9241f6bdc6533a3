"""Volume limits over a whole block: the orders of one security and side together, over all accounts decided at once.

The limit is the smallest part of the average daily volume that the policy of an account with such an order allows.
Where orders exceed it, each is limited to its share, and the households concerned are decided again. New orders may
then come from elsewhere, so that this is repeated; a security that still exceeds its limit after some rounds keeps
fixed shares for the rest of the call, also at nothing for accounts that did not trade in it, which ends the matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import MICRO, NONE, Bools, Floats, Ints
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.coupled.searches import Search, micro_shares
from rebalancer.engine.optimiser.decision import SkipReason

ROUNDS = 3
"""Rounds in which accounts without an order may still come in."""
VOLUME_CAP = PLACES[SkipReason.VOLUME_CAP.value]


class Volumes(NamedTuple):
    """What limits the orders of a book: volume by security, the largest part of it by account."""

    adv_shares: Ints
    part: Floats


class Orders(NamedTuple):
    """Rows that trade, with micro-shares."""

    row: Ints
    account: Ints
    security: Ints
    side: Ints
    """0 buys, 1 sales."""
    quantity: Ints


VolumeLimits = Mapping[str, Mapping[str, int]]
"""Most micro-shares of an order by account id and symbol, where that is less than the account's policy allows."""


def keep_volumes(search: Search, volumes: Volumes, settle: Callable[[Ints], None], given: Ints) -> Ints:
    """Limit orders that together exceed a security's volume, and decide their households again.

    :param settle: decides households, budgets included
    :param given: rows that are limited from the start
    :returns: the limits by row that were in force when the row was decided; NONE where those of the policy were
    """
    table = search.problem.rows
    usual, in_force = table["cap"].copy(), np.full(len(table), NONE, dtype=np.int64)
    in_force[given] = usual[given]
    for turn in range(len(volumes.adv_shares) + ROUNDS):
        orders = orders_of(search)
        over = exceeded(orders, volumes)
        if not over.any():
            break
        rows = _limit(search, orders, over, volumes, fixed=turn >= ROUNDS)
        households = np.unique(search.household_of(table["account"][rows]))
        settle(households)
        decided = search.rows_of(search.accounts_of(households))
        in_force[decided] = np.where(table["cap"][decided] == usual[decided], in_force[decided], table["cap"][decided])
    _explain(search, np.flatnonzero(in_force != NONE))
    return in_force


def set_limits(search: Search, book: Book, limits: VolumeLimits) -> Ints:
    """Write limits that are known into the problem; the rows that have one.

    :raises KeyError: for an account that is not in the book
    """
    table, place = search.problem.rows, {symbol: row for row, symbol in enumerate(book.securities.symbol)}
    found: list[int] = []
    for account, name in zip(book.index_of(list(limits)).tolist(), limits, strict=True):
        rows = search.rows_of(np.array([account]))
        of_security = dict(zip(table["security"][rows].tolist(), rows.tolist(), strict=True))
        for symbol, most in limits[name].items():
            row = of_security[place[symbol]]
            table["cap"][row] = most
            found.append(row)
    return np.array(found, dtype=np.int64)


def limits_of(search: Search, book: Book, in_force: Ints) -> VolumeLimits:
    """Limits by row as they are named outside."""
    found: dict[str, dict[str, int]] = {}
    table = search.problem.rows
    for row in np.flatnonzero(in_force != NONE).tolist():
        account = book.accounts.account_id[int(table["account"][row])]
        found.setdefault(account, {})[book.securities.symbol[int(table["security"][row])]] = int(in_force[row])
    return found


def orders_of(search: Search) -> Orders:
    """What the outcome trades."""
    steps, rows = search.outcome.steps, search.problem.rows
    row = np.flatnonzero(steps)
    sell = (steps[row] < 0).astype(np.int64)
    shares = np.abs(micro_shares(search.problem, steps, row))
    return Orders(row, rows["account"][row], rows["security"][row], sell, shares)


def exceeded(orders: Orders, volumes: Volumes) -> Bools:
    """By security and side, are the orders more than the limit?"""
    total = np.zeros((len(volumes.adv_shares), 2), dtype=np.int64)
    np.add.at(total, (orders.security, orders.side), orders.quantity)
    part = np.ones(total.shape)
    np.minimum.at(part, (orders.security, orders.side), volumes.part[orders.account])
    most = np.floor(part * volumes.adv_shares[:, None] * MICRO + 1e-6).astype(np.int64)
    over: Bools = (total > most) & (volumes.adv_shares[:, None] != NONE)
    return over


def _limit(search: Search, orders: Orders, over: Bools, volumes: Volumes, *, fixed: bool) -> Ints:
    """Write the rows' limits; the rows that are limited.

    :param fixed: rows that could trade in such a security, but do not, may no longer
    """
    table = search.problem.rows
    for security, side in np.argwhere(over).tolist():
        chosen = (orders.security == security) & (orders.side == side)
        rows = orders.row[chosen]
        part = float(volumes.part[orders.account[chosen]].min())
        most = int(part * int(volumes.adv_shares[security]) * MICRO + 1e-6)
        table["cap"][rows] = shares(orders.quantity[chosen], table["step"][rows], most)
    if fixed:
        idle = np.isin(table["security"], np.flatnonzero(over.any(axis=1))) & (search.outcome.steps == 0)
        table["cap"][idle] = 0
    limited: Ints = orders.row[over[orders.security, orders.side]]
    return limited


def _explain(search: Search, rows: Ints) -> None:
    """The limit is the reason where a row trades all of it, or nothing since it is below the smallest trade."""
    table, outcome = search.problem.rows[rows], search.outcome
    traded = np.abs(micro_shares(search.problem, outcome.steps, rows))
    used = (traded == 0) | (traded + table["step"] > table["cap"])
    stopped = rows[used & (outcome.skip[rows] > 0)]
    outcome.skip[stopped] = VOLUME_CAP


def shares(wanted: Ints, steps: Ints, limit: int) -> Ints:
    """Parts of a limit in proportion to what is wanted, in whole steps; what rounding leaves goes to the first rows.

    :param wanted, steps: micro-shares; all that is wanted is more than `limit`
    """
    total = int(wanted.sum())
    parts = np.array([int(one) * limit // total for one in wanted.tolist()], dtype=np.int64) // steps * steps
    left = limit - int(parts.sum())
    for place, step in enumerate(steps.tolist()):
        if step <= left and parts[place] + step <= wanted[place]:
            parts[place] += step
            left -= step
    return parts
