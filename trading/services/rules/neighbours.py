"""What else of the account is on its way?"""

from __future__ import annotations

from trading.models import Order
from trading.services.pretrade import Facts
from trading.services.rules.findings import Finding, Severity


def no_duplicate(order: Order, facts: Facts) -> Finding:
    """No older order does the same. Parts of one trade, and an order and the one it replaces, are not the same."""
    older = [
        other.order_id
        for other in facts.others(order, order.side)
        if other.order_id < order.pk and other.order_id != order.replaces_id and not _same_trade(order, other.run_id)
    ]
    sentence = f"{len(older)} other open orders {order.get_side_display().lower()} {order.security} in this account."
    return Finding("DUPLICATE_ORDER", not older, sentence, {"orders": ", ".join(map(str, older))})


def no_repeat(order: Order, facts: Facts) -> Finding:
    """No other run sent the same a moment ago: books that are not up to date yet would buy twice."""
    place = (order.holder_id, order.security_id, order.side)
    recent = [order_id for order_id, run_id in facts.recent.get(place, ()) if run_id != order.run_id]
    minutes = facts.limits.order_repeat_minutes
    sentence = f"{len(recent)} orders of other runs did the same in the last {minutes} minutes."
    numbers = {"orders": ", ".join(map(str, recent)), "minutes": str(minutes)}
    return Finding("REPEATED_ORDER", not recent, sentence, numbers, Severity.NEEDS_NOTE)


def no_opposite(order: Order, facts: Facts) -> Finding:
    """An account never stands on both sides of a security."""
    side = Order.Side.SELL if order.side == Order.Side.BUY else Order.Side.BUY
    others = [other.order_id for other in facts.others(order, side)]
    sentence = f"{len(others)} open orders of this account are on the other side of {order.security}."
    return Finding("OPPOSITE_ORDER", not others, sentence, {"orders": ", ".join(map(str, others))})


def _same_trade(order: Order, run_id: int | None) -> bool:
    return order.parts > 1 and order.run_id is not None and order.run_id == run_id
