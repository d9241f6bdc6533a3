"""What a run did not order, and what its terms cost, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import Account
from portfolios.policy_files import BuysPaidBy
from portfolios.selectors.execution import execution_terms
from rebalancer.engine.calendars import is_session, next_session
from rebalancer.engine.idle_cash import IdleCash, idle_cash
from rebalancer.engine.money import ZERO
from trading.models import RebalanceRun


def left_out(firm_id: int, proposal_id: int) -> list[dict[str, Any]]:
    """What was approved and not ordered, in the order it was left out: symbol, side, quantity, account, reason."""
    run = RebalanceRun.objects.for_firm(firm_id).filter(proposal=proposal_id).first()
    if run is None or not run.skipped:
        return []
    accounts = Account.objects.for_firm(firm_id).in_bulk({entry["account_id"] for entry in run.skipped})
    return [
        {
            "symbol": entry["symbol"],
            "side": entry["side"],
            "quantity": Decimal(entry["quantity"]),
            "account_name": str(accounts[entry["account_id"]]),
            "reason": entry["reason"],
        }
        for entry in run.skipped
    ]


def idle_sentence(firm_id: int, accounts: Iterable[Mapping[str, Any]], today: date) -> str:
    """What waiting for settlement costs if the trades leave in the next session; empty where buys do not wait.

    `accounts` are those of a proposal's page: their `trades` with side and amount, and their `value`.
    """
    terms = execution_terms(firm_id)
    shown = list(accounts)
    waits = sum((_waiting(account["trades"]) for account in shown), ZERO)
    value = sum((Decimal(account["value"]) for account in shown), ZERO)
    if terms.settlement is not BuysPaidBy.NEXT_SESSION or waits <= 0 or value <= 0:
        return ""
    sold_on = today if is_session(today) else next_session(today)
    return _said(idle_cash(waits, sold_on=sold_on, rate=terms.idle_cash_rate, value=value))


def _waiting(trades: Iterable[Mapping[str, Any]]) -> Decimal:
    """Dollars of an account's buys that its sales pay for."""
    sums = {"BUY": ZERO, "SELL": ZERO}
    for trade in trades:
        sums[trade["side"]] += Decimal(trade["amount"])
    return min(sums.values())


def _said(idle: IdleCash) -> str:
    days = f"{idle.days} day{'s' if idle.days != 1 else ''}"
    return (
        f"Buys wait for settled proceeds: ${idle.amount:,.2f} of sales of {idle.sold_on:%A, %d %B} buy on "
        f"{idle.buys_on:%A, %d %B}. {days} idle at {idle.rate:.2%} a year cost about ${idle.cost:,} "
        f"({idle.cost_bps:.2f} bp)."
    )
