"""Is it too small, or large enough that a person should look at it?"""

from __future__ import annotations

from decimal import Decimal

from rebalancer.engine.money import ZERO, cents
from trading.models import Order
from trading.services.pretrade import Facts, amount_of
from trading.services.rules.findings import Finding, Severity


def minimum_notional(order: Order, facts: Facts) -> Finding:
    amount, least = cents(amount_of(order)), facts.limits.order_minimum_amount
    sentence = f"The order is for ${amount:,}; the least that is sent is ${least:,}."
    return Finding("MINIMUM_NOTIONAL", amount >= least, sentence, {"amount": str(amount), "minimum": str(least)})


def maximum_notional(order: Order, facts: Facts) -> Finding:
    amount, most = cents(amount_of(order)), facts.limits.order_maximum_amount
    passed = most is None or amount <= most
    sentence = f"The order is for ${amount:,}; {_most(most)}."
    return Finding("MAXIMUM_NOTIONAL", passed, sentence, {"amount": str(amount), "maximum": _text(most)})


def large_notional(order: Order, facts: Facts) -> Finding:
    amount, most = cents(amount_of(order)), facts.limits.order_note_amount
    passed = most is None or amount <= most
    sentence = f"The order is for ${amount:,}; above {_dollars(most)} somebody says why."
    numbers = {"amount": str(amount), "limit": _text(most)}
    return Finding("LARGE_ORDER", passed, sentence, numbers, Severity.NEEDS_NOTE)


def part_of_account(order: Order, facts: Facts) -> Finding:
    """How much of the account it moves; one whose worth is not known needs a person."""
    most, value = facts.limits.order_note_account_weight, facts.values.get(order.holder_id)
    if most is None or value is None or value <= 0:
        sentence = "No limit is set." if most is None else f"What {order.holder} is worth is not known."
        return Finding("PART_OF_ACCOUNT", most is None, sentence, {"limit": _text(most)}, Severity.NEEDS_NOTE)
    weight = amount_of(order) / value
    sentence = f"The order is {weight:.1%} of the account's ${value:,.2f}; above {most:.0%} somebody says why."
    numbers = {"weight": f"{weight:.6f}", "value": f"{value:.2f}", "limit": f"{most}"}
    return Finding("PART_OF_ACCOUNT", weight <= most, sentence, numbers, Severity.NEEDS_NOTE)


def part_of_volume(order: Order, facts: Facts) -> Finding:
    """All open orders of the firm on this side, against a usual day's volume; where that is not known, it says so."""
    most, volume = facts.limits.order_note_volume_weight, facts.volumes.get(order.security_id)
    if most is None or volume is None:
        sentence = "No limit is set." if most is None else f"The usual volume of {order.security} is not known."
        return Finding("PART_OF_VOLUME", True, sentence, {"limit": _text(most), "volume_shares": _text(volume)})
    shares = order.quantity + facts.working.get((order.security_id, order.side), ZERO)
    weight = shares / volume
    sentence = (
        f"With the firm's other orders it is {weight:.2%} of a day's volume of {order.security}; "
        f"above {most:.0%} somebody says why."
    )
    numbers = {"weight": f"{weight:.6f}", "shares": f"{shares:f}", "volume_shares": str(volume), "limit": f"{most}"}
    return Finding("PART_OF_VOLUME", weight <= most, sentence, numbers, Severity.NEEDS_NOTE)


def daily_notional(order: Order, facts: Facts) -> Finding:
    """What the firm sends in a day, this order included."""
    most, total = facts.limits.orders_daily_note_amount, cents(facts.sent_today + amount_of(order))
    passed = most is None or total <= most
    sentence = f"With this order the firm sends ${total:,} today; above {_dollars(most)} somebody says why."
    return Finding("DAILY_NOTIONAL", passed, sentence, {"total": str(total), "limit": _text(most)}, Severity.NEEDS_NOTE)


def count_a_minute(_order: Order, facts: Facts) -> Finding:
    """Never fails: its sender leaves an order that would be one too many where it is until the minute is over."""
    most = facts.limits.orders_a_minute
    sentence = f"The firm sends {most:,} orders a minute at most."
    return Finding("ORDERS_A_MINUTE", True, sentence, {"limit": str(most)}, Severity.INFO)


def _most(most: Decimal | None) -> str:
    return "no most is set" if most is None else f"the most that is sent is ${most:,}"


def _dollars(most: Decimal | None) -> str:
    return "no limit" if most is None else f"${most:,}"


def _text(number: Decimal | int | None) -> str:
    return "" if number is None else str(number)
