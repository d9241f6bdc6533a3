"""Is there a price to trade at? What is not known stops an order."""

from __future__ import annotations

from rebalancer.engine.calendars import sessions_between
from trading.models import Order
from trading.services.pretrade import Facts
from trading.services.rules.findings import Finding


def price_fresh(order: Order, facts: Facts) -> Finding:
    """There is a price above zero, and it is not old. A missing, zero or undefined one fails closed."""
    quote = facts.quotes.get(order.security_id)
    if quote is None or not quote.is_usable:
        known = "no" if quote is None else "no usable"
        return Finding("PRICE_FRESH", False, f"There is {known} price for {order.security}.", {})
    age, limit = sessions_between(quote.priced_on, facts.today), facts.limits.order_price_maximum_sessions
    sentence = f"The price of {order.security} is of {quote.priced_on}, {age} sessions old."
    numbers = {"age_sessions": str(age), "limit": str(limit), "close": f"{quote.close:f}"}
    return Finding("PRICE_FRESH", age <= limit and quote.priced_on <= facts.today, sentence, numbers)


def price_collar(order: Order, facts: Facts) -> Finding:
    """The limit stays near the price that was approved."""
    if not (order.reference_price.is_finite() and order.reference_price > 0):
        return Finding("PRICE_COLLAR", False, "The approved price is not above zero.", {})
    limit = order.limit_price or order.reference_price
    away = abs(limit / order.reference_price - 1)
    sentence = f"The limit ${limit:f} is {away:.2%} away from the approved price ${order.reference_price:f}."
    numbers = {"away_weight": f"{away:.6f}", "limit_weight": f"{facts.limits.order_collar_weight}"}
    return Finding("PRICE_COLLAR", away <= facts.limits.order_collar_weight, sentence, numbers)
