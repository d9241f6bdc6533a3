"""Where accounts of a household with separate targets may have met in a wash group while they were decided in order."""

from __future__ import annotations

import numpy as np

from rebalancer.engine.book_tables import Bools, Ints, product
from rebalancer.engine.optimiser.coupled.searches import Search, row_flags
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.setup import FULL, HARVEST, LIQUIDATE


def hindered(search: Search, accounts: Ints, modes: Ints) -> Ints:
    """Accounts that could have bought, or sold at a loss, what an account decided before them stands against.

    Whoever is not among them was decided as if the others did nothing. The book's own wash facts apart, which hold for
    all.

    :param accounts: as decided, household by household; `search.outcome` holds the decisions
    :param modes: places in `triggers.MODES`, by account of the book
    """
    accounts = _in_company(search, accounts)
    if not len(accounts):
        return accounts
    problem, rows = search.problem, search.rows_of(accounts)
    table, counts = problem.rows[rows], np.diff(problem.row_offsets)[accounts]
    turn = np.repeat(np.arange(len(accounts)), counts)
    keys = search.household_of(table["account"]) * (problem.wash.groups + 1) + table["group"]
    _, meeting = np.unique(keys, return_inverse=True)
    bought = search.outcome.steps[rows] > 0
    lost = row_flags(search, problem.lots["loss"] & (search.outcome.taken > 0))[rows]
    lost &= problem.accounts["taxable"][table["account"]]
    late_loss = _first(meeting, turn, bought)[meeting] < turn
    late_buy = _first(meeting, turn, lost)[meeting] < turn
    stopped = (late_loss & _may_lose(search, rows, modes)) | (late_buy & _may_buy(problem, rows))
    found: Ints = accounts[np.unique(turn[stopped])]
    return found


def _in_company(search: Search, accounts: Ints) -> Ints:
    """Those that are decided beside others of their household."""
    decided = accounts[search.problem.accounts["open"][accounts]]
    household = search.household_of(decided)
    found: Ints = decided[np.bincount(household)[household] > 1] if len(decided) else decided
    return found


def _first(meeting: Ints, turn: Ints, chosen: Bools) -> Ints:
    """By wash group of a household, the first turn with a row that is chosen."""
    first = np.full(int(meeting.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, meeting[chosen], turn[chosen])
    return first


def _may_lose(search: Search, rows: Ints, modes: Ints) -> Bools:
    """Rows of which a loss could be sold: what is over its goal, or anything where losses or cash are wanted."""
    problem, table = search.problem, search.problem.rows[rows]
    of, mode = problem.accounts[table["account"]], modes[table["account"]]
    over = product(table["quantity"], table["price"]) > table["goal"]
    wanted = (of["missing"] > 0) | (mode == LIQUIDATE) | (mode == HARVEST) | ((mode == FULL) & (of["harvest"] | over))
    losses = row_flags(search, problem.lots["loss"])[rows]
    found: Bools = of["taxable"] & (table["sell_bar"] == 0) & wanted & losses
    return found


def _may_buy(problem: Problem, rows: Ints) -> Bools:
    table = problem.rows[rows]
    short = product(table["quantity"], table["price"]) < table["goal"]
    found: Bools = (table["buy_bar"] == 0) & short
    return found
