"""Pre-trade checks: each looks at one order and says what it found, with the numbers it looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.models import Account
from portfolios.models import Restriction
from rebalancer.engine.calendars import sessions_between
from rebalancer.engine.money import ZERO, cents, times
from trading.models import Order, PreTradeCheck, Proposal
from trading.services.pretrade import Facts, cost
from trading.services.stops import halted_because

PRICE_MAX_AGE_SESSIONS = 1
PRICE_COLLAR_WEIGHT = Decimal("0.05")
MINIMUM_NOTIONAL = Decimal("1.00")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found. `numbers` are what it compared, as text."""

    rule: str
    passed: bool
    sentence: str
    numbers: dict[str, str]


def account_open(order: Order, _facts: Facts) -> Finding:
    status = Account.Status(order.holder.status)
    sentence = f"{order.holder} is {status.label.lower()}."
    return Finding("ACCOUNT_OPEN", status == Account.Status.OPEN, sentence, {"status": status})


def proposal_approved(order: Order, facts: Facts) -> Finding:
    """The proposal stands approved, and by people who saw exactly this content."""
    if order.run is None:
        return Finding("PROPOSAL_APPROVED", False, "The order comes from no approved proposal.", {})
    proposal, run = order.run.proposal, order.run
    needed = 2 if proposal.needs_two else 1
    given = facts.approvals.get(proposal.pk, 0)
    unchanged = proposal.content_sha256 == run.content_sha256
    numbers = {"approvals": str(given), "needed": str(needed), "approved": run.content_sha256[:16]}
    if not unchanged:
        sentence = "The proposal changed after it was approved."
    elif given < needed:
        sentence = f"The proposal has {given} of {needed} approvals of this content."
    else:
        sentence = f"Approved by {run.approved_by}; the content is unchanged."
    passed = unchanged and given >= needed and proposal.status == Proposal.Status.APPROVED
    return Finding("PROPOSAL_APPROVED", passed, sentence, numbers)


def price_fresh(order: Order, facts: Facts) -> Finding:
    quote = facts.quotes.get(order.security_id)
    if quote is None:
        return Finding("PRICE_FRESH", False, f"There is no price for {order.security}.", {})
    age = sessions_between(quote.priced_on, facts.today)
    sentence = f"The price of {order.security} is of {quote.priced_on}, {age} sessions old."
    numbers = {"age_sessions": str(age), "limit": str(PRICE_MAX_AGE_SESSIONS), "close": f"{quote.close:f}"}
    return Finding("PRICE_FRESH", age <= PRICE_MAX_AGE_SESSIONS and quote.priced_on <= facts.today, sentence, numbers)


def price_collar(order: Order, _facts: Facts) -> Finding:
    """The limit stays near the price that was approved."""
    limit = order.limit_price or order.reference_price
    away = abs(limit / order.reference_price - 1)
    sentence = f"The limit ${limit:f} is {away:.2%} away from the approved price ${order.reference_price:f}."
    numbers = {"away_weight": f"{away:.6f}", "limit_weight": f"{PRICE_COLLAR_WEIGHT}"}
    return Finding("PRICE_COLLAR", away <= PRICE_COLLAR_WEIGHT, sentence, numbers)


def minimum_notional(order: Order, _facts: Facts) -> Finding:
    amount = cents(times(order.quantity, order.reference_price))
    sentence = f"The order is for ${amount:,}; the least a custodian takes is ${MINIMUM_NOTIONAL}."
    numbers = {"amount": str(amount), "minimum": str(MINIMUM_NOTIONAL)}
    return Finding("MINIMUM_NOTIONAL", amount >= MINIMUM_NOTIONAL, sentence, numbers)


def no_duplicate(order: Order, facts: Facts) -> Finding:
    others = facts.others(order, order.side)
    older = [other for other in others if other < order.pk]
    sentence = f"{len(older)} other open orders {order.get_side_display().lower()} {order.security} in this account."
    return Finding("DUPLICATE_ORDER", not older, sentence, {"orders": ", ".join(map(str, older))})


