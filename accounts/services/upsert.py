"""Writing many rows in one statement: what is new is inserted, what differs is updated, what is equal is left alone.

COPY is refused into tables behind row-level security; `INSERT … SELECT FROM unnest(…)` is not, and takes whole columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import connection


class Outcome(StrEnum):
    """What became of one record."""

    CREATED = "CREATED"
    UNCHANGED = "UNCHANGED"
    UPDATED = "UPDATED"
    CONFLICT = "CONFLICT"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Table:
    """A tenant table's columns with their SQL types; the unique key begins with the firm, which is not named here.

    `stamps` are written but not compared: a row that differs in nothing else is UNCHANGED. `fixed` are the SQL values
    of columns that a new row must have and no record gives.
    """

    name: str
    key: Mapping[str, str]
    values: Mapping[str, str]
    stamps: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> Mapping[str, str]:
        return {**self.key, **self.values, **self.stamps}


def upsert(table: Table, firm_id: int, rows: Sequence[Sequence[object]]) -> list[Outcome]:
    """Insert or update rows of one firm, in the caller's transaction; each row's outcome, in the order of the rows.

    A row is the values of key, values and stamps, in the table's order; no two rows may have the same key.
    """
    changes = {**table.values, **table.stamps}
    return _write(
        table,
        firm_id,
        rows,
        wanted="NOT (before.same AND before.stamped)",
        on_conflict="UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in changes),
        if_differs=Outcome.UPDATED,
    )


def insert_once(table: Table, firm_id: int, rows: Sequence[Sequence[object]]) -> list[Outcome]:
    """As `upsert`, but a row that is there already is never changed: where it differs, the outcome is CONFLICT."""
    return _write(table, firm_id, rows, wanted="NOT before.known", on_conflict="NOTHING", if_differs=Outcome.CONFLICT)


def _write(
    table: Table,
    firm_id: int,
    rows: Sequence[Sequence[object]],
    *,
    wanted: str,
    on_conflict: str,
    if_differs: Outcome,
) -> list[Outcome]:
    if not rows:
        return []
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(table, wanted, on_conflict), [*columns, firm_id, firm_id])
        return [
            Outcome.CREATED if not known else Outcome.UNCHANGED if same else if_differs
            for known, same in cursor.fetchall()
        ]


def _statement(table: Table, wanted: str, on_conflict: str) -> str:
    """Every part of a statement sees the table as it was before: `before` tells what `written` then changes."""
    names = ", ".join(table.given)
    arrays = ", ".join(f"%s::{kind}[]" for kind in table.given.values())
    matches = " AND ".join(f"held.{name} = given.{name}" for name in table.key)
    fixed = "".join(f", {name}" for name in table.fixed)
    fixed_values = "".join(f", {value}" for value in table.fixed.values())
    return f"""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest({arrays}) WITH ORDINALITY AS given({names}, n)
), before AS MATERIALIZED (
    SELECT given.n, held.id IS NOT NULL AS known, held.id IS NOT NULL AND {_equal(table.values)} AS same,
        {_equal(table.stamps)} AS stamped
    FROM given LEFT JOIN {table.name} held ON held.firm_id = %s AND {matches}
), written AS (
    INSERT INTO {table.name} (firm_id, {names}{fixed})
    SELECT %s, {", ".join(f"given.{name}" for name in table.given)}{fixed_values}
    FROM given JOIN before ON before.n = given.n WHERE {wanted} ORDER BY given.n
    ON CONFLICT (firm_id, {", ".join(table.key)}) DO {on_conflict}
)
SELECT known, same FROM before ORDER BY n"""


def _equal(columns: Mapping[str, str]) -> str:
    return " AND ".join(f"held.{name} IS NOT DISTINCT FROM given.{name}" for name in columns) or "true"
