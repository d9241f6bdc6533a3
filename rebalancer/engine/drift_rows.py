"""What accounts hold and should hold, security by security: the rows that drift is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rebalancer.engine.alternate_targets import Lines, moved_targets
from rebalancer.engine.book import NONE, Book
from rebalancer.engine.book_tables import Bools, Floats, Ints

DENSE_LIMIT = 50_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """One row a security that an account holds or should hold, sorted by account (CSR `offsets`)."""

    offsets: Ints
    account: Ints
    security: Ints
    position: Ints
    """Row of `Book.positions`, or NONE for what is in the model and not held."""
    node: Ints
    """Part of the account's model, an index into its `node_names`, or NONE."""
    weight: Floats
    target: Floats
    """Alternates counted and replaced (`alternate_targets`)."""
    instead: Ints
    """The row that is bought in place of this one, or NONE."""


def rows_of(book: Book, position_value: Ints, value: Ints, measured: Bools, scale: Floats) -> Rows:
    """What is held (sweep funds left out: they are cash), then what is in the model only, merged by account.

    :param position_value: micro-dollars by position
    :param value: micro-dollars by account
    :param scale: by account, what its targets are multiplied by
    """
    held = _not_cash(book)
    account = held.of(book.account_of_position())
    entry = _entry_of(book, book.accounts.model[account], held.of(book.positions.security))
    lacking = _not_held(book, account, entry)
    merge = _Merge(account, lacking.account, len(book))
    account, entry = merge(account, lacking.account), merge(entry, lacking.entry)
    security = merge(held.of(book.positions.security), book.models.security[lacking.entry])
    position = merge(held.row, np.full(len(lacking.entry), NONE, dtype=np.int64))
    unit: Floats = np.where(measured, 1 / np.maximum(value, 1), 0.0)
    weight: Floats = merge(held.of(position_value), np.zeros(len(lacking.entry), dtype=np.int64)) * unit[account]
    target = np.append(book.models.weight, 0.0)[entry] * scale[account]
    node = np.append(book.models.node, NONE)[entry]
    moved = moved_targets(book, Lines(merge.offsets, account, security, position, weight, target), value)
    return Rows(
        offsets=merge.offsets,
        account=account,
        security=security,
        position=position,
        node=node,
        weight=weight,
        target=moved.target,
        instead=moved.instead,
    )


class _Held(NamedTuple):
    """Rows of positions that are no cash; `everything` where these are all."""

    row: Ints
    everything: bool

    def of(self, column: Ints) -> Ints:
        return column if self.everything else column[self.row]


def _not_cash(book: Book) -> _Held:
    cash = book.securities.is_cash
    if not cash.any():
        return _Held(np.arange(len(book.positions.security), dtype=np.int64), everything=True)
    return _Held(np.flatnonzero(~cash[book.positions.security]), everything=False)


class _Lacking(NamedTuple):
    """By account and row of `Book.models`: what is in an account's model without a position row."""

    account: Ints
    entry: Ints


class _Merge:
    """Two parts, each sorted by account, as one: an account's rows of the first part stand before those of the other.

    A row's place is its own number plus the number of the other part's rows before it.
    """

    def __init__(self, first: Ints, second: Ints, accounts: int) -> None:
        counts = np.bincount(first, minlength=accounts) + np.bincount(second, minlength=accounts)
        self.offsets: Ints = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        self.alone = not len(second)
        if not self.alone:
            self.first = np.arange(len(first)) + np.searchsorted(second, np.arange(accounts))[first]
            self.second = np.arange(len(second)) + np.searchsorted(first, second, side="right")

    def __call__(self, first: Ints, second: Ints) -> Ints:
        if self.alone:
            return first
        column: Ints = np.empty(self.offsets[-1], dtype=np.int64)
        column[self.first], column[self.second] = first, second
        return column


def _entry_of(book: Book, model: Ints, security: Ints) -> Ints:
    """The row of `Book.models` for each (model, security), or NONE."""
    count = len(book.securities.symbol)
    owner = np.repeat(np.arange(len(book.models.model_id)), np.diff(book.models.offsets))
    keys = owner * count + book.models.security
    wanted = model * count + security
    if len(book.models.model_id) * count <= DENSE_LIMIT:
        table = np.full(len(book.models.model_id) * count + 1, NONE, dtype=np.int64)
        table[keys] = np.arange(len(keys))
        return table[np.where(model == NONE, -1, wanted)]
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    found = order[place]
    return np.where((keys[found] == wanted) & (model != NONE), found, NONE)


def _not_held(book: Book, held_account: Ints, held_entry: Ints) -> _Lacking:
    """Looked for only in the accounts that hold fewer of their model's securities than there are."""
    model, none = book.accounts.model, np.zeros(0, dtype=np.int64)
    if not len(book.models.model_id):
        return _Lacking(none, none)
    in_model: Bools = held_entry != NONE
    sizes = np.where(model != NONE, np.diff(book.models.offsets)[model], 0)
    some = np.flatnonzero(np.bincount(held_account, in_model, len(book)) < sizes)
    if not len(some):
        return _Lacking(none, none)
    starts = np.full(len(book), NONE, dtype=np.int64)
    starts[some] = np.cumsum(sizes[some]) - sizes[some]
    account = np.repeat(some, sizes[some])
    entry = np.arange(len(account)) - (starts - book.models.offsets[model])[account]
    theirs = np.flatnonzero(in_model & (starts[held_account] != NONE))
    lacking = np.ones(len(account), dtype=bool)
    owner = held_account[theirs]
    lacking[starts[owner] + held_entry[theirs] - book.models.offsets[model[owner]]] = False
    return _Lacking(account[lacking], entry[lacking])
