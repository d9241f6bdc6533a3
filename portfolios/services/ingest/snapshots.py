"""Replacing what accounts held by what a custodian reports: a whole account, and never by something older."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection

from accounts.services.upsert import Outcome, Table, upsert
from portfolios.feeds.records import LotRecord, PositionRecord, Record
from portfolios.models import ReportedDay
from portfolios.services.ingest.batch import (
    BAD_VALUE,
    OLDER_THAN_STORED,
    UNKNOWN_ACCOUNT,
    UNKNOWN_SECURITY,
    Applied,
    Batch,
    Result,
)
from portfolios.services.ingest.lookups import Securities, Unknown, account_key, find_accounts
from portfolios.services.ingest.problems import Found, sync_problems

_R = TypeVar("_R", bound=Record)
_H = TypeVar("_H", PositionRecord, LotRecord)

DOLLARS = "USD"

# The row of the day is locked by this, so that two snapshots of one account follow each other.
_CLAIM = """
INSERT INTO portfolios_reportedday AS held (firm_id, account_id, subject, reported_on)
SELECT %(firm)s, account_id, %(subject)s, %(as_of)s FROM unnest(%(accounts)s::bigint[]) AS account_id
ON CONFLICT (firm_id, account_id, subject) DO UPDATE SET reported_on = excluded.reported_on
    WHERE held.reported_on <= excluded.reported_on
RETURNING account_id
"""
# Fills are posted under the same lock: a snapshot comes before or after a fill, never in the middle of it.
_LOCK = """
SELECT 1 FROM portfolios_cashbalance WHERE firm_id = %(firm)s AND account_id = ANY(%(accounts)s)
ORDER BY account_id FOR UPDATE
"""


def claim_accounts(batch: Batch, subject: ReportedDay.Subject, account_ids: Collection[int]) -> frozenset[int]:
    """The accounts of which no newer snapshot was applied; these are now reported for the batch's day."""
    values: dict[str, Any] = {
        "firm": batch.firm_id,
        "subject": subject.value,
        "as_of": batch.as_of,
        "accounts": sorted(account_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, values)
        cursor.execute(_CLAIM, values)
        return frozenset(account_id for (account_id,) in cursor.fetchall())


def by_account(
    batch: Batch, subject: ReportedDay.Subject, records: Sequence[_R], named: Sequence[Record]
) -> tuple[list[tuple[int, _R]], list[Applied], frozenset[int]]:
    """Records with their account's id, those that have none or come too late, and the accounts to replace.

    `named` are the accounts that the snapshot is of, beside those of the records.
    """
    found = find_accounts(batch, [*records, *named])
    ids = {known for known in found.values() if isinstance(known, int)}
    claimed = claim_accounts(batch, subject, ids)
    kept, refused = [], []
    for record in records:
        account = found[account_key(batch, record)]
        why = _why_not(batch, record, account, claimed)
        if why or isinstance(account, Unknown):
            refused.append(rejected(record, *why))
        else:
            kept.append((account, record))
    silent = {account_key(batch, record): record for record in named}
    for key in silent.keys() - {account_key(batch, record) for record in records}:
        why = _why_not(batch, silent[key], found[key], claimed)
        if why:
            refused.append(rejected(silent[key], *why))
    return kept, refused, claimed


def _why_not(batch: Batch, record: Record, account: int | Unknown, claimed: Collection[int]) -> tuple[str, ...]:
    if isinstance(account, Unknown):
        return UNKNOWN_ACCOUNT, account.sentence
    if account not in claimed:
        sentence = f"A newer snapshot of account {record.account_number} than that of {batch.as_of} was applied before."
        return OLDER_THAN_STORED, sentence
    return ()


def rejected(record: Record, code: str = "", sentence: str = "", subject: str = "") -> Applied:
    return Applied(record.row_number, record.account_number, subject, Outcome.REJECTED, code, sentence)


def apply_snapshot(
    batch: Batch,
    subject: ReportedDay.Subject,
    records: Sequence[_H],
    named: Sequence[Record],
    *,
    table: Table,
    row: Callable[[int, int, _H], tuple[object, ...]],
    fault: Callable[[_H], str],
    remove: Callable[[Batch, Collection[int], list[list[object]]], int],
) -> Result:
    """Write the rows of records and remove what else the accounts held.

    `row` makes the table's row of account, security and record; `fault` says what is wrong with a record itself;
    `remove` takes away what of the accounts is not among the given keys.
    """
    kept, done, claimed = by_account(batch, subject, records, named)
    securities = Securities(records)
    rows: dict[tuple[object, ...], tuple[object, ...]] = {}
    written: list[_H] = []
    found: list[Found] = []
    for account, record in kept:
        security = securities.find(record)
        code, why = _fault(record, security, fault)
        values = () if isinstance(security, Unknown) else row(account, security, record)
        key = values[: len(table.key)]
        if not why and key in rows:
            code, why = BAD_VALUE, f"{record.symbol} stands twice in the account."
        if why:
            done.append(rejected(record, code, why, record.symbol))
            found.append(Found(account, code, why))
            continue
        rows[key] = values
        written.append(record)
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in table.key]
    gone = remove(batch, sorted(claimed), columns)
    outcomes = upsert(table, batch.firm_id, list(rows.values()))
    done += [
        Applied(record.row_number, record.account_number, record.symbol, outcome)
        for record, outcome in zip(written, outcomes, strict=True)
    ]
    open_problems(batch, subject, found, claimed)
    return Result(tuple(sorted(done, key=lambda one: one.row_number)), claimed, gone)


def open_problems(batch: Batch, subject: str, found: Iterable[Found], accounts: Collection[int]) -> None:
    """What was found while one subject of a batch was applied; what was found there before and is over is resolved."""
    sync_problems(
        firm_id=batch.firm_id,
        source=f"{batch.source}/{subject.lower()}",
        found=found,
        settled=accounts,
        at=batch.at,
        file_id=batch.file_id,
    )


def _fault(record: _H, security: int | Unknown, fault: Callable[[_H], str]) -> tuple[str, str]:
    if record.currency != DOLLARS:
        return BAD_VALUE, f"{record.symbol} is in {record.currency}; only US dollars are kept here."
    if isinstance(security, Unknown):
        return UNKNOWN_SECURITY, security.sentence
    return BAD_VALUE, fault(record)


def execute(statement: str, values: Mapping[str, Any]) -> int:
    """Run one statement; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
