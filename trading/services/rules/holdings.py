"""May this account trade this security, and has it what the order takes?"""

from __future__ import annotations

from portfolios.models import Restriction, SecurityKind
from rebalancer.engine.money import ZERO, cents
from trading.connections import takes_parts
from trading.models import Order
from trading.services.pretrade import Facts, cost
from trading.services.rules.findings import Finding, buys


def not_restricted(order: Order, facts: Facts) -> Finding:
    kinds = {Restriction.Kind.NO_TRADE, Restriction.Kind.NO_BUY if buys(order) else Restriction.Kind.NO_SELL}
    found = [rule for rule in facts.restrictions if rule.kind in kinds and _covers(rule, order)]
    if not found:
        return Finding("RESTRICTED", True, f"No restriction covers {order.security} here.", {})
    sentence = f"{found[0].get_kind_display()} of {order.security}: {found[0].reason}"
    return Finding("RESTRICTED", False, sentence[:300], {"restriction": str(found[0].pk)})


def tradable(order: Order, _facts: Facts) -> Finding:
    """A sweep fund is cash: nobody orders it. Parts of a share go only where security and custodian take them."""
    security, line = order.security, order.connection
    numbers = {"quantity": f"{order.quantity.normalize():f}", "fractionable": str(security.is_fractionable)}
    if security.kind == SecurityKind.SWEEP:
        return Finding("TRADABLE", False, f"{security} is where cash is swept; it is not ordered.", numbers)
    if order.quantity % 1 == 0 or order.notional is not None or security.kind == SecurityKind.MUTUAL_FUND:
        return Finding("TRADABLE", True, f"{security} is traded in this quantity.", numbers)
    if not security.is_fractionable:
        return Finding("TRADABLE", False, f"{security} is traded in whole shares only.", numbers)
    if not takes_parts(line.adapter, line.capabilities):
        return Finding("TRADABLE", False, f"{line.custodian.name} takes whole shares only.", numbers)
    return Finding("TRADABLE", True, f"{security} is traded in parts of a share here.", numbers)


def shares_there(order: Order, facts: Facts) -> Finding:
    """Nothing is sold short: what open sales have not taken covers the order, and so do its named lots."""
    if buys(order):
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
    """Settled cash, filled sales and what open buys leave must cover the order at its limit, or with a buffer."""
    if not buys(order):
        return Finding("BUYING_POWER", True, "A sale needs no cash.", {})
    free, needed = facts.cash.get(order.holder_id, ZERO), cents(cost(order, facts.limits.order_market_buffer_weight))
    sentence = f"The order may take ${needed:,} and the account has ${free:,.2f} that no other order may use."
    return Finding("BUYING_POWER", needed <= free, sentence, {"free": f"{free:.2f}", "needed": f"{needed}"})


def _covers(rule: Restriction, order: Order) -> bool:
    scopes = (
        (rule.account_id, order.holder_id),
        (rule.household_id, order.holder.household_id),
        (rule.security_id, order.security_id),
        (rule.asset_class_id, order.security.asset_class_id),
    )
    return all(wanted in {None, ours} for wanted, ours in scopes)
