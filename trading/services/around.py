"""What locked orders refer to: each account, security, run and line is read once, however many orders name it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Prefetch, prefetch_related_objects

from accounts.models import Account
from trading.models import BrokerConnection, Order, Proposal, RebalanceRun


def load_around(firm_id: int, orders: Sequence[Order]) -> None:
    """Attach account, security, run with proposal, and line with custodian to the orders, five statements for all.

    Reading them joined to every order would send and build each of them as often as it is named.
    """
    proposals = Proposal.objects.for_firm(firm_id).defer("book", "settings")
    prefetch_related_objects(
        orders,
        Prefetch("account", Account.objects.for_firm(firm_id)),
        "security",
        Prefetch("run", RebalanceRun.objects.for_firm(firm_id).prefetch_related(Prefetch("proposal", proposals))),
        Prefetch("connection", BrokerConnection.objects.for_firm(firm_id).select_related("custodian")),
    )
