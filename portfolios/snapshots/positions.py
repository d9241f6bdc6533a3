"""Positions, their restrictions and their lots, as the engine's arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from portfolios.models import Restriction, Security
from portfolios.snapshots import queries
from portfolios.snapshots.columns import Columns, Ints, fetch_of, places
from rebalancer.engine.book import LotTable, Positions

INT32_MAX = 2**31 - 1


class Depth(Enum):
    """How much of the lots a book holds: all of them, to decide trades; or those at a loss, to look for drift."""

    ALL_LOTS = "ALL_LOTS"
    LOSS_LOTS = "LOSS_LOTS"


LOTS_OF: Mapping[Depth, str] = {Depth.ALL_LOTS: queries.LOTS, Depth.LOSS_LOTS: queries.LOSS_LOTS}


def position_tables(
    firm_id: int,
    accounts: Columns,
    security_ids: Ints,
    as_of: date,
    *,
    depth: Depth,
) -> tuple[Positions, LotTable, Ints]:
    """The position and lot tables in the order of `accounts`, and the ids of accounts that are short something.

    Restricted securities that are not held get a row of quantity zero. Where not all lots are read, every position
    counts as complete.
    """
    size = len(security_ids)
    flags = _flags(firm_id, accounts, security_ids, as_of)
    keys, quantity = _with_flagged(*_held(firm_id, accounts, security_ids, as_of), flags)
    lots, lot_keys = _rows_of(firm_id, LOTS_OF[depth], queries.LOT_COLUMNS, accounts, security_ids, on=as_of)
    kept = _order(lots, lot_keys, keys)
    owner = np.searchsorted(keys, lot_keys[kept]).astype(np.int64)
    sums = np.zeros(len(keys), dtype=np.int64)
    np.add.at(sums, owner, lots["quantity"][kept])
    unknown = np.zeros(len(keys), dtype=np.bool_)
    unknown[owner[lots["basis_known"][kept] == 0]] = True
    account = keys // max(size, 1)
    positions = Positions(
        offsets=np.append(0, np.cumsum(np.bincount(account, minlength=len(accounts["id"])))),
        security=keys - account * size,
        quantity=quantity,
        no_buy=_marked(keys, flags, "NO_BUY"),
        no_sell=_marked(keys, flags, "NO_SELL"),
        hold=_marked(keys, flags, "NO_TRADE"),
        basis_known=~unknown,
        lots_missing=(sums != quantity) & (depth is Depth.ALL_LOTS),
    )
    table = _lot_table(lots, kept, owner, len(keys), as_of)
    return positions, table, accounts["id"][np.unique(account[quantity < 0])]


def _held(firm_id: int, accounts: Columns, security_ids: Ints, as_of: date) -> tuple[Ints, Ints]:
    """Sorted keys and quantities of what is not zero; told apart here, which is cheaper than in the database."""
    rows, keys = _rows_of(firm_id, queries.POSITIONS, queries.POSITION_COLUMNS, accounts, security_ids, on=as_of)
    quantity = rows["quantity"]
    if not quantity.all():
        keys, quantity = keys[quantity != 0], quantity[quantity != 0]
    if (keys[1:] > keys[:-1]).all():
        return keys, quantity
    order = np.argsort(keys, kind="stable")
    return keys[order], quantity[order]


def _rows_of(
    firm_id: int, query: str, names: tuple[str, ...], accounts: Columns, security_ids: Ints, *, on: date
) -> tuple[Columns, Ints]:
    """The rows of these accounts, and each row's key: account's place times securities, plus the security's place."""
    order = np.argsort(accounts["id"], kind="stable")
    ids = accounts["id"][order]
    base, span = int(ids.min(initial=0)), int(security_ids.max(initial=0)) + 1
    rows, place = fetch_of(
        ids,
        query,
        {"firm": firm_id, "on": on, "base": base, "span": span},
        names,
        by="account_id",
        key=lambda found: found["held"] // span + base,
        narrow=frozenset({"held"} if (int(ids.max(initial=0)) - base + 1) * span <= INT32_MAX else ()),
    )
    security = rows["held"] - rows["held"] // span * span
    return rows, order[place] * len(security_ids) + places(security_ids, security)


