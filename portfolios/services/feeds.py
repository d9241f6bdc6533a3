"""Taking in custodians' files: staged, read, and applied whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from accounts.models import Custodian
from accounts.services import audit
from accounts.tenancy import firm_scope
from portfolios.feeds.parse import parse
from portfolios.feeds.records import (
    AccountRecord,
    Code,
    LotRecord,
    ParsedFile,
    PositionRecord,
    Record,
    Refused,
)
from portfolios.models import FeedFile, FeedRow
from portfolios.services import ingest
from portfolios.services.feed_rows import SetAside, all_set_aside, held_for, holdings_of
from portfolios.services.ingest.batch import OLDER_THAN_STORED, UNKNOWN_SECURITY, Applied, merged
from portfolios.services.ingest.lookups import Securities, Unknown, account_key, find_accounts
from portfolios.services.ingest.problems import Found, found_in
from portfolios.services.ingest.snapshots import rejected
from rebalancer.engine.calendars import NEW_YORK

_R = TypeVar("_R", bound=Record)
_SENTENCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutcome:
    """What became of a file. Of a REFUSED one nothing was applied; `sentence` says why, or that it was here before."""

    file_id: int
    name: str
    status: str
    sentence: str = ""
    row_count: int = 0
    set_aside: tuple[SetAside, ...] = ()
    records: Mapping[str, int] = field(default_factory=dict)
    was_applied_before: bool = False

    @property
    def set_aside_count(self) -> int:
        return sum(rows.row_count for rows in self.set_aside)

    @property
    def applied_count(self) -> int:
        return max(0, self.row_count - self.set_aside_count) if self.status == FeedFile.Status.APPLIED else 0

    @property
    def is_clean(self) -> bool:
        return self.status == FeedFile.Status.APPLIED and not self.set_aside


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A file as it came in, and how its accounts are to be understood."""

    firm_id: int
    layout: str
    name: str
    sha256: str
    size: int
    at: datetime
    actor: str
    custodian: str
    open_accounts_in: str | None


def import_file(
    *,
    firm_id: int,
    layout: str,
    name: str,
    content: bytes,
    at: datetime,
    actor: str = "system",
    custodian: str = "",
    open_accounts_in: str | None = None,
) -> FeedOutcome:
    """Take in one file of a firm.

    The same content again changes nothing and says so; rows that were set aside are tried again, and so is a file
    that was refused, or that a crash left half way. `custodian` is for files that name none. With `open_accounts_in`
    (a household's external id, blank for the one that collects what is unassigned) accounts that the file names and
    nobody knows are opened. Runs in transactions of its own.
    """
    arrival = _Arrival(
        firm_id=firm_id,
        layout=layout,
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        at=at,
        actor=actor,
        custodian=custodian,
        open_accounts_in=open_accounts_in,
    )
    file_id = _stage(arrival)
    try:
        parsed = parse(layout, content, file_name=name, received_on=_local_day(at))
        with firm_scope(firm_id):
            return _apply(arrival, file_id, parsed)
    except Refused as refused:
        return _refuse(arrival, file_id, refused)


def _local_day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(str(NEW_YORK))).date()


def _stage(arrival: _Arrival) -> int:
    """The row of this content: the one that stands, or a new one."""
    with firm_scope(arrival.firm_id):
        files = FeedFile.objects.for_firm(arrival.firm_id)
        same = files.filter(layout=arrival.layout[:40], sha256=arrival.sha256).exclude(status=FeedFile.Status.REFUSED)
        try:
            with transaction.atomic():
                return same.first().pk if same.exists() else _new_file(arrival)  # type: ignore[union-attr]
        except IntegrityError:  # another process staged it in this moment
            return same.get().pk


def _new_file(arrival: _Arrival) -> int:
    files = FeedFile.objects.for_firm(arrival.firm_id)
    row = files.create(
        layout=arrival.layout[:40],
        name=arrival.name[:255],
        sha256=arrival.sha256,
        size=arrival.size,
        status=FeedFile.Status.STAGED,
        received_at=arrival.at,
    )
    return row.pk


