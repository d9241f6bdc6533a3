"""Scanning on schedule and on demand. Workers carry out shards written in the database; messages only nudge."""

from __future__ import annotations

from datetime import date, datetime

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from accounts.tenancy import firm_ids, firm_scope
from portfolios.selectors.days import book_day
from portfolios.services.scans import NothingToScan, ScanAlreadyRunning, ShardTaken, due_shards, start_scan
from trading.services.scans import run_shard

SCHEDULER = "schedule"


def start_scan_and_nudge(*, firm_id: int, as_of: date, requested_by: str, at: datetime) -> None:
    """Write a scan down and wake the workers once it is committed.

    :raises ScanAlreadyRunning: if one is under way
    :raises NothingToScan: if there is no open account
    """
    start_scan(firm_id=firm_id, as_of=as_of, requested_by=requested_by, at=at)
    for shard_id in due_shards(firm_id=firm_id, at=at):
        transaction.on_commit(lambda shard_id=shard_id: scan_shard.delay(firm_id, shard_id), robust=True)  # type: ignore[misc]


@shared_task(name="trading.scan_shard")
def scan_shard(firm_id: int, shard_id: int) -> None:
    """Do one shard, unless another worker has it."""
    try:
        run_shard(firm_id=firm_id, shard_id=shard_id, clock=timezone.now)
    except ShardTaken:
        return


@shared_task(name="trading.sweep_scans")
def sweep_scans() -> None:
    """Do the shards that no message reached, or whose worker died."""
    for firm_id in firm_ids():
        with firm_scope(firm_id):
            waiting = due_shards(firm_id=firm_id, at=timezone.now())
        for shard_id in waiting:
            scan_shard(firm_id, shard_id)


@shared_task(name="trading.scan_all_firms")
def scan_all_firms() -> None:
    """Start the daily scan of every firm; a firm that is being scanned, or has no accounts, is passed over."""
    now = timezone.now()
    for firm_id in firm_ids():
        with firm_scope(firm_id):
            try:
                start_scan_and_nudge(
                    firm_id=firm_id, as_of=book_day(timezone.localdate(now)), requested_by=SCHEDULER, at=now
                )
            except (ScanAlreadyRunning, NothingToScan):
                continue
