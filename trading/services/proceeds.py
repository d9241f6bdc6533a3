"""What the sales of a run brought by now: which of its buys still wait for them, and which cash is not there yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from portfolios.models import SecurityKind
from portfolios.selectors.execution import ExecutionTerms
from rebalancer.engine.money import ZERO, cents_up, times
from trading.lifecycle import TERMINAL, OrderStatus
from trading.models import Execution, Order, OrderTransition, RebalanceRun

Pair = tuple[int, int]
"""A run and an account."""


@dataclass(frozen=True, slots=True)
class Proceeds:
    """By run and account: whether sales have not ended, dollars that live fills brought, the day the last settles."""

    busy: Mapping[Pair, int] = field(default_factory=dict)
    """The first tier with sales that have not ended."""
    filled: Mapping[Pair, Decimal] = field(default_factory=dict)
    settle_on: Mapping[Pair, date] = field(default_factory=dict)

    def held_because(self, order: Order, today: date) -> str:
        """Why a buy waits for the sales of its account; empty if it need not."""
        pair = (order.run_id or 0, order.account_id or 0)
        if self.busy.get(pair, order.tier + 1) <= order.tier:
            return "Waits for the sales of this account, which pay for it."
        settles = self.settle_on.get(pair)
        if order.run and order.run.settlement == RebalanceRun.Settlement.NEXT_SESSION and settles and today < settles:
            return f"Waits until {settles:%A, %d %B}, when the proceeds of this account's sales settle."
        return ""


def proceeds_of(firm_id: int, orders: Sequence[Order], terms: ExecutionTerms, now: datetime) -> Proceeds:
    """The sales of the runs of these orders. A time limit for them counts from when each was released."""
    runs = {order.run_id for order in orders if order.run_id is not None}
    if not runs:
        return Proceeds()
    rows = Order.objects.for_firm(firm_id).filter(run__in=runs, side=Order.Side.SELL, role=Order.Role.ACCOUNT)
    waited_for = {
        pk: ((run_id, account_id), tier)
        for pk, run_id, account_id, tier in rows.exclude(status__in=TERMINAL).values_list(
            "id", "run_id", "account_id", "tier"
        )
    }
    if terms.sells_maximum_minutes is not None:
        for pk in _overdue(firm_id, list(waited_for), now - timedelta(minutes=terms.sells_maximum_minutes)):
            del waited_for[pk]
    filled: dict[Pair, Decimal] = defaultdict(Decimal)
    settle_on: dict[Pair, date] = {}
    fills = Execution.objects.for_firm(firm_id).filter(order__in=rows, is_live=True)
    names = ("order__run_id", "order__account_id", "quantity", "price", "settle_on")
    for run_id, account_id, quantity, price, settles in fills.values_list(*names):
        filled[run_id, account_id] += times(quantity, price)
        settle_on[run_id, account_id] = max(settles, settle_on.get((run_id, account_id), settles))
    busy: dict[Pair, int] = {}
    for pair, tier in waited_for.values():
        busy[pair] = min(tier, busy.get(pair, tier))
    return Proceeds(busy, filled, settle_on)


def expired_because(order: Order, approval_hours: int, now: datetime) -> str:
    """Why an order that was held is given up; empty while its approval is fresh."""
    if order.run is None or order.status != OrderStatus.HELD:
        return ""
    if now - order.run.created_at <= timedelta(hours=approval_hours):
        return ""
    approved = timezone.localtime(order.run.created_at)
    return (
        f"Not sent: it was held until its approval of {approved:%A, %d %B} was older than {approval_hours} hours. "
        "Scan again."
    )


def _overdue(firm_id: int, orders: Collection[int], since: datetime) -> set[int]:
    released = OrderTransition.objects.for_firm(firm_id).filter(order__in=orders, to_status=OrderStatus.READY)
    traded_by_day = released.exclude(order__security__kind=SecurityKind.MUTUAL_FUND)  # those are priced after the close
    return set(traded_by_day.filter(at__lte=since).values_list("order_id", flat=True))


def unspendable(
    orders: Sequence[Order], proceeds: Proceeds, unsettled: Mapping[int, Decimal], reserves: Mapping[int, Decimal]
) -> dict[Pair, Decimal]:
    """Dollars by run and account that its buys may not use: reserves, and what of the proceeds is not theirs yet.

    Buys of the same day leave a part of filled proceeds unspent; buys of the next session use nothing that has not
    settled.
    """
    kept: dict[Pair, Decimal] = {}
    for order in orders:
        if order.run is None:
            continue
        pair = (order.run.pk, order.holder_id)
        if order.run.settlement == RebalanceRun.Settlement.NEXT_SESSION:
            held_back = max(ZERO, unsettled.get(order.holder_id, ZERO))
        else:
            held_back = cents_up(proceeds.filled.get(pair, ZERO) * order.run.haircut)
        kept[pair] = reserves.get(order.holder_id, ZERO) + held_back
    return kept
