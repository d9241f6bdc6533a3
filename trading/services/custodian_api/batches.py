"""Taking in what a custodian sends in bulk: a batch is applied whole, once, and never by an older one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ulid
from django.db import connection, transaction

from accounts.services import audit
from portfolios.feeds.records import AccountRecord, Record
from portfolios.models import FeedFile
from portfolios.services import ingest
from rebalancer.engine.money import ZERO
from trading.models import ApiBatch
from trading.selectors.custodian_api import Caller
from trading.services.custodian_api.refusals import Contradiction, Fault, Refusal, Unacceptable

NAMED_FAULTS = 1000

_APPLY: Mapping[str, Callable[[ingest.Batch, Submission], ingest.Result]] = {
    "accounts": lambda batch, sent: ingest.apply_accounts(batch, sent.records),
    "positions": lambda batch, sent: ingest.apply_positions(batch, sent.records, accounts=sent.accounts),
    "lots": lambda batch, sent: ingest.apply_lots(batch, sent.records, accounts=sent.accounts),
    "balances": lambda batch, sent: ingest.apply_cash(batch, sent.records),
    "transactions": lambda batch, sent: ingest.apply_transactions(batch, sent.records),
    "prices": lambda batch, sent: ingest.apply_prices(batch, sent.records),
}

_TOTALS: Mapping[str, Mapping[str, Callable[[Any], Decimal | None]]] = {
    "accounts": {},
    "positions": {"quantity": lambda row: row.quantity, "market_value": lambda row: row.market_value},
    "lots": {"quantity": lambda row: row.quantity, "cost_basis": lambda row: row.cost_basis},
    "balances": {"amount": lambda row: row.settled + row.unsettled},
    "transactions": {"quantity": lambda row: row.quantity, "amount": lambda row: row.amount},
    "prices": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A batch as it came. Records are numbered from 1, the `accounts` that a snapshot is of from -1 downwards."""

    feed: str
    mode: str
    as_of: date
    sequence: int | None
    record_count: int
    control_totals: Mapping[str, Decimal]
    records: Sequence[Any]
    accounts: Sequence[Record]
    content_sha256: str
    size: int


def submit_batch(*, caller: Caller, submission: Submission, today: date, at: datetime) -> tuple[ApiBatch, bool]:
    """Apply a batch, and tell whether it is new: the same content under the same number changes nothing.

    Runs in the caller's transaction. A refused batch is written down as a refused file.

    :raises Contradiction: if its number, or one of its transactions, stands for something else
    :raises Unacceptable: if it does not foot, or one of its records cannot be taken
    """
    _lock(caller, submission)
    known = _known(caller, submission)
    if known is not None:
        return known, False
    try:
        _check(submission, today)
        with transaction.atomic():
            return _apply(caller, submission, at), True
    except Refusal as why:
        _file(caller, submission, FeedFile.Status.REFUSED, at, refusal=_in_short(why))
        raise


def _lock(caller: Caller, sent: Submission) -> None:
    """Batches of one custodian's feed follow each other."""
    with connection.cursor() as cursor:
        name = f"api_batch {caller.firm_id} {caller.custodian_id} {sent.feed}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _earlier(caller: Caller, sent: Submission) -> ApiBatch | None:
    """The newest batch of this feed and day."""
    rows = ApiBatch.objects.for_firm(caller.firm_id).filter(
        custodian_id=caller.custodian_id, feed=sent.feed, as_of=sent.as_of
    )
    return rows.order_by("-sequence").first()


def _known(caller: Caller, sent: Submission) -> ApiBatch | None:
    """The batch that was applied before, if this is it.

    :raises Contradiction: if its number was used for another one, or is lower than the newest
    """
    newest = _earlier(caller, sent)
    if newest is None:
        return None
    if sent.content_sha256 == newest.content_sha256 and sent.sequence in (None, newest.sequence):
        return newest
    if sent.sequence is None or sent.sequence > newest.sequence:
        return None
    rows = ApiBatch.objects.for_firm(caller.firm_id).filter(
        custodian_id=caller.custodian_id, feed=sent.feed, as_of=sent.as_of, sequence=sent.sequence
    )
    same = rows.filter(content_sha256=sent.content_sha256).first()
    if same is not None:
        return same
    raise Contradiction(
        "sequence_too_low",
        f"Batch {newest.sequence} of {sent.feed} of {sent.as_of} was applied; send the next one under a higher number.",
        [Fault("/sequence", "sequence_too_low", f"It must be more than {newest.sequence}.")],
    )


