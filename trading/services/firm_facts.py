"""What the pre-trade checks know beyond the orders themselves: worth, volumes, what was sent, what was noted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from portfolios.models import Position, SecurityKind
from portfolios.selectors.quotes import Quote
from rebalancer.engine.calendars import moment_of
from rebalancer.engine.money import ZERO, times
from trading.lifecycle import AT_CUSTODIAN, OrderStatus
from trading.models import Order, PreTradeCheck

COUNTED = frozenset({OrderStatus.READY} | AT_CUSTODIAN)
"""States in which an order may still take cash, shares and lots."""
OLDEST_OPEN = timedelta(days=10)
"""An order for a day that was created before this is none of today's."""

Place = tuple[int, int]
Recent = Mapping[tuple[int, int, str], Sequence[tuple[int, int | None]]]


def positions_of(firm_id: int, accounts: Collection[int]) -> dict[Place, Decimal]:
    """Shares by account and security, without what is swept cash."""
    rows = Position.objects.for_firm(firm_id).filter(account_id__in=accounts).exclude(quantity=0)
    found = rows.exclude(security__kind=SecurityKind.SWEEP).values_list("account_id", "security_id", "quantity")
    return {(account_id, security_id): quantity for account_id, security_id, quantity in found}


def values_of(
    held: Mapping[Place, Decimal], quotes: Mapping[int, Quote], cash: Mapping[int, Decimal]
) -> dict[int, Decimal]:
    """Dollars by account: cash and what is priced; a holding without a price counts nothing."""
    values = defaultdict(Decimal, cash)
    for (account_id, security_id), quantity in held.items():
        quote = quotes.get(security_id)
        if quote is not None and quote.is_usable:
            values[account_id] += times(quantity, quote.close)
    return values


def working_of(firm_id: int, securities: Collection[int]) -> dict[tuple[int, str], Decimal]:
    """Shares that the firm's open orders may still trade, by security and side."""
    rows = Order.objects.for_firm(firm_id).filter(status__in=COUNTED, security_id__in=securities)
    ours = rows.filter(role=Order.Role.ACCOUNT).values_list("security_id", "side").order_by("security_id", "side")
    sums = ours.annotate(shares=Sum(F("quantity") - F("cum_quantity")))
    return {(security_id, side): shares for security_id, side, shares in sums}


def sent_today(firm_id: int, today: date) -> Decimal:
    """Dollars of the orders that left today or are about to, at their approved prices."""
    since = moment_of(datetime.combine(today, time()))
    young = Q(created_at__gte=since - OLDEST_OPEN, updated_at__gte=since, role=Order.Role.ACCOUNT)
    left = Q(status__in=COUNTED) | Q(cum_quantity__gt=0)
    amount = Coalesce(F("notional"), F("quantity") * F("reference_price"))
    found: Decimal | None = Order.objects.for_firm(firm_id).filter(young, left).aggregate(sum=Sum(amount))["sum"]
    return found or ZERO


def recent_of(firm_id: int, accounts: Collection[int], now: datetime, minutes: int) -> Recent:
    """(order, run) of what ended in so many minutes with shares filled, by account, security and side."""
    if not minutes:
        return {}
    found: dict[tuple[int, int, str], list[tuple[int, int | None]]] = defaultdict(list)
    since = now - timedelta(minutes=minutes)
    rows = Order.objects.for_firm(firm_id).filter(account_id__in=accounts, updated_at__gte=since, cum_quantity__gt=0)
    ended = rows.exclude(status__in=COUNTED).order_by("id")
    for row in ended.only("run_id", "account_id", "security_id", "side"):
        found[row.holder_id, row.security_id, row.side].append((row.pk, row.run_id))
    return found


def notes_about(
    firm_id: int, orders: Sequence[Order]
) -> tuple[Mapping[int, Mapping[str, PreTradeCheck]], Mapping[int, str]]:
    """Of held orders: the findings that have a note, by order and rule; and a finding that still waits for one."""
    noted: dict[int, dict[str, PreTradeCheck]] = defaultdict(dict)
    waiting: dict[int, str] = {}
    held = [order.pk for order in orders if order.status == OrderStatus.HELD]
    rows = PreTradeCheck.objects.for_firm(firm_id).filter(
        order_id__in=held, passed=False, severity=PreTradeCheck.Severity.NEEDS_NOTE
    )
    for row in rows.order_by("id") if held else ():
        if row.note:
            noted[row.order_id][row.rule] = row
        else:
            waiting.setdefault(row.order_id, f"Waits for a note: {row.sentence}")
    return noted, waiting