def _with_flagged(keys: Ints, quantity: Ints, flags: Mapping[int, set[str]]) -> tuple[Ints, Ints]:
    """Sorted keys and quantities, with a row of zero for each flagged security that is not held."""
    flagged = np.sort(np.fromiter(flags, np.int64, len(flags)))
    place = np.searchsorted(keys, flagged)
    held = np.zeros(len(flagged), dtype=np.bool_)
    held[place < len(keys)] = keys[place[place < len(keys)]] == flagged[place < len(keys)]
    flagged, place = flagged[~held], place[~held]
    return np.insert(keys, place, flagged), np.insert(quantity, place, 0)


def _order(lots: Columns, lot_keys: Ints, keys: Ints) -> Ints:
    """Rows of lots that belong to a position, by position and then by id."""
    order = np.lexsort((lots["id"], lot_keys))
    place = np.searchsorted(keys, lot_keys[order])
    found = place < len(keys)
    found[found] = keys[place[found]] == lot_keys[order][found]
    return order[found]


def _lot_table(lots: Columns, kept: Ints, owner: Ints, positions: int, as_of: date) -> LotTable:
    """What is bought between two sessions belongs to the next; in a book of the one before it is a lot of that day."""
    return LotTable(
        offsets=np.searchsorted(owner, np.arange(positions + 1)).astype(np.int64),
        lot_id=tuple(map(repr, lots["id"][kept].tolist())),
        acquired_on=np.minimum(lots["acquired"][kept].astype("datetime64[D]"), np.datetime64(as_of)),
        quantity=lots["quantity"][kept],
        cost_basis=lots["cost_basis"][kept],
        inherited=np.zeros(len(kept), dtype=np.bool_),
    )


def _marked(keys: Ints, flags: Mapping[int, set[str]], kind: str) -> NDArray[np.bool_]:
    column = np.zeros(len(keys), dtype=np.bool_)
    marked = [key for key, kinds in flags.items() if kind in kinds]
    column[np.searchsorted(keys, np.array(marked, dtype=np.int64))] = True
    return column


def _flags(firm_id: int, accounts: Columns, security_ids: Ints, as_of: date) -> dict[int, set[str]]:
    """Restrictions in force, resolved to account and security, by key."""
    flags: dict[int, set[str]] = {}
    for kind, household, account, securities in _restrictions(firm_id, as_of):
        concerned = np.ones(len(accounts["id"]), dtype=np.bool_)
        if account is not None:
            concerned &= accounts["id"] == account
        if household is not None:
            concerned &= accounts["household_id"] == household
        theirs = np.flatnonzero(concerned)[:, None] * len(security_ids)
        for key in (theirs + places(security_ids, np.array(securities, dtype=np.int64))).ravel().tolist():
            flags.setdefault(key, set()).add(kind)
    return flags


def _restrictions(firm_id: int, as_of: date) -> Iterator[tuple[str, int | None, int | None, list[int]]]:
    in_force = list(
        Restriction.objects.for_firm(firm_id).filter(Q(expires_on=None) | Q(expires_on__gte=as_of)).order_by("id")
    )
    classes = _securities_by_class() if any(row.security_id is None for row in in_force) else {}
    for row in in_force:
        securities = [row.security_id] if row.security_id else classes.get(row.asset_class_id or 0, [])
        yield row.kind, row.household_id, row.account_id, securities


def _securities_by_class() -> Mapping[int, list[int]]:
    classes: dict[int, list[int]] = {}
    for security, asset_class in Security.objects.order_by("id").values_list("id", "asset_class_id"):
        classes.setdefault(asset_class, []).append(security)
    return classes
