"""May a cash account sell this now? Regulation T, 12 CFR 220.8, and what brokers make of it.

What was bought with proceeds that have not settled is not sold before they have (good-faith violation); what nothing
has paid for is not sold to pay for itself (free riding); selling something else to pay for it late is a cash
liquidation, of which a person should know.
"""

from __future__ import annotations

from rebalancer.engine.settlement_rules import Violation
from trading.models import Order
from trading.services.pretrade import Facts
from trading.services.rules.findings import Finding, Severity, buys
from trading.services.unsettled import Purchase


def paid_for(order: Order, facts: Facts) -> Finding:
    """No sale of what is locked; the release holds such a sale before it is checked."""
    why = locked_because(order, facts)
    return Finding("PAID_FOR", not why, why or "Nothing that it sells waits to be paid for.", {})


def pays_nothing_late(order: Order, facts: Facts) -> Finding:
    """A sale does not pay for another security's purchase of an earlier day."""
    found = [] if buys(order) else facts.unsettled.unpaid(order.holder_id, before=facts.today)
    others = [one for one in found if one.symbol != order.security.symbol]
    if not others:
        return Finding("CASH_LIQUIDATION", True, "The sale pays for no earlier purchase.", {})
    sentence = (
        f"${others[0].unpaid:,.2f} of the purchase of {others[0].symbol} on {_day(others[0])} is not paid; a sale that "
        "pays for it is a cash liquidation."
    )
    numbers = {"unpaid": f"{others[0].unpaid:f}", "violation": Violation.CASH_LIQUIDATION.value}
    return Finding("CASH_LIQUIDATION", False, sentence, numbers, Severity.NEEDS_NOTE)


def locked_because(order: Order, facts: Facts) -> str:
    """Why a sale waits for what it sells to be paid for; empty if it need not. A block's order has no purchases."""
    if order.account_id is None or buys(order):
        return ""
    lots = [lot for lot, _ in facts.named.get(order.pk, ())]
    locked = facts.unsettled.locked(order.account_id, order.security.symbol, lots)
    if not locked:
        return ""
    unpaid = next((one for one in locked if one.unpaid), None)
    if unpaid is not None:
        return (
            f"Waits until {unpaid.symbol}, bought on {_day(unpaid)}, is paid for: ${unpaid.unpaid:,.2f} are missing. "
            "Selling it before would be free riding."
        )
    last = max(locked, key=lambda one: one.sellable_on)
    return (
        f"Waits until {last.sellable_on:%A, %d %B}: {last.symbol}, bought on {_day(last)}, was paid with proceeds that "
        "settle then. Selling it before would be a good-faith violation."
    )


def _day(purchase: Purchase) -> str:
    return f"{purchase.bought_on:%A, %d %B}"
