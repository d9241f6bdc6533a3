"""Transactions that custodians report: history, each taken once by its natural key. They move neither lots nor cash."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.services.upsert import Outcome, Table, insert_once
from portfolios.feeds.records import TRANSACTION_KINDS, TransactionRecord
from portfolios.services.ingest.batch import (
    BAD_VALUE,
    CONFLICT,
    UNKNOWN_ACCOUNT,
    UNKNOWN_SECURITY,
    Applied,
    Batch,
    Result,
)
from portfolios.services.ingest.lookups import Securities, Unknown, account_key, find_accounts
from portfolios.services.ingest.snapshots import DOLLARS, rejected
from rebalancer.engine.money import ZERO

# Our own executions post under "exec:…"; no custodian's id can be taken for one.
_KEY = "custodian:"
_KEY_LENGTH = 96 - len(_KEY)

_TRANSACTIONS = Table(
    "portfolios_transaction",
    {"account_id": "bigint", "key": "varchar"},
    {
        "security_id": "bigint",
        "kind": "varchar",
        "trade_on": "date",
        "settle_on": "date",
        "quantity": "numeric(20,6)",
        "price": "numeric(18,6)",
        "amount": "numeric(20,2)",
        "fees": "numeric(20,2)",
        "realised_short": "numeric(20,2)",
        "realised_long": "numeric(20,2)",
    },
    stamps={"settled_at": "timestamptz"},
)


def apply_transactions(batch: Batch, records: Sequence[TransactionRecord]) -> Result:
    """Enter what is new, in the caller's transaction; the same again is UNCHANGED, the same key with other content a
    CONFLICT that changes nothing.

    A gain whose term the custodian does not give counts as short-term, the dearer one.
    """
    found = find_accounts(batch, records)
    securities = Securities(records)
    rows: dict[tuple[int, str], tuple[object, ...]] = {}
    written: list[tuple[int, TransactionRecord]] = []
    done: list[Applied] = []
    for record in records:
        account = found[account_key(batch, record)]
        security = securities.find(record) if record.symbol or record.cusip else None
        code, why = _fault(record, account, security)
        if not why and (account, record.transaction_id) in rows:
            code, why = BAD_VALUE, f"Transaction {record.transaction_id} stands twice."
        if isinstance(account, Unknown) or isinstance(security, Unknown) or why:
            done.append(rejected(record, code, why, record.transaction_id))
            continue
        rows[account, record.transaction_id] = _row(batch, account, security, record)
        written.append((account, record))
    outcomes = insert_once(_TRANSACTIONS, batch.firm_id, list(rows.values()))
    done += [_applied(record, outcome) for (_, record), outcome in zip(written, outcomes, strict=True)]
    return Result(tuple(sorted(done, key=lambda one: one.row_number)), frozenset(account for account, _ in written))


def _applied(record: TransactionRecord, outcome: Outcome) -> Applied:
    code = why = ""
    if outcome is Outcome.CONFLICT:
        code = CONFLICT
        why = (
            f"Transaction {record.transaction_id} is here already with other content; what is here stands. "
            "Ask the custodian which is right."
        )
    return Applied(record.row_number, record.account_number, record.transaction_id, outcome, code, why)


def _row(batch: Batch, account: int, security: int | None, record: TransactionRecord) -> tuple[object, ...]:
    short = record.realised_gain if record.realised_short is None else record.realised_short
    return (
        account,
        _KEY + record.transaction_id,
        security,
        record.kind,
        record.trade_on,
        record.settle_on,
        record.quantity,
        record.price,
        record.amount,
        record.fees,
        short,
        record.realised_long,
        batch.at if record.settle_on <= batch.as_of else None,
    )


def _fault(record: TransactionRecord, account: int | Unknown, security: int | Unknown | None) -> tuple[str, str]:
    if isinstance(account, Unknown):
        return UNKNOWN_ACCOUNT, account.sentence
    if isinstance(security, Unknown):
        return UNKNOWN_SECURITY, security.sentence
    if record.currency != DOLLARS:
        return BAD_VALUE, f"Transaction {record.transaction_id} is in {record.currency}; only US dollars are kept here."
    if record.kind not in TRANSACTION_KINDS:
        return BAD_VALUE, f"Transaction {record.transaction_id} is of the unknown kind {record.kind}."
    if not record.transaction_id or len(record.transaction_id) > _KEY_LENGTH:
        return BAD_VALUE, f"A transaction of {record.trade_on} has no id, or one of more than {_KEY_LENGTH} characters."
    if record.settle_on < record.trade_on or record.fees < ZERO:
        return BAD_VALUE, f"Transaction {record.transaction_id} settles before it is traded, or has negative fees."
    return "", ""
