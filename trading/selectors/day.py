"""What a day came to, for its summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from accounts.models import Account, Household
from portfolios.models import AccountSignal, Lot, ScanShard
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.drift import measure
from trading.models import Execution, Order, Proposal, ProposalAccount


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One firm's day. Drifts are fractions of account value, of the accounts that were in an approved proposal."""

    accounts: int
    lots: int
    scanned: int
    breached: int
    breached_unexplained: int
    proposals: int
    approved: int
    orders: int
    executions: int
    drift_before: tuple[float, ...]
    drift_after: tuple[float, ...]


def drifts(firm_id: int, *, as_of: date) -> Mapping[int, float]:
    """Every open account's drift as it stands now."""
    households = list(Household.objects.for_firm(firm_id).order_by("id").values_list("id", flat=True))
    loaded = load_book(firm_id, households, as_of=as_of, depth=Depth.LOSS_LOTS)
    found = measure(loaded.book)
    return dict(zip(loaded.account_ids.tolist(), found.drift_weight.tolist(), strict=True))


def day_figures(firm_id: int, *, scan_id: int, drift_after: Mapping[int, float]) -> DayFigures:
    """The figures of the day that one scan began."""
    signals = AccountSignal.objects.for_firm(firm_id).filter(scan_id=scan_id)
    breached = signals.filter(is_breached=True)
    proposals = Proposal.objects.for_firm(firm_id).filter(scan_id=scan_id)
    approved = proposals.filter(status=Proposal.Status.APPROVED)
    traded = ProposalAccount.objects.for_firm(firm_id).filter(proposal__in=approved).exclude(trades=[])
    traded_ids = set(traded.values_list("account_id", flat=True))
    before = signals.filter(account_id__in=traded_ids).order_by("account_id").values_list("drift_weight", flat=True)
    shards = ScanShard.objects.for_firm(firm_id).filter(scan_id=scan_id)
    return DayFigures(
        accounts=Account.objects.for_firm(firm_id).count(),
        lots=Lot.objects.for_firm(firm_id).filter(quantity__gt=0).count(),
        scanned=sum(shards.values_list("accounts_scanned", flat=True)),
        breached=breached.count(),
        breached_unexplained=breached.exclude(outcome="PROPOSED").filter(sentence="").count(),
        proposals=proposals.count(),
        approved=approved.count(),
        orders=Order.objects.for_firm(firm_id).filter(run__proposal__in=proposals).count(),
        executions=Execution.objects.for_firm(firm_id).filter(order__run__proposal__in=proposals).count(),
        drift_before=tuple(float(drift) for drift in before),
        drift_after=tuple(drift_after[account] for account in sorted(traded_ids)),
    )
