"""A second look at accounts whose first tier has ended: what is no longer needed is not sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from django.db.models import Q

from accounts.tenancy import TenantQuerySet
from portfolios.snapshots.standings import Standing, standings
from trading.lifecycle import TERMINAL
from trading.models import Order, ProposalAccount
from trading.services.construction.tiers import FIRST
from trading.services.hours import BEGUN
from trading.services.proceeds import Pair

WAITS = "Waits for the largest trades of this account; then it is looked at again."
MENDS_DRIFT = frozenset({"OVERWEIGHT", "UNDERWEIGHT"})
"""Of the engine's reasons for a trade, those that end with the drift."""


def busy_tiers(firm_id: int, orders: Iterable[Order]) -> frozenset[Pair]:
    """By run and account, of those of the orders that are of a later tier: where the first tier has not ended."""
    runs = {order.run_id for order in orders if order.tier > FIRST and order.run_id}
    if not runs:
        return frozenset()
    rows = _of_accounts(firm_id, runs).filter(tier=FIRST).exclude(status__in=TERMINAL)
    return frozenset(rows.order_by("run_id", "account_id").values_list("run_id", "account_id").distinct())


def tier_held_because(order: Order, busy: Collection[Pair]) -> str:
    """Why an order of a later tier waits; empty if it need not."""
    return WAITS if order.tier > FIRST and _pair(order) in busy else ""


def not_needed(firm_id: int, orders: Iterable[Order], today: date) -> dict[int, str]:
    """Look again at the accounts of orders that could leave now; sentences about those of a later tier not to be sent.

    Where an account is within its bands at every level, what is left to mend drift is not needed. One that has no
    target keeps its trades, and so does one of which a trade of a later tier has begun: it was looked at before, and
    what was sold then pays for what is bought.
    """
    later = [order for order in orders if order.tier > FIRST and order.run_id and order.account_id]
    begun = _begun(firm_id, {order.run_id for order in later}) if later else frozenset()
    left = [order for order in later if _pair(order) not in begun]
    if not left:
        return {}
    stand = standings(firm_id, sorted({order.holder.household_id for order in left}), today)
    reasons = _reasons(firm_id, left)
    return {
        order.pk: _sentence(stand[order.holder_id])
        for order in left
        if _is_within(stand.get(order.holder_id))
        and reasons.get((order.run_id or 0, order.holder_id, order.security.symbol, str(order.side))) in MENDS_DRIFT
    }


def _begun(firm_id: int, runs: Collection[int | None]) -> frozenset[Pair]:
    rows = _of_accounts(firm_id, runs).filter(tier__gt=FIRST)
    sent = rows.filter(Q(status__in=BEGUN) | Q(cum_quantity__gt=0))
    return frozenset(sent.order_by("run_id", "account_id").values_list("run_id", "account_id").distinct())


def _of_accounts(firm_id: int, runs: Collection[int | None]) -> TenantQuerySet[Order]:
    rows: TenantQuerySet[Order] = Order.objects.for_firm(firm_id).filter(run__in=runs, role=Order.Role.ACCOUNT)
    return rows


def _is_within(standing: Standing | None) -> bool:
    return standing is not None and standing.drift is not None and not standing.breached


def _sentence(standing: Standing) -> str:
    return (
        "Not needed any more: after its largest trades the account is within its bands, "
        f"{standing.drift or 0:.2%} away from its target at most."
    )


def _reasons(firm_id: int, orders: Sequence[Order]) -> dict[tuple[int, int, str, str], str]:
    """Why each trade was proposed, by run, account, symbol and side."""
    runs = {run.proposal_id: run.pk for order in orders if (run := order.run) is not None}
    rows = ProposalAccount.objects.for_firm(firm_id).filter(
        proposal__in=runs, account__in={order.holder_id for order in orders}
    )
    return {
        (runs[proposal_id], account_id, trade["symbol"], trade["side"]): trade["reason"]
        for proposal_id, account_id, trades in rows.values_list("proposal_id", "account_id", "trades")
        for trade in trades
    }


def _pair(order: Order) -> Pair:
    return order.run_id or 0, order.account_id or 0
