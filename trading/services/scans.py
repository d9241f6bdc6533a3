"""What a worker does with a shard: look at its accounts, write down what calls for attention, propose trades."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from accounts.tenancy import firm_scope
from portfolios.services.scans import Claim, claim_shard, finish_shard
from portfolios.services.signals import look_at
from trading.services.proposals import propose


def run_shard(*, firm_id: int, shard_id: int, clock: Callable[[], datetime]) -> None:
    """Claim a shard, do it in one transaction, and mark it done in the same one. May run twice: the second finds it taken.

    :raises ShardTaken: if another worker has it, or its lease was lost meanwhile (then nothing is written)
    """
    with firm_scope(firm_id):
        claim = claim_shard(firm_id=firm_id, shard_id=shard_id, at=clock())
    with firm_scope(firm_id):
        _do(firm_id, claim, clock)


def _do(firm_id: int, claim: Claim, clock: Callable[[], datetime]) -> None:
    found = look_at(
        firm_id=firm_id, scan_id=claim.scan_id, household_ids=claim.household_ids, as_of=claim.as_of
    )
    proposals = propose(firm_id=firm_id, scan_id=claim.scan_id, found=found, at=clock())
    finish_shard(
        firm_id=firm_id,
        claim=claim,
        at=clock(),
        scanned=found.accounts_scanned,
        flagged=found.accounts_flagged,
        proposals=proposals,
    )
