"""A scan of a firm's book: cut into shards of whole households, claimed, done, and summed up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Account
from accounts.services import audit
from portfolios.models import Scan, ScanShard

LEASE = timedelta(seconds=settings.SCAN_LEASE_SECONDS)
MAX_ATTEMPTS = 5
SHARD_ACCOUNTS = 1500


class ScanAlreadyRunning(RuntimeError):
    """A firm's book is scanned once at a time."""


class NothingToScan(RuntimeError):
    """The firm has no open account."""


class ShardTaken(RuntimeError):
    """The shard's lease was lost to another worker, or it is done."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a shard; `attempt` tells a later holder's work from this one's."""

    scan_id: int
    shard_id: int
    attempt: int
    as_of: date
    household_ids: tuple[int, ...]


@transaction.atomic
def start_scan(
    *, firm_id: int, as_of: date, requested_by: str, at: datetime, shard_accounts: int = SHARD_ACCOUNTS
) -> Scan:
    """Write down a scan and its shards; workers find the shards.

    :raises ScanAlreadyRunning: if one is under way
    :raises NothingToScan: if there is no open account
    """
    accounts = Account.objects.for_firm(firm_id).filter(status=Account.Status.OPEN)
    pairs = list(accounts.order_by("household_id", "id").values_list("household_id", "id"))
    if not pairs:
        raise NothingToScan("There is no open account to scan. Load accounts first.")
    try:
        with transaction.atomic():
            scan = Scan.objects.for_firm(firm_id).create(
                as_of=as_of, requested_by=requested_by, started_at=at, accounts_total=len(pairs)
            )
    except IntegrityError:
        raise ScanAlreadyRunning("A scan of this book is already running; its progress is on the worklist.") from None
    ScanShard.objects.for_firm(firm_id).bulk_create(
        [
            ScanShard(scan=scan, number=number, household_ids=households, accounts_total=count)
            for number, (households, count) in enumerate(cut(pairs, shard_accounts), start=1)
        ]
    )
    audit.record(firm_id=firm_id, at=at, actor=requested_by, action="SCAN_STARTED", subject="scan", subject_id=scan.pk)
    return scan


def cut(pairs: Sequence[tuple[int, int]], limit: int) -> Iterator[tuple[list[int], int]]:
    """Households with their number of accounts, up to `limit` accounts a shard; no household is cut in two.

    `pairs` are (household, account), in order of household.
    """
    households: list[int] = []
    count = 0
    for household, rows in groupby(pairs, key=lambda pair: pair[0]):
        size = len(list(rows))
        if households and count + size > limit:
            yield households, count
            households, count = [], 0
        households.append(household)
        count += size
    if households:
        yield households, count


def due_shards(*, firm_id: int, at: datetime) -> list[int]:
    """Shards that no living worker holds."""
    waiting = Q(status=ScanShard.Status.QUEUED) | Q(status=ScanShard.Status.RUNNING, lease_until__lt=at)
    return list(ScanShard.objects.for_firm(firm_id).filter(waiting).order_by("id").values_list("id", flat=True))


@transaction.atomic
def claim_shard(*, firm_id: int, shard_id: int, at: datetime) -> Claim | None:
    """Take a shard for a while; nothing if another worker has it, it is done, or it is given up.

    A worker that dies lets go when its lease runs out. A shard that stopped several workers is marked failed.
    """
    free = Q(status=ScanShard.Status.QUEUED) | Q(status=ScanShard.Status.RUNNING, lease_until__lt=at)
    shards = ScanShard.objects.for_firm(firm_id)
    shard = shards.select_for_update(skip_locked=True, of=("self",)).filter(free, pk=shard_id).first()
    if shard is None:
        return None
    if shard.attempt >= MAX_ATTEMPTS:
        fail_shard(
            firm_id=firm_id,
            shard_id=shard_id,
            attempt=shard.attempt,
            at=at,
            sentence=f"This part of the scan was given up after {MAX_ATTEMPTS} workers stopped in the middle of it.",
        )
        return None
    shard.status = ScanShard.Status.RUNNING
    shard.attempt += 1
    shard.lease_until = at + LEASE
    shard.save(update_fields=["status", "attempt", "lease_until"])
    scan = Scan.objects.for_firm(firm_id).get(pk=shard.scan_id)
    return Claim(scan.pk, shard.pk, shard.attempt, scan.as_of, tuple(shard.household_ids))


@transaction.atomic
def finish_shard(*, firm_id: int, claim: Claim, at: datetime, scanned: int, flagged: int, proposals: int) -> None:
    """Mark a shard done, in the transaction that wrote its results; the last one ends the scan.

    :raises ShardTaken: if the lease was lost to another worker meanwhile: the results must be rolled back
    """
    mine = ScanShard.objects.for_firm(firm_id).filter(
        pk=claim.shard_id, attempt=claim.attempt, status=ScanShard.Status.RUNNING
    )
    if not mine.update(
        status=ScanShard.Status.DONE, accounts_scanned=scanned, accounts_flagged=flagged, proposals_made=proposals
    ):
        raise ShardTaken(claim.shard_id)
    _end_if_complete(firm_id, claim.scan_id, at)


@transaction.atomic
def fail_shard(*, firm_id: int, shard_id: int, attempt: int, at: datetime, sentence: str) -> None:
    """Give a shard up and say why; the other shards go on."""
    shard = ScanShard.objects.for_firm(firm_id).get(pk=shard_id)
    ScanShard.objects.for_firm(firm_id).filter(pk=shard_id, attempt=attempt).update(
        status=ScanShard.Status.FAILED, failure=sentence
    )
    _end_if_complete(firm_id, shard.scan_id, at)


def _end_if_complete(firm_id: int, scan_id: int, at: datetime) -> None:
    """Locks the scan, so that of two last shards one sees the other."""
    scan = Scan.objects.for_firm(firm_id).select_for_update().get(pk=scan_id)
    statuses = set(ScanShard.objects.for_firm(firm_id).filter(scan=scan).values_list("status", flat=True))
    if statuses - {ScanShard.Status.DONE, ScanShard.Status.FAILED}:
        return
    scan.status = Scan.Status.FAILED if ScanShard.Status.FAILED in statuses else Scan.Status.DONE
    scan.finished_at = at
    scan.save(update_fields=["status", "finished_at"])
    audit.record(
        firm_id=firm_id, at=at, actor="system", action=f"SCAN_{scan.status}", subject="scan", subject_id=scan.pk
    )
