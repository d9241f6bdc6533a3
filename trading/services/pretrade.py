"""What the pre-trade checks look at, read once for a batch of orders and kept up to date as orders pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from portfolios.models import CashBalance, Lot, Restriction, SecurityKind
from portfolios.selectors.execution import execution_terms
from portfolios.selectors.guards import Limits, guard_limits
from portfolios.selectors.market_rules import Terms, fund_terms, tick_sizes
from portfolios.selectors.quotes import Quote, newest_quotes, newest_volumes
from rebalancer.engine.money import ZERO, times
from trading.lifecycle import TERMINAL
from trading.models import Approval, Order, OrderLot, PreTradeCheck
from trading.services.firm_facts import (
    COUNTED,
    Place,
    Recent,
    notes_about,
    positions_of,
    recent_of,
    sent_today,
    values_of,
    working_of,
)
from trading.services.run_totals import differences
from trading.services.stops import Stops, stops_in_force
from trading.services.unsettled import Unsettled, unsettled_of


@dataclass(frozen=True, slots=True)
class Open:
    """Another order for the same account and security that has not ended."""

    order_id: int
    side: str
    run_id: int | None


@dataclass(slots=True)
class Facts:
    """A batch's accounts as they stand now, less what open orders will use. Amounts in dollars."""

    today: date
    now: datetime
    limits: Limits
    quotes: Mapping[int, Quote]
    increments: Mapping[int, Decimal]
    """Steps of prices from a dollar on, by security; absent where it is the penny."""
    funds: Mapping[tuple[int, int | None], Terms]
    """Terms of mutual funds, by security and custodian."""
    approvals: Mapping[int, int]
    restrictions: Sequence[Restriction]
    stops: Stops
    cash: dict[int, Decimal]
    shares: dict[Place, Decimal]
    lots: dict[int, Decimal]
    named: Mapping[int, Sequence[tuple[int, Decimal]]]
    values: Mapping[int, Decimal]
    volumes: Mapping[int, int]
    working: dict[tuple[int, str], Decimal]
    """Shares that open orders of the firm may still trade, by security and side."""
    sent_today: Decimal
    recent: Recent
    """(order, run) of what was sent minutes ago and has ended, by account, security and side."""
    totals: Mapping[int, str]
    """How a run differs from what was approved; runs that do not are absent."""
    notes: Mapping[int, Mapping[str, PreTradeCheck]]
    """Findings of held orders about which a note was written, by order and rule."""
    unanswered: Mapping[int, str]
    """What held orders wait to have a note about."""
    unsettled: Unsettled
    open_orders: dict[Place, list[Open]] = field(default_factory=lambda: defaultdict(list))

    def take(self, order: Order) -> None:
        """Set aside what a passing order may use; a block's order uses what its accounts' orders do."""
        if order.role == Order.Role.BLOCK:
            return
        self.sent_today += amount_of(order)
        side = (order.security_id, str(order.side))
        self.working[side] = self.working.get(side, ZERO) + order.quantity - order.cum_quantity
        self.set_aside(order)

    def set_aside(self, order: Order) -> None:
        """What an order of the account may still take is no other order's."""
        place = (order.holder_id, order.security_id)
        if order.side == Order.Side.BUY:
            self.cash[order.holder_id] = self.cash.get(order.holder_id, ZERO) - cost(
                order, self.limits.order_market_buffer_weight
            )
        else:
            self.shares[place] = self.shares.get(place, ZERO) - (order.quantity - order.cum_quantity)
            for lot_id, quantity in unused(self.named.get(order.pk, ()), order.cum_quantity):
                self.lots[lot_id] = self.lots.get(lot_id, ZERO) - quantity

    def others(self, order: Order, side: str) -> list[Open]:
        """Orders of the account in the same security on that side, other than this one."""
        place = (order.holder_id, order.security_id)
        return [other for other in self.open_orders[place] if other.side == side and other.order_id != order.pk]


def amount_of(order: Order) -> Decimal:
    """Dollars, at the price that was approved."""
    return order.notional if order.notional is not None else times(order.quantity, order.reference_price)


def cost(order: Order, buffer_weight: Decimal = ZERO) -> Decimal:
    """The most cash that the open part of a buy may take; a market order that names shares may cost a buffer more."""
    if order.notional is not None:
        return order.notional - times(order.cum_quantity, order.average_price or ZERO)
    if order.limit_price is not None:
        return times(order.quantity - order.cum_quantity, order.limit_price)
    return times(order.quantity - order.cum_quantity, order.reference_price) * (1 + buffer_weight)


