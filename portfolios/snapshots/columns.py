"""Rows of the database as NumPy columns, in one round trip a query and without a Python object a row.

PostgreSQL packs each column into one byte string (`string_agg` of the type's binary form), which `numpy.frombuffer`
reads as it stands. Every value packed costs the database about a tenth of a microsecond: what few rows have is
asked for by itself, and two keys travel as one number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Columns = dict[str, Ints]

TABLE_SLACK = 1024

_SEND = {False: "int8send({}::bigint)", True: "int4send({}::int)"}
_SENT = {False: ">i8", True: ">i4"}


def fetch_columns(
    query: str, parameters: Mapping[str, Any], names: tuple[str, ...], *, narrow: frozenset[str] = frozenset()
) -> Columns:
    """The named columns of a query, each an int64 array, rows in the query's own order.

    Columns must be integers (bigint), and fit 32 bits if they are `narrow`; NULL is not allowed. `query` is SQL of
    ours, never of a user's.
    """
    packed = ", ".join(f"string_agg({_SEND[name in narrow].format(name)}, ''::bytea)" for name in names)
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        statement = f"SELECT {packed} FROM ({query}) AS rows"
        row = cursor.execute(statement, parameters, binary=True).fetchone() or ()
    return {name: _integers(part, narrow=name in narrow) for name, part in zip(names, row, strict=True)}


def fetch_of(
    ids: Ints,
    query: str,
    parameters: Mapping[str, Any],
    names: tuple[str, ...],
    *,
    by: str,
    key: Callable[[Columns], Ints] | None = None,
    narrow: frozenset[str] = frozenset(),
) -> tuple[Columns, Ints]:
    """The rows of a query whose `by` column is one of some ids (sorted, distinct), and each row's place among these.

    `by` is `table.name` or `name`; the rows tell their id in the column of that name, or as `key` reads it from them.
    Ids that fill their range well are asked for as a range, which reads twice as fast, and the strangers in it dropped.
    """
    if not len(ids):
        return {name: np.zeros(0, dtype=np.int64) for name in names}, np.zeros(0, dtype=np.int64)
    first, last = int(ids[0]), int(ids[-1])
    if len(ids) * 2 > last - first + 1:
        wanted, asked = f"{by} BETWEEN %(first)s AND %(last)s", {"first": first, "last": last}
    else:
        wanted, asked = f"{by} = ANY(%(ids)s)", {"ids": ids.tolist()}
    rows = fetch_columns(query.format(wanted=wanted), {**parameters, **asked}, names, narrow=narrow)
    place = places(ids, key(rows) if key else rows[by.rpartition(".")[2]])
    ours = place >= 0
    if ours.all():
        return rows, place
    return {name: column[ours] for name, column in rows.items()}, place[ours]


def places(ids: Ints, values: Ints) -> Ints:
    """Where each value stands among ids (sorted, distinct), or -1."""
    if not len(ids):
        return np.full(len(values), -1, dtype=np.int64)
    first, size = int(ids[0]), int(ids[-1] - ids[0]) + 1
    if size <= 2 * len(ids) + TABLE_SLACK:
        table = np.full(size + 2, -1, dtype=np.int64)
        table[ids - first + 1] = np.arange(len(ids))
        return table.take(values - (first - 1), mode="clip")  # clipping first takes ten times as long
    place = np.minimum(np.searchsorted(ids, values), len(ids) - 1)
    return np.where(ids[place] == values, place, -1).astype(np.int64, copy=False)


def scattered(values: Ints, place: Ints, size: int, default: int = 0) -> Ints:
    """A column of that size with the values at their places, and the default elsewhere."""
    column = np.full(size, default, dtype=np.int64)
    column[place] = values
    return column


def _integers(packed: bytes | None, *, narrow: bool) -> Ints:
    """Big-endian integers of 64 or 32 bits, as PostgreSQL sends them."""
    return np.frombuffer(packed or b"", dtype=_SENT[narrow]).astype(np.int64)
