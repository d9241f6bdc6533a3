"""One whole day of a firm without a browser: scan, proposals, approvals, orders, fills, settled accounts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.selectors.members import Member
from accounts.tenancy import firm_scope
from portfolios.models import Scan
from portfolios.selectors.scans import newest_scan
from portfolios.services.scans import ShardTaken, due_shards, start_scan
from trading.models import Proposal
from trading.selectors.orders import open_orders
from trading.services import approvals, approving
from trading.services.outbox import send_due
from trading.services.scans import run_shard
from trading.services.streams import connection_ids, pull_events

PATIENCE_SECONDS = 240


class DayStuck(RuntimeError):
    """A stage of the day did not come to its end in time."""


@dataclass(frozen=True, slots=True)
class Approvals:
    approved: int
    refused: tuple[str, ...]


def scan_book(*, firm_id: int, as_of: date, requested_by: str, clock: Callable[[], datetime]) -> int:
    """Scan the whole book, beside any worker that helps, and give back the scan's id.

    :raises DayStuck: if the scan failed or did not end in time
    """
    with firm_scope(firm_id):
        scan = start_scan(firm_id=firm_id, as_of=as_of, requested_by=requested_by, at=clock())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _status(firm_id) == Scan.Status.RUNNING:
        if time.monotonic() > deadline:
            raise DayStuck(f"the scan did not end within {PATIENCE_SECONDS} seconds")
        with firm_scope(firm_id):
            waiting = due_shards(firm_id=firm_id, at=clock())
        for shard_id in waiting:
            _try_shard(firm_id, shard_id, clock)
        time.sleep(0.05)
    if _status(firm_id) != Scan.Status.DONE:
        raise DayStuck("the scan failed; its parts say why on the worklist")
    return scan.pk


def approve_all(*, firm_id: int, first: Member, second: Member, clock: Callable[[], datetime]) -> Approvals:
    """Approve every open proposal, with the second pair of eyes where one is needed."""
    with firm_scope(firm_id):
        open_ids = list(
            Proposal.objects.for_firm(firm_id)
            .filter(status__in=approvals.OPEN)
            .order_by("id")
            .values_list("id", flat=True)
        )
    refused = [why for proposal_id in open_ids if (why := _approve(firm_id, proposal_id, first, second, clock))]
    return Approvals(len(open_ids) - len(refused), tuple(refused))


def trade_until_done(*, firm_id: int, clock: Callable[[], datetime]) -> None:
    """Send what is due and take in what comes back until every order has ended.

    :raises DayStuck: if orders are still open when patience ends
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        send_due(firm_id=firm_id, now=clock())
        for connection_id in connection_ids(firm_id=firm_id):
            pull_events(firm_id=firm_id, connection_id=connection_id, now=clock())
        with firm_scope(firm_id):
            left = open_orders(firm_id)
        if not left:
            return
        if time.monotonic() > deadline:
            raise DayStuck(f"{left} orders were still open after {PATIENCE_SECONDS} seconds")
        time.sleep(0.1)


def _try_shard(firm_id: int, shard_id: int, clock: Callable[[], datetime]) -> None:
    try:
        run_shard(firm_id=firm_id, shard_id=shard_id, clock=clock)
    except ShardTaken:
        return


def _status(firm_id: int) -> str:
    with firm_scope(firm_id):
        scan = newest_scan(firm_id)
    if scan is None:
        raise DayStuck("there is no scan")
    return scan.status


def _approve(firm_id: int, proposal_id: int, first: Member, second: Member, clock: Callable[[], datetime]) -> str:
    """Why the proposal could not be approved; empty if it was."""
    for member in (first, second):
        with firm_scope(firm_id):
            try:
                outcome = approving.approve(firm_id=firm_id, proposal_id=proposal_id, by=member, at=clock())
            except (approvals.ProposalIsStale, approvals.OrdersRefused) as error:
                return str(error)
        if outcome.status == Proposal.Status.APPROVED:
            return ""
    return "It still needs another approver."
