"""Taking in custodians' files: staged, read, and applied whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from accounts.models import Custodian
from accounts.services import audit
from accounts.tenancy import firm_scope
from portfolios.feeds.parse import parse
from portfolios.feeds.records import Code, ParsedFile, Refused
from portfolios.models import FeedFile, FeedRow
from portfolios.services import ingest
from portfolios.services.feed_records import apply_parsed
from portfolios.services.feed_rows import SetAside, all_set_aside
from rebalancer.engine.calendars import NEW_YORK

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
        """Rows of the file whose content is in the books; where no record is, a row of totals does not count either."""
        if self.status != FeedFile.Status.APPLIED or (self.set_aside and not self.stored_count):
            return 0
        return max(0, self.row_count - self.set_aside_count)

    @property
    def stored_count(self) -> int:
        """Records that are in the books as the file has them."""
        return sum(self.records.get(word, 0) for word in ("CREATED", "UNCHANGED", "UPDATED"))

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
                standing = same.first()
                return standing.pk if standing else _new_file(arrival)
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
    results = apply_parsed(batch, parsed, open_accounts_in=arrival.open_accounts_in)
    aside = all_set_aside(parsed, results.refused)
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
