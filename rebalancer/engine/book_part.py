"""The part of a book that the decisions on some households depend on.

Nothing crosses from one household to another: wash sales, budgets and tax are a household's, and all else is an
account's own. Only the volume of a market is shared by all that is decided together: `Decisions.volume_limits` are the
shares, which `solve` takes to decide a part as it was decided in the whole.
So a part holds all accounts of its households, and of securities, models and policies only those that they point at.
Rows keep their order, and are numbered by it or by where they are first pointed at: equal parts of different books
come out equal.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from rebalancer.engine.alternates import Alternates
from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import NONE, Ints, WashFacts, check
from rebalancer.engine.hold_ranges import HoldRanges

Table = TypeVar("Table")


def part_of(book: Book, households: Ints) -> Book:
    """The book of these households alone; they are numbered anew, in ascending order.

    :param households: indices of households, in any order
    :raises BadBook: for an index that is not in the book
    """
    wanted = np.unique(np.asarray(households, dtype=np.int64))
    check(bool(((wanted >= 0) & (wanted < book.households)).all()), "a household is not in the book")
    accounts = np.flatnonzero(np.isin(book.accounts.household, wanted))
    positions = _rows_of(book.positions.offsets, accounts)
    lots = _rows_of(book.lots.offsets, positions)
    models = _first_seen(book.accounts.model[accounts])
    entries = _rows_of(book.models.offsets, models)
    policies = _first_seen(book.accounts.policy[accounts])
    securities = np.unique(np.concatenate([book.positions.security[positions], book.models.security[entries]]))
    classes = np.unique(book.securities.asset_class[securities])
    groups = np.unique(book.securities.wash_group[securities])
    return replace(
        book,
        asset_classes=tuple(book.asset_classes[place] for place in classes.tolist()),
        wash_groups=len(groups),
        households=len(wanted),
        securities=_take(
            book.securities,
            securities,
            asset_class=_places(classes, book.securities.asset_class[securities]),
            wash_group=_places(groups, book.securities.wash_group[securities]),
        ),
        models=_take(
            book.models,
            models,
            offsets=_offsets(book.models.offsets, models),
            security=_places(securities, book.models.security[entries]),
            weight=book.models.weight[entries],
            node=book.models.node[entries],
        ),
        policies=tuple(book.policies[place] for place in policies.tolist()),
        accounts=_take(
            book.accounts,
            accounts,
            household=_places(wanted, book.accounts.household[accounts]),
            model=_renumbered(models, book.accounts.model[accounts]),
            policy=_renumbered(policies, book.accounts.policy[accounts]),
        ),
        positions=_take(
            book.positions,
            positions,
            offsets=_offsets(book.positions.offsets, accounts),
            security=_places(securities, book.positions.security[positions]),
        ),
        lots=_take(book.lots, lots, offsets=_offsets(book.lots.offsets, positions)),
        wash=_wash(book.wash, wanted, groups),
        risk=None if book.risk is None else _take(book.risk, securities),
        taxes=None if book.taxes is None else _take(book.taxes, wanted),
        ranges=None if book.ranges is None else _ranges(book.ranges, accounts, securities),
        alternates=None if book.alternates is None else _alternates(book.alternates, models, securities),
    )


def _ranges(ranges: HoldRanges, accounts: Ints, securities: Ints) -> HoldRanges | None:
    """Ranges of what the part knows; None where there is none, as in a book without any."""
    rows = np.flatnonzero(np.isin(ranges.account, accounts) & np.isin(ranges.security, securities))
    if not len(rows):
        return None
    account, security = _places(accounts, ranges.account[rows]), _places(securities, ranges.security[rows])
    return _take(ranges, rows, account=account, security=security)


def _alternates(alternates: Alternates, models: Ints, securities: Ints) -> Alternates | None:
    """Alternates of the part's models; None where there is none."""
    rows = np.flatnonzero(np.isin(alternates.model, models))
    if not len(rows):
        return None
    model = _renumbered(models, alternates.model[rows])
    order = np.argsort(model, kind="stable")
    return _take(
        alternates,
        rows[order],
        model=model[order],
        security=_places(securities, alternates.security[rows[order]]),
        alternate=_places(securities, alternates.alternate[rows[order]]),
    )


def _wash(wash: WashFacts, households: Ints, groups: Ints) -> WashFacts:
    """Facts on the groups of which the part knows a security, by household and group."""
    rows = np.flatnonzero(np.isin(wash.household, households) & np.isin(wash.wash_group, groups))
    rows = rows[np.lexsort((wash.wash_group[rows], wash.household[rows]))]
    return _take(
        wash,
        rows,
        household=_places(households, wash.household[rows]),
        wash_group=_places(groups, wash.wash_group[rows]),
    )


def _take(table: Table, rows: Ints, **given: Any) -> Table:
    """These rows of every column, but for the columns given."""
    columns: dict[str, Any] = {}
    for field in fields(table):  # type: ignore[arg-type]
        column = getattr(table, field.name)
        if field.name not in given:
            many = isinstance(column, tuple)
            columns[field.name] = tuple(column[row] for row in rows.tolist()) if many else column[rows]
    return replace(table, **columns, **given)  # type: ignore[type-var]


def _rows_of(offsets: Ints, owners: Ints) -> Ints:
    """Rows that belong to some owners, owner by owner."""
    lengths = offsets[owners + 1] - offsets[owners]
    ends = np.cumsum(lengths)
    rows: Ints = np.arange(lengths.sum(), dtype=np.int64) + np.repeat(offsets[owners] - ends + lengths, lengths)
    return rows


def _offsets(offsets: Ints, owners: Ints) -> Ints:
    """Offsets of those rows."""
    lengths = offsets[owners + 1] - offsets[owners]
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def _first_seen(column: Ints) -> Ints:
    """The different numbers of a column in order of first appearance, without NONE."""
    seen = dict.fromkeys(column.tolist())
    return np.array([number for number in seen if number != NONE], dtype=np.int64)


def _places(kept: Ints, column: Ints) -> Ints:
    """The place of each number among those kept, which ascend."""
    return np.searchsorted(kept, column).astype(np.int64)


def _renumbered(kept: Ints, column: Ints) -> Ints:
    """The place of each number among those kept, in whatever order; NONE stays NONE."""
    place = {number: place for place, number in enumerate(kept.tolist())}
    return np.array([place.get(number, NONE) for number in column.tolist()], dtype=np.int64)
