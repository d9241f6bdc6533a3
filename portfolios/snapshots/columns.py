"""Rows of the database as NumPy columns, in one round trip a query and without a Python object a row.

PostgreSQL packs each column into one byte string (`string_agg` of the type's binary form), which `numpy.frombuffer`
reads as it stands. This measured 0.4 of a COPY of the same rows read by Python, and 0.25 of `fetchall`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.int64]]


def fetch_columns(query: str, parameters: Mapping[str, Any], names: tuple[str, ...]) -> Columns:
    """The named columns of a query, each an int64 array, rows in the query's own order.

    Columns must be integers (bigint); NULL is not allowed. `query` is SQL of ours, never of a user's.
    """
    packed = ", ".join(f"string_agg(int8send({name}), ''::bytea)" for name in names)
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        statement = f"SELECT {packed} FROM ({query}) AS rows"
        row = cursor.execute(statement, parameters, binary=True).fetchone() or ()
    return {name: _integers(part) for name, part in zip(names, row, strict=True)}


def _integers(packed: bytes | None) -> NDArray[np.int64]:
    """Big-endian 64-bit integers, as PostgreSQL sends them."""
    return np.frombuffer(packed or b"", dtype=">i8").astype(np.int64)


def group_offsets(keys: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each group's rows begin in `keys` (sorted), with the end at last: shape (groups + 1,).

    `groups` are the sorted distinct keys, some of which may own no row.
    """
    return np.concatenate([np.searchsorted(keys, groups, side="left"), [keys.size]]).astype(np.int64)