def _check(sent: Submission, today: date) -> None:
    """:raises Unacceptable: if the batch is of a day to come, or does not foot"""
    faults = []
    if sent.as_of > today:
        faults.append(Fault("/as_of", "future_date", f"{sent.as_of} has not come yet; today is {today}."))
    if sent.record_count != len(sent.records):
        detail = f"It says {sent.record_count}, and there are {len(sent.records)} records."
        faults.append(Fault("/record_count", "control_total", detail))
    for name, computed in totals(sent).items():
        said = sent.control_totals[name]
        if said != computed:
            detail = f"It says {said:f}, and the records sum to {computed:f}."
            faults.append(Fault(f"/control_totals/{name}", "control_total", detail))
    if faults:
        raise Unacceptable("batch_does_not_foot", "The batch does not foot; nothing of it was applied.", faults)


def totals(sent: Submission) -> Mapping[str, Decimal]:
    """The control totals of a feed, summed over the records; what a record does not say counts as nothing."""
    return {name: sum((of(row) or ZERO for row in sent.records), ZERO) for name, of in _TOTALS[sent.feed].items()}


def _apply(caller: Caller, sent: Submission, at: datetime) -> ApiBatch:
    newest = _earlier(caller, sent)
    sequence = sent.sequence or (newest.sequence + 1 if newest else 1)
    file = _file(caller, sent, FeedFile.Status.APPLIED, at, sequence=sequence)
    batch = ingest.Batch(
        firm_id=caller.firm_id,
        as_of=sent.as_of,
        at=at,
        source=file.layout,
        custodian=caller.credential.custodian_code,
        file_id=file.pk,
        actor=caller.actor,
    )
    result = _APPLY[sent.feed](batch, sent)
    if result.refused:
        raise _refusal(result.refused, len(sent.records))
    ingest.review_accounts(firm_id=caller.firm_id, account_ids=result.account_ids, at=at, file_id=file.pk)
    counts = Counter(one.outcome.value for one in result.records)
    return ApiBatch.objects.for_firm(caller.firm_id).create(
        public_id=f"bat_{ulid.from_timestamp(at.timestamp())}",
        credential_id=caller.credential.id,
        custodian_id=caller.custodian_id,
        file=file,
        feed=sent.feed,
        mode=sent.mode,
        as_of=sent.as_of,
        sequence=sequence,
        content_sha256=sent.content_sha256,
        record_count=sent.record_count,
        control_totals={name: f"{total:f}" for name, total in sent.control_totals.items()},
        outcomes={
            "created": counts["CREATED"],
            "updated": counts["UPDATED"],
            "unchanged": counts["UNCHANGED"],
            "removed": result.gone,
        },
        applied_at=at,
    )


def _refusal(refused: Sequence[ingest.Applied], count: int) -> Refusal:
    """All that is wrong, in the order of the records, as far as it can be named in one answer."""
    faults = [Fault(_pointer(one.row_number), one.code.lower(), one.sentence) for one in refused[:NAMED_FAULTS]]
    detail = f"{len(refused)} of {count} records cannot be taken; nothing of the batch was applied."
    if all(one.outcome is ingest.Outcome.CONFLICT for one in refused):
        return Contradiction("record_conflict", detail, faults)
    return Unacceptable("bad_records", detail, faults)


def _pointer(row_number: int) -> str:
    return f"/records/{row_number - 1}" if row_number > 0 else f"/accounts/{-row_number - 1}"


def _in_short(why: Refusal) -> str:
    return " ".join([why.detail, *(fault.detail for fault in why.faults[:1])])[:500]


def _file(
    caller: Caller, sent: Submission, status: FeedFile.Status, at: datetime, *, sequence: int = 0, refusal: str = ""
) -> FeedFile:
    """The batch's place in the history of feeds, beside the files."""
    custodian = caller.credential.custodian_code
    content = f"{custodian} {sent.as_of} {sequence} {sent.content_sha256}"
    applied = status == FeedFile.Status.APPLIED
    file = FeedFile.objects.for_firm(caller.firm_id).create(
        layout=f"api_{sent.feed}",
        name=f"{custodian} {sent.feed} {sent.as_of}" + (f" #{sequence}" if sequence else ""),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        size=sent.size,
        as_of=sent.as_of,
        status=status,
        refusal=refusal,
        received_at=at,
        applied_at=at if applied else None,
        row_count=len(sent.records),
        quarantined_count=0 if applied else len(sent.records),
    )
    audit.record(
        firm_id=caller.firm_id,
        at=at,
        actor=caller.actor,
        action="FEED_APPLIED" if applied else "FEED_REFUSED",
        subject="feed_file",
        subject_id=file.pk,
        name=file.name,
        layout=file.layout,
        sha256=sent.content_sha256,
        rows=len(sent.records),
        sentence=refusal,
    )
    return file


def account_name(number: str, place: int) -> AccountRecord:
    """An account that a snapshot is of, at a place in the batch's list of accounts (from 0)."""
    return AccountRecord(row_number=-(place + 1), account_number=number)