def _apply(arrival: _Arrival, file_id: int, parsed: ParsedFile) -> FeedOutcome:
    """Apply a file whole, in the caller's transaction.

    :raises Refused: if nothing of it can be used
    """
    row = FeedFile.objects.for_firm(arrival.firm_id).select_for_update().get(pk=file_id)
    again = row.status == FeedFile.Status.APPLIED
    if again and not row.quarantined_count:
        return _nothing_new(row)
    batch = _batch(arrival, file_id, parsed)
    results = _apply_records(batch, arrival, parsed)
    _refuse_if_older(batch, parsed, results.records)
    aside = all_set_aside(parsed, results.refused)
    _flag(batch, parsed, results)
    ingest.review_accounts(firm_id=batch.firm_id, account_ids=results.account_ids, at=batch.at, file_id=file_id)
    counts = Counter(one.outcome.value for one in results.records)
    _store(row, arrival, parsed, aside, counts, gone=results.gone)
    return FeedOutcome(
        file_id=file_id,
        name=arrival.name,
        status=row.status,
        sentence=f"It was applied before, on {_day(row.received_at)}; what was set aside was tried again."
        if again
        else "",
        row_count=row.row_count,
        set_aside=aside,
        records=counts,
        was_applied_before=again,
    )


def _nothing_new(row: FeedFile) -> FeedOutcome:
    return FeedOutcome(
        file_id=row.pk,
        name=row.name,
        status=row.status,
        sentence=f"The same content was applied before, on {_day(row.applied_at or row.received_at)}; nothing changed.",
        row_count=row.row_count,
        was_applied_before=True,
    )


def _day(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(str(NEW_YORK))):%Y-%m-%d %H:%M}"


def _batch(arrival: _Arrival, file_id: int, parsed: ParsedFile) -> ingest.Batch:
    """:raises Refused: for a custodian that this installation does not have"""
    code = arrival.custodian.upper()
    if code and not Custodian.objects.filter(code=code).exists():
        known = ", ".join(Custodian.objects.order_by("code").values_list("code", flat=True)) or "none yet"
        raise Refused(Code.UNKNOWN_WORD, f"There is no custodian {code} in this installation; it has {known}.")
    return ingest.Batch(
        firm_id=arrival.firm_id,
        as_of=parsed.as_of or _local_day(arrival.at),
        at=arrival.at,
        source=parsed.layout,
        custodian=code,
        masked=frozenset(account.account_number for account in parsed.accounts if account.is_masked),
        file_id=file_id,
        actor=arrival.actor,
    )


def _apply_records(batch: ingest.Batch, arrival: _Arrival, parsed: ParsedFile) -> ingest.Result:
    """Everything but the accounts with a row that could not be read: the rest would make a wrong snapshot of them."""
    unknown = _unknown_securities(parsed)
    held = parsed.held_accounts | {one.account_number for one in unknown}
    silent = {p.account_number for p in parsed.problems if p.code is Code.NO_RECORDS and p.account_number}
    named = [account for account in parsed.accounts if account.account_number not in held | silent]
    results = [ingest.Result(records=tuple(unknown))]
    if _is_list_of_accounts(parsed):
        results.append(ingest.apply_accounts(batch, named))
    elif arrival.open_accounts_in is not None:
        _open_unknown(batch, parsed.accounts, arrival.open_accounts_in)
    if parsed.positions or (named and not _is_list_of_accounts(parsed)):
        results.append(ingest.apply_positions(batch, _without(parsed.positions, held), accounts=named))
    if parsed.lots:
        results.append(ingest.apply_lots(batch, _without(parsed.lots, held), accounts=named))
    results.append(ingest.apply_cash(batch, _without(parsed.cash_balances, held)))
    results.append(ingest.apply_prices(batch, parsed.prices))
    results.append(ingest.apply_transactions(batch, _without(parsed.transactions, held)))
    return merged(results)


def _without(records: Iterable[_R], held: Collection[str]) -> list[_R]:
    return [record for record in records if record.account_number not in held]


def _unknown_securities(parsed: ParsedFile) -> list[Applied]:
    """Holdings of securities that nobody knows: without them the rest would make a wrong snapshot of their accounts.

    Kinds that are never traded here (bonds, options) do not count: their accounts are flagged instead.
    """
    flagged = {p.row_number for p in parsed.problems if p.code is Code.UNSUPPORTED_KIND}
    holdings: list[PositionRecord | LotRecord] = [*parsed.positions, *parsed.lots]
    securities = Securities(holdings)
    return [
        rejected(record, UNKNOWN_SECURITY, found.sentence, record.symbol)
        for record in holdings
        if record.row_number not in flagged and isinstance(found := securities.find(record), Unknown)
    ]