def unused(named: Iterable[tuple[int, Decimal]], filled: Decimal) -> Iterable[tuple[int, Decimal]]:
    """The named lots after the first `filled` shares of them."""
    for lot_id, quantity in named:
        taken = min(quantity, filled)
        filled -= taken
        if quantity > taken:
            yield lot_id, quantity - taken


def facts_for(firm_id: int, orders: Sequence[Order], *, now: datetime) -> Facts:
    """Read what the checks of these orders need; the orders come with account, run and proposal loaded."""
    orders = [order for order in orders if order.account_id is not None]
    accounts = {order.holder_id for order in orders}
    securities = {order.security_id for order in orders}
    funds = sorted({one.security_id for one in orders if one.security.kind == SecurityKind.MUTUAL_FUND})
    today, limits = timezone.localdate(now), guard_limits(firm_id)
    neighbours = list(
        Order.objects.for_firm(firm_id).filter(account_id__in=accounts).exclude(status__in=TERMINAL).order_by("id")
    )
    held = positions_of(firm_id, accounts)
    quotes = newest_quotes(firm_id, sorted(securities | {security_id for _, security_id in held}))
    cash = _cash(firm_id, accounts)
    notes, unanswered = notes_about(firm_id, orders)
    facts = Facts(
        today=today,
        now=now,
        limits=limits,
        quotes=quotes,
        increments=tick_sizes(sorted(securities), on=today),
        funds=fund_terms(funds) if funds else {},
        approvals=_approvals(firm_id, orders),
        restrictions=_restrictions(firm_id, accounts, securities, today),
        stops=stops_in_force(firm_id),
        values=values_of(held, quotes, cash),
        cash=cash,
        shares=held,
        lots=dict(
            Lot.objects.for_firm(firm_id)
            .filter(account_id__in=accounts, security_id__in=securities)
            .values_list("id", "quantity")
        ),
        named=_named(firm_id, [order.pk for order in (*orders, *neighbours)]),
        volumes=newest_volumes(sorted(securities)),
        working=working_of(firm_id, securities),
        sent_today=sent_today(firm_id, today),
        recent=recent_of(firm_id, accounts, now, limits.order_repeat_minutes),
        totals=differences(firm_id, {run.pk: run for order in orders if (run := order.run) is not None}),
        notes=notes,
        unanswered=unanswered,
        unsettled=unsettled_of(
            firm_id,
            {order.holder_id for order in orders if order.side == Order.Side.SELL},
            today,
            execution_terms(firm_id).margin_accounts,
        ),
    )
    for other in neighbours:
        facts.open_orders[other.holder_id, other.security_id].append(Open(other.pk, other.side, other.run_id))
        if other.status in COUNTED:
            facts.set_aside(other)
    return facts


def _approvals(firm_id: int, orders: Sequence[Order]) -> Mapping[int, int]:
    """How many people approved each proposal with the content that its run was made from."""
    wanted = {run.proposal_id: run.content_sha256 for order in orders if (run := order.run) is not None}
    counts: dict[int, int] = defaultdict(int)
    rows = Approval.objects.for_firm(firm_id).filter(proposal_id__in=wanted, decision=Approval.Decision.APPROVE)
    for proposal_id, content in rows.values_list("proposal_id", "content_sha256"):
        counts[proposal_id] += content == wanted[proposal_id]
    return counts


def _restrictions(firm_id: int, accounts: set[int], securities: set[int], today: date) -> list[Restriction]:
    in_force = Q(expires_on=None) | Q(expires_on__gte=today)
    where = Q(account__in=accounts) | Q(account=None)
    rows = Restriction.objects.for_firm(firm_id).filter(in_force, where).order_by("id")
    return list(rows.filter(Q(security=None) | Q(security__in=securities)))


def _cash(firm_id: int, accounts: set[int]) -> dict[int, Decimal]:
    rows = CashBalance.objects.for_firm(firm_id).filter(account_id__in=accounts)
    return {row.account_id: row.settled + row.unsettled for row in rows}


def _named(firm_id: int, order_ids: Sequence[int]) -> Mapping[int, list[tuple[int, Decimal]]]:
    named: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
    rows = OrderLot.objects.for_firm(firm_id).filter(order_id__in=order_ids).order_by("order_id", "position")
    for order_id, lot_id, quantity in rows.values_list("order_id", "lot_id", "quantity"):
        named[order_id].append((lot_id, quantity))
    return named
