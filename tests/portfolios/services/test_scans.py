from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import AuditEvent
from portfolios.models import Scan, ScanShard
from portfolios.selectors.scans import newest_progress, scan_progress
from portfolios.services.scans import (
    LEASE,
    MAX_ATTEMPTS,
    Claim,
    NothingToScan,
    ScanAlreadyRunning,
    ShardTaken,
    claim_shard,
    cut,
    due_shards,
    fail_shard,
    finish_shard,
    start_scan,
)
from tests.worlds import NOW, TODAY, Birch, Cedar, make_account, make_household

LATER = NOW + LEASE + timedelta(seconds=1)


def begin(world: Birch, *, households: int = 1) -> Scan:
    for number in range(1, households):
        household = make_household(world.firm_id, name=f"House {number}")
        make_account(world.firm_id, household, number=f"90{number}")
    return start_scan(firm_id=world.firm_id, as_of=TODAY, requested_by="t", at=NOW, shard_accounts=1)


def claim(world: Birch, shard_id: int, at: datetime = NOW) -> Claim:
    held = claim_shard(firm_id=world.firm_id, shard_id=shard_id, at=at)
    assert held is not None
    return held


def is_free(world: Birch, shard_id: int, at: datetime = NOW) -> bool:
    return claim_shard(firm_id=world.firm_id, shard_id=shard_id, at=at) is not None


def finish(world: Birch, held: Claim) -> None:
    finish_shard(firm_id=world.firm_id, claim=held, at=NOW, scanned=1, flagged=1, proposals=1)


@pytest.mark.parametrize(
    ("pairs", "limit", "shards"),
    [
        pytest.param([], 2, [], id="nothing"),
        pytest.param([(1, 1), (1, 2), (2, 3)], 2, [([1], 2), ([2], 1)], id="a full shard is closed"),
        pytest.param([(1, 1), (2, 2), (3, 3)], 2, [([1, 2], 2), ([3], 1)], id="small households share a shard"),
        pytest.param([(1, 1), (1, 2), (1, 3)], 2, [([1], 3)], id="a household is never cut, however large"),
    ],
)
def test_shards_are_whole_households(pairs, limit, shards) -> None:
    assert list(cut(pairs, limit)) == shards


def test_a_book_is_scanned_once_at_a_time_and_firms_do_not_wait_for_each_other(birch: Birch, cedar: Cedar) -> None:
    begin(birch)
    with pytest.raises(ScanAlreadyRunning):
        begin(birch)
    with cedar.scope():
        assert begin(cedar).status == Scan.Status.RUNNING


def test_a_firm_without_accounts_has_nothing_to_scan(birch: Birch) -> None:
    type(birch.account).objects.for_firm(birch.firm_id).update(status="CLOSED")
    with pytest.raises(NothingToScan):
        begin(birch)


def test_a_shard_is_held_by_one_worker(birch: Birch) -> None:
    begin(birch)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    claim(birch, shard)
    assert due_shards(firm_id=birch.firm_id, at=NOW) == []
    assert not is_free(birch, shard)


def test_another_firm_cannot_claim_a_shard(birch: Birch, cedar: Cedar) -> None:
    begin(birch)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    with cedar.scope():
        assert not is_free(cedar, shard)


def test_a_dead_workers_shard_is_done_by_another_and_his_late_work_is_refused(birch: Birch) -> None:
    begin(birch)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    dead = claim(birch, shard)
    assert due_shards(firm_id=birch.firm_id, at=LATER) == [shard]
    living = claim(birch, shard, at=LATER)
    with pytest.raises(ShardTaken):
        finish(birch, dead)
    finish(birch, living)
    assert newest_progress(birch.firm_id).status == Scan.Status.DONE


def test_a_finished_shard_is_not_done_again(birch: Birch) -> None:
    begin(birch)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    finish(birch, claim(birch, shard))
    assert not is_free(birch, shard, at=LATER)


def test_a_shard_that_kills_its_workers_is_given_up_with_a_sentence(birch: Birch) -> None:
    begin(birch)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    ScanShard.objects.for_firm(birch.firm_id).filter(pk=shard).update(
        status="RUNNING", attempt=MAX_ATTEMPTS, lease_until=NOW
    )
    assert not is_free(birch, shard, at=LATER)
    found = newest_progress(birch.firm_id)
    assert found.status == Scan.Status.FAILED
    sentence = f"This part of the scan was given up after {MAX_ATTEMPTS} workers stopped in the middle of it."
    assert found.failures == (sentence,)


def test_the_scan_ends_with_its_last_shard_and_sums_them_up(birch: Birch) -> None:
    scan = begin(birch, households=3)
    shards = due_shards(firm_id=birch.firm_id, at=NOW)
    assert len(shards) == 3
    for shard in shards[:2]:
        finish(birch, claim(birch, shard))
    halfway = scan_progress(birch.firm_id, scan.pk)
    assert halfway is not None
    assert (halfway.status, halfway.done, halfway.total, halfway.percent) == (Scan.Status.RUNNING, 2, 3, 66)
    finish(birch, claim(birch, shards[2]))
    ended = scan_progress(birch.firm_id, scan.pk)
    assert ended is not None
    assert ended.sentence == "3 accounts scanned as of Nov 20, 2026: 3 need attention, 3 proposals"
    actions = AuditEvent.objects.for_firm(birch.firm_id).order_by("sequence").values_list("action", flat=True)
    assert list(actions) == ["SCAN_STARTED", "SCAN_DONE"]


def test_one_failed_shard_fails_the_scan_when_the_others_are_through(birch: Birch) -> None:
    begin(birch, households=2)
    first, second = due_shards(firm_id=birch.firm_id, at=NOW)
    held = claim(birch, first)
    fail_shard(firm_id=birch.firm_id, shard_id=first, attempt=held.attempt, at=NOW, sentence="No prices.")
    assert newest_progress(birch.firm_id).status == Scan.Status.RUNNING
    finish(birch, claim(birch, second))
    assert newest_progress(birch.firm_id).status == Scan.Status.FAILED


def test_another_firms_scan_has_no_progress_to_see(birch: Birch, cedar: Cedar) -> None:
    scan = begin(birch)
    with cedar.scope():
        assert scan_progress(cedar.firm_id, scan.pk) is None