def no_opposite(order: Order, facts: Facts) -> Finding:
    """An account never stands on both sides of a security."""
    side = Order.Side.SELL if order.side == Order.Side.BUY else Order.Side.BUY
    others = facts.others(order, side)
    sentence = f"{len(others)} open orders of this account are on the other side of {order.security}."
    return Finding("OPPOSITE_ORDER", not others, sentence, {"orders": ", ".join(map(str, others))})


def not_restricted(order: Order, facts: Facts) -> Finding:
    kinds = {Restriction.Kind.NO_TRADE, Restriction.Kind.NO_BUY if _buys(order) else Restriction.Kind.NO_SELL}
    found = [rule for rule in facts.restrictions if rule.kind in kinds and _covers(rule, order)]
    if not found:
        return Finding("RESTRICTED", True, f"No restriction covers {order.security} here.", {})
    sentence = f"{found[0].get_kind_display()} of {order.security}: {found[0].reason}"
    return Finding("RESTRICTED", False, sentence[:300], {"restriction": str(found[0].pk)})


def shares_there(order: Order, facts: Facts) -> Finding:
    """Nothing is sold short: what open sales have not taken covers the order, and so do its named lots."""
    if _buys(order):
        return Finding("SHARES_THERE", True, "A buy needs no shares.", {})
    free = facts.shares.get((order.holder_id, order.security_id), ZERO)
    short = [lot for lot, quantity in facts.named.get(order.pk, ()) if facts.lots.get(lot, ZERO) < quantity]
    sentence = (
        f"The order sells {order.quantity.normalize():f} of {free.normalize():f} free shares of {order.security}."
    )
    if short:
        sentence += f" {len(short)} of its named lots no longer hold their shares."
    numbers = {"free": f"{free:f}", "order": f"{order.quantity:f}", "short_lots": ", ".join(map(str, short))}
    return Finding("SHARES_THERE", order.quantity <= free and not short, sentence, numbers)


def buying_power(order: Order, facts: Facts) -> Finding:
    """Settled cash, filled sales and what open buys leave must cover the order at its limit."""
    if not _buys(order):
        return Finding("BUYING_POWER", True, "A sale needs no cash.", {})
    free, needed = facts.cash.get(order.holder_id, ZERO), cents(cost(order))
    sentence = f"The order may take ${needed:,} and the account has ${free:,.2f} that no other order may use."
    return Finding("BUYING_POWER", needed <= free, sentence, {"free": f"{free:.2f}", "needed": f"{needed}"})


def not_halted(order: Order, facts: Facts) -> Finding:
    why = halted_because(order, facts.stops)
    return Finding("TRADING_HALT", not why, why or "No halt is in force.", {})


RULES: Sequence[Callable[[Order, Facts], Finding]] = (
    account_open,
    proposal_approved,
    price_fresh,
    price_collar,
    minimum_notional,
    no_duplicate,
    no_opposite,
    not_restricted,
    shares_there,
    buying_power,
    not_halted,
)


def check(order: Order, facts: Facts) -> list[Finding]:
    """Every rule's finding, in the order of the table."""
    return [rule(order, facts) for rule in RULES]


def rows(order: Order, findings: Sequence[Finding], at: datetime) -> list[PreTradeCheck]:
    """What is stored of the findings."""
    return [
        PreTradeCheck(
            order=order,
            rule=finding.rule,
            passed=finding.passed,
            severity=PreTradeCheck.Severity.INFO if finding.passed else PreTradeCheck.Severity.BLOCK,
            sentence=finding.sentence[:300],
            numbers=finding.numbers,
            checked_at=at,
        )
        for finding in findings
    ]


def _buys(order: Order) -> bool:
    return order.side == Order.Side.BUY


def _covers(rule: Restriction, order: Order) -> bool:
    scopes = (
        (rule.account_id, order.holder_id),
        (rule.household_id, order.holder.household_id),
        (rule.security_id, order.security_id),
        (rule.asset_class_id, order.security.asset_class_id),
    )
    return all(wanted in {None, ours} for wanted, ours in scopes)