def _is_list_of_accounts(parsed: ParsedFile) -> bool:
    return parsed.layout == "plain_accounts"


def _open_unknown(batch: ingest.Batch, accounts: Sequence[AccountRecord], household: str) -> None:
    """Open the accounts of a custodian's file that nobody knows; of those that are masked, none can be."""
    found = find_accounts(batch, accounts)
    unknown = [account for account in accounts if not isinstance(found[account_key(batch, account)], int)]
    ingest.apply_accounts(batch, unknown, household=household)


def _refuse_if_older(batch: ingest.Batch, parsed: ParsedFile, records: Sequence[Applied]) -> None:
    """:raises Refused: if every record is older than what is stored"""
    if records and all(one.code == OLDER_THAN_STORED for one in records):
        sentence = f"{parsed.file_name} is of {batch.as_of}; something newer was applied to all of its accounts before."
        raise Refused(Code.MIXED_DATES, sentence)


def _flag(batch: ingest.Batch, parsed: ParsedFile, results: ingest.Result) -> None:
    """Mark the accounts of which the file says that something is wrong, or that hold what nobody knows."""
    numbered = [problem for problem in parsed.problems if problem.account_number]
    known = find_accounts(batch, [*parsed.accounts, *holdings_of(parsed)])
    by_number = {number: pk for (_, number), pk in known.items() if isinstance(pk, int)}
    found: list[Found] = []
    for problem in numbered:
        account_id = by_number.get(problem.account_number or "")
        one = found_in(problem, account_id) if account_id else None
        if one:
            found.append(one)
    held = held_for(parsed, results.refused)
    for row in results.refused:
        account_id = by_number.get(row.account_number)
        if row.code == UNKNOWN_SECURITY and row.account_number in held and account_id:
            sentence = f"Nothing of this account was taken from the file. {row.sentence}"
            found.append(Found(account_id, row.code, sentence))
    ingest.flag_accounts(batch, found, read=results.account_ids)


def _store(
    row: FeedFile,
    arrival: _Arrival,
    parsed: ParsedFile,
    aside: Sequence[SetAside],
    counts: Mapping[str, int],
    *,
    gone: int,
) -> None:
    rows = FeedRow.objects.for_firm(arrival.firm_id)
    rows.filter(file=row).delete()
    rows.bulk_create(
        [
            FeedRow(
                file=row,
                row_number=one.row_number,
                account_number=one.account_number[:32],
                code=one.code,
                sentence=one.sentence[:_SENTENCE],
            )
            for one in aside
        ]
    )
    row.status = FeedFile.Status.APPLIED
    row.as_of = parsed.as_of
    row.applied_at = arrival.at
    row.row_count = parsed.row_count
    row.quarantined_count = sum(one.row_count for one in aside)
    row.save(update_fields=["status", "as_of", "applied_at", "row_count", "quarantined_count"])
    audit.record(
        firm_id=arrival.firm_id,
        at=arrival.at,
        actor=arrival.actor,
        action="FEED_APPLIED",
        subject="feed_file",
        subject_id=row.pk,
        name=arrival.name,
        layout=arrival.layout,
        sha256=arrival.sha256,
        rows=parsed.row_count,
        set_aside=row.quarantined_count,
        records=dict(counts),
        gone=gone,
    )


def _refuse(arrival: _Arrival, file_id: int, refused: Refused) -> FeedOutcome:
    """Write down that a file was refused. One that was applied before stays as it is."""
    with firm_scope(arrival.firm_id):
        row = FeedFile.objects.for_firm(arrival.firm_id).select_for_update().get(pk=file_id)
        if row.status == FeedFile.Status.STAGED:
            row.status = FeedFile.Status.REFUSED
            row.refusal = refused.sentence[:_SENTENCE]
            row.save(update_fields=["status", "refusal"])
        audit.record(
            firm_id=arrival.firm_id,
            at=arrival.at,
            actor=arrival.actor,
            action="FEED_REFUSED",
            subject="feed_file",
            subject_id=file_id,
            name=arrival.name,
            layout=arrival.layout,
            sha256=arrival.sha256,
            code=refused.code.value,
            sentence=refused.sentence,
        )
    return FeedOutcome(
        file_id=file_id, name=arrival.name, status=FeedFile.Status.REFUSED.value, sentence=refused.sentence
    )
