"""Positions, tax lots and cash: snapshots by account."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.db import connection

from accounts.services.upsert import Table, upsert
from portfolios.feeds.records import CashRecord, LotRecord, PositionRecord, Record
from portfolios.models import ReportedDay
from portfolios.services.ingest.batch import BAD_VALUE, Applied, Batch, Result
from portfolios.services.ingest.snapshots import DOLLARS, apply_snapshot, by_account, execute, open_problems, rejected

_KEY_LENGTH = 64

_POSITIONS = Table(
    "portfolios_position",
    {"account_id": "bigint", "security_id": "bigint"},
    {"quantity": "numeric(20,6)"},
    stamps={"reported_on": "date"},
)
_LOTS = Table(
    "portfolios_lot",
    {"account_id": "bigint", "security_id": "bigint", "lot_key": "varchar"},
    {"acquired_on": "date", "quantity": "numeric(20,6)", "cost_basis": "numeric(20,6)", "is_covered": "boolean"},
)
_CASH = Table(
    "portfolios_cashbalance",
    {"account_id": "bigint"},
    {"settled": "numeric(20,2)", "unsettled": "numeric(20,2)"},
    stamps={"reported_on": "date"},
)

_REMOVE_POSITIONS = """
DELETE FROM portfolios_position WHERE firm_id = %(firm)s AND account_id = ANY(%(accounts)s)
AND (account_id, security_id) NOT IN (SELECT * FROM unnest(%(account)s::bigint[], %(security)s::bigint[]))
"""
# Shares that a custodian no longer reports have no lots, unless it reported lots of that very day, or a later one.
_CLOSE_LOTS_WITHOUT_POSITION = """
UPDATE portfolios_lot lot SET quantity = 0, cost_basis = CASE WHEN cost_basis IS NULL THEN NULL ELSE 0 END
WHERE firm_id = %(firm)s AND account_id = ANY(%(accounts)s) AND quantity > 0
AND (account_id, security_id) NOT IN (SELECT * FROM unnest(%(account)s::bigint[], %(security)s::bigint[]))
AND NOT EXISTS (SELECT FROM portfolios_reportedday day WHERE day.firm_id = lot.firm_id
    AND day.account_id = lot.account_id AND day.subject = 'LOTS' AND day.reported_on >= %(as_of)s)
"""
# Lots stay as rows without shares: sales and orders point to them.
_CLOSE_LOTS = """
UPDATE portfolios_lot SET quantity = 0, cost_basis = CASE WHEN cost_basis IS NULL THEN NULL ELSE 0 END
WHERE firm_id = %(firm)s AND account_id = ANY(%(accounts)s) AND quantity > 0
AND (account_id, security_id, lot_key) NOT IN (
    SELECT * FROM unnest(%(account)s::bigint[], %(security)s::bigint[], %(key)s::varchar[]))
"""
# A file that prints only a total is content with a split that makes it.
_STANDING_SPLIT = """
SELECT account_id, settled, unsettled FROM portfolios_cashbalance
WHERE firm_id = %s AND account_id = ANY(%s) AND reported_on = %s
"""


def apply_positions(batch: Batch, records: Sequence[PositionRecord], *, accounts: Sequence[Record] = ()) -> Result:
    """Replace the positions of every account that is named in a record or in `accounts`; the others stay as they are.

    Runs in the caller's transaction. A security that is not in the master is left out and its account gets a problem.
    """
    return apply_snapshot(
        batch,
        ReportedDay.Subject.POSITIONS,
        records,
        accounts,
        table=_POSITIONS,
        row=lambda account, security, record: (account, security, record.quantity, batch.as_of),
        fault=lambda _record: "",
        remove=_remove_positions,
    )


def apply_lots(batch: Batch, records: Sequence[LotRecord], *, accounts: Sequence[Record] = ()) -> Result:
    """Replace the tax lots of every account that is named in a record or in `accounts`; the others stay as they are.

    A lot that goes keeps its row, without shares. Where the custodian gives a start of the holding period that is not
    the day of purchase (a gift, a wash sale), that is the day kept, since it tells short from long. Runs in the
    caller's transaction.
    """
    return apply_snapshot(
        batch,
        ReportedDay.Subject.LOTS,
        records,
        accounts,
        table=_LOTS,
        row=_lot_row,
        fault=_lot_fault,
        remove=_close_lots,
    )


def apply_cash(batch: Batch, records: Sequence[CashRecord]) -> Result:
    """Set the cash of the accounts named, in the caller's transaction. Only US dollars are kept."""
    kept, done, claimed = by_account(batch, ReportedDay.Subject.CASH, records, ())
    standing = _standing_split(batch, claimed)
    rows: dict[int, tuple[object, ...]] = {}
    written: list[CashRecord] = []
    for account, record in kept:
        if record.currency != DOLLARS:
            why = f"{record.settled + record.unsettled} {record.currency} are not kept: only US dollars are."
        elif account in rows:
            why = f"The cash of account {record.account_number} stands twice."
        else:
            rows[account] = (account, *_split(record, standing.get(account)), batch.as_of)
            written.append(record)
            continue
        done.append(rejected(record, BAD_VALUE, why, record.currency))
    outcomes = upsert(_CASH, batch.firm_id, list(rows.values()))
    done += [
        Applied(record.row_number, record.account_number, record.currency, outcome)
        for record, outcome in zip(written, outcomes, strict=True)
    ]
    open_problems(batch, ReportedDay.Subject.CASH, (), claimed)
    return Result(tuple(sorted(done, key=lambda one: one.row_number)), claimed)


def _split(record: CashRecord, standing: tuple[Decimal, Decimal] | None) -> tuple[Decimal, Decimal]:
    if not record.is_split and standing is not None and sum(standing) == record.settled + record.unsettled:
        return standing
    return record.settled, record.unsettled


def _standing_split(batch: Batch, account_ids: Collection[int]) -> Mapping[int, tuple[Decimal, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING_SPLIT, [batch.firm_id, sorted(account_ids), batch.as_of])
        return {account_id: (settled, unsettled) for account_id, settled, unsettled in cursor.fetchall()}


def _lot_row(account: int, security: int, record: LotRecord) -> tuple[object, ...]:
    covered = True if record.is_covered is None else record.is_covered
    start = record.holding_start_on or record.acquired_on
    return account, security, record.lot_id, start, record.quantity, record.cost_basis, covered


def _lot_fault(record: LotRecord) -> str:
    if record.quantity < 0:
        return f"Lot {record.lot_id} of {record.symbol} has {record.quantity} shares; a lot cannot be negative."
    if record.cost_basis is not None and record.cost_basis < 0:
        return f"Lot {record.lot_id} of {record.symbol} has the cost basis {record.cost_basis}; it cannot be negative."
    if len(record.lot_id) > _KEY_LENGTH:
        return f"A lot of {record.symbol} has an id of more than {_KEY_LENGTH} characters."
    return ""


def _remove_positions(batch: Batch, accounts: Collection[int], keys: list[list[object]]) -> int:
    values = _values(batch, accounts, keys)
    execute(_CLOSE_LOTS_WITHOUT_POSITION, values)
    return execute(_REMOVE_POSITIONS, values)


def _close_lots(batch: Batch, accounts: Collection[int], keys: list[list[object]]) -> int:
    return execute(_CLOSE_LOTS, _values(batch, accounts, keys))


def _values(batch: Batch, accounts: Collection[int], keys: list[list[object]]) -> dict[str, object]:
    named = dict(zip(("account", "security", "key"), keys, strict=False))
    return {"firm": batch.firm_id, "as_of": batch.as_of, "accounts": list(accounts), **named}
