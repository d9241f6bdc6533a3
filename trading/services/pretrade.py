"""What the pre-trade checks look at, read once for a batch of orders and kept up to date as orders pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Q

from portfolios.models import CashBalance, Lot, Position, Restriction
from portfolios.selectors.quotes import Quote, newest_quotes
from rebalancer.engine.money import ZERO, times
from trading.lifecycle import AT_CUSTODIAN, TERMINAL, OrderStatus
from trading.models import Approval, Order, OrderLot
from trading.services.stops import Stops, stops_in_force

COUNTED = frozenset({OrderStatus.READY} | AT_CUSTODIAN)
"""States in which an order may still take cash, shares and lots."""

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Open:
    """Another order for the same account and security that has not ended."""

    order_id: int
    side: str


@dataclass(slots=True)
class Facts:
    """A batch's accounts as they stand now, less what open orders will use. Amounts in dollars."""

    today: date
    quotes: Mapping[int, Quote]
    approvals: Mapping[int, int]
    restrictions: Sequence[Restriction]
    stops: Stops
    cash: dict[int, Decimal]
    shares: dict[Place, Decimal]
    lots: dict[int, Decimal]
    named: Mapping[int, Sequence[tuple[int, Decimal]]]
    open_orders: dict[Place, list[Open]] = field(default_factory=lambda: defaultdict(list))

    def take(self, order: Order) -> None:
        """Set aside what a passing order may use."""
        place = (order.holder_id, order.security_id)
        if order.side == Order.Side.BUY:
            self.cash[order.holder_id] = self.cash.get(order.holder_id, ZERO) - cost(order)
        else:
            self.shares[place] = self.shares.get(place, ZERO) - (order.quantity - order.cum_quantity)
            for lot_id, quantity in unused(self.named.get(order.pk, ()), order.cum_quantity):
                self.lots[lot_id] = self.lots.get(lot_id, ZERO) - quantity

    def others(self, order: Order, side: str) -> list[int]:
        """Orders of the account in the same security on that side, other than this one."""
        place = (order.holder_id, order.security_id)
        return [
            other.order_id for other in self.open_orders[place] if other.side == side and other.order_id != order.pk
        ]


def cost(order: Order) -> Decimal:
    """The most cash that the open part of a buy may take."""
    return times(order.quantity - order.cum_quantity, order.limit_price or order.reference_price)


def unused(named: Iterable[tuple[int, Decimal]], filled: Decimal) -> Iterable[tuple[int, Decimal]]:
    """The named lots after the first `filled` shares of them."""
    for lot_id, quantity in named:
        taken = min(quantity, filled)
        filled -= taken
        if quantity > taken:
            yield lot_id, quantity - taken


def facts_for(firm_id: int, orders: Sequence[Order], *, today: date) -> Facts:
    """Read what the checks of these orders need; the orders come with account, run and proposal loaded."""
    accounts = {order.holder_id for order in orders}
    securities = {order.security_id for order in orders}
    neighbours = list(
        Order.objects.for_firm(firm_id).filter(account_id__in=accounts).exclude(status__in=TERMINAL).order_by("id")
    )
    facts = Facts(
        today=today,
        quotes=newest_quotes(firm_id, sorted(securities)),
        approvals=_approvals(firm_id, orders),
        restrictions=_restrictions(firm_id, accounts, securities, today),
        stops=stops_in_force(firm_id),
        cash=_cash(firm_id, accounts),
        shares={
            (row.account_id, row.security_id): row.quantity
            for row in Position.objects.for_firm(firm_id).filter(account_id__in=accounts, security_id__in=securities)
        },
        lots=dict(
            Lot.objects.for_firm(firm_id)
            .filter(account_id__in=accounts, security_id__in=securities)
            .values_list("id", "quantity")
        ),
        named=_named(firm_id, [order.pk for order in (*orders, *neighbours)]),
    )
    for other in neighbours:
        facts.open_orders[other.holder_id, other.security_id].append(Open(other.pk, other.side))
        if other.status in COUNTED:
            facts.take(other)
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
