"""What a worker does with a shard: look at its accounts, propose trades, write down what calls for attention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from accounts.tenancy import firm_scope
from portfolios.services.scans import Claim, ShardTaken, claim_shard, finish_shard
from portfolios.services.signals import evaluate, store_signals
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from trading.services.proposals import propose


def run_shard(*, firm_id: int, shard_id: int, clock: Callable[[], datetime]) -> None:
    """Claim a shard, do it in one transaction, and mark it done in the same one. A second run finds it taken.

    :raises ShardTaken: if another worker has it, or its lease was lost meanwhile (then nothing is written)
    """
    with firm_scope(firm_id):
        claim = claim_shard(firm_id=firm_id, shard_id=shard_id, at=clock())
    if claim is None:
        raise ShardTaken(shard_id)
    with firm_scope(firm_id):
        _do(firm_id, claim, clock)


def _do(firm_id: int, claim: Claim, clock: Callable[[], datetime]) -> None:
    loaded = load_book(firm_id, claim.household_ids, as_of=claim.as_of, depth=Depth.LOSS_LOTS)
    found = evaluate(loaded)
    made = propose(firm_id=firm_id, scan_id=claim.scan_id, loaded=loaded, found=found, at=clock())
    flagged = store_signals(firm_id=firm_id, scan_id=claim.scan_id, loaded=loaded, found=found, outcomes=made.outcomes)
    finish_shard(
        firm_id=firm_id, claim=claim, at=clock(), scanned=len(loaded.book), flagged=flagged, proposals=made.proposals
    )
