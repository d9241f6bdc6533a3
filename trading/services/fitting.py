"""Buys as large as the cash that is really there: the largest first, each whole, cut or given up with a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db.models import Q, Sum

from accounts.models import CashReserve
from portfolios.models import CashBalance, Position, SecurityKind
from rebalancer.engine.money import ZERO, cents
from trading.lifecycle import OrderStatus
from trading.models import Order, RebalanceRun
from trading.services.orders import BUY_WAVE
from trading.services.pretrade import Facts, cost
from trading.services.proceeds import Pair, Proceeds, unspendable

ONE = Decimal(1)
CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


@dataclass(slots=True)
class Fit:
    """What buys were cut or given up, to be written together."""

    cut: list[Order] = field(default_factory=list)
    given_up: dict[int, str] = field(default_factory=dict)
    """Sentences by order."""
    skipped: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """Entries by run."""

    def skip(self, order: Order, quantity: Decimal, reason: str, *, stands: bool) -> None:
        """Note shares that the run does not order; `stands` if the order keeps them and ends."""
        entry = {
            "symbol": order.security.symbol,
            "side": str(order.side),
            "quantity": f"{quantity.normalize():f}",
            "account_id": order.holder_id,
            "reason": reason,
        }
        self.skipped[order.run_id or 0].append(entry | {"order_id": order.pk} if stands else entry)

    def give_up(self, order: Order, why: str) -> None:
        """Note that the order is not sent at all; it ends and keeps its shares."""
        self.given_up[order.pk] = why
        self.skip(order, order.quantity, why, stands=True)

    def write(self, firm_id: int) -> None:
        """Store cut orders and what their runs skipped, in the caller's transaction that has the orders locked."""
        if self.cut:
            Order.objects.for_firm(firm_id).bulk_update(self.cut, ["quantity", "notional"])
        if self.skipped:
            runs = list(RebalanceRun.objects.for_firm(firm_id).select_for_update().filter(pk__in=self.skipped))
            for run in runs:
                run.skipped = [*run.skipped, *self.skipped[run.pk]]
            RebalanceRun.objects.for_firm(firm_id).bulk_update(runs, ["skipped"])


def fit_buys(firm_id: int, orders: Sequence[Order], facts: Facts, proceeds: Proceeds) -> Fit:
    """Fit the buys among these orders into the cash of their accounts; cut orders are changed in memory.

    Other waiting buys of the same run and account, which come in a later batch, keep their share by size.

    :returns: what changed; nothing is written
    """
    fit = Fit()
    ours = {order.pk: order for order in orders if order.wave == BUY_WAVE and order.account_id and order.run_id}
    if not ours:
        return fit
    waiting = [*ours.values(), *_later(firm_id, ours)]
    accounts = {order.holder_id for order in waiting}
    unsettled, reserves = _unsettled(firm_id, accounts), _reserves(firm_id, accounts, facts.today)
    kept = unspendable(waiting, proceeds, unsettled, reserves)
    spent: dict[int, Decimal] = defaultdict(Decimal)
    buffer = facts.limits.order_market_buffer_weight
    for order in sorted(waiting, key=lambda one: (-cost(one, buffer), one.pk)):
        pair: Pair = (order.run_id or 0, order.holder_id)
        free = facts.cash.get(order.holder_id, ZERO) - kept[pair] - spent[order.holder_id]
        _fit(order, free, buffer, fit if order.pk in ours else Fit())
        if order.pk not in fit.given_up:
            spent[order.holder_id] += cents(cost(order, buffer))
    return fit


def _fit(order: Order, free: Decimal, buffer: Decimal, fit: Fit) -> None:
    needed = cents(cost(order, buffer))
    if needed <= free:
        return
    wanted, quantity = order.quantity, _affordable(order, max(ZERO, free), needed)
    why = f"The account has ${max(ZERO, free):,.2f} for it, after its reserve; the order may take ${needed:,}."
    if quantity <= 0:
        fit.give_up(order, f"Not bought. {why}")
        return
    if order.notional is not None:
        order.notional = min(order.notional, free.quantize(CENT, ROUND_DOWN))
    order.quantity = quantity
    fit.cut.append(order)
    fit.skip(order, wanted - quantity, f"Bought less. {why}", stands=False)


def _affordable(order: Order, free: Decimal, needed: Decimal) -> Decimal:
    """Whole shares, or parts of one where the order names some."""
    step = ONE if order.quantity % 1 == 0 and order.notional is None else MICRO
    return (order.quantity * free / needed).quantize(step, ROUND_DOWN)


def _later(firm_id: int, ours: Mapping[int, Order]) -> Iterable[Order]:
    rows = Order.objects.for_firm(firm_id).filter(
        run__in={order.run_id for order in ours.values()},
        account__in={order.holder_id for order in ours.values()},
        wave=BUY_WAVE,
        status__in=(OrderStatus.STAGED, OrderStatus.HELD),
        pk__gt=max(ours),
    )
    return rows.select_related("run", "security").order_by("id")


def _unsettled(firm_id: int, accounts: set[int]) -> dict[int, Decimal]:
    rows = CashBalance.objects.for_firm(firm_id).filter(account__in=accounts)
    return dict(rows.values_list("account_id", "unsettled"))


def _reserves(firm_id: int, accounts: set[int], today: date) -> dict[int, Decimal]:
    """Dollars that each account keeps in cash beyond what is swept."""
    in_force = (Q(starts_on=None) | Q(starts_on__lte=today)) & (Q(ends_on=None) | Q(ends_on__gte=today))
    rows = CashReserve.objects.for_firm(firm_id).filter(in_force, account__in=accounts).order_by("account_id")
    found = dict(rows.values_list("account_id").annotate(sum=Sum("amount")))
    if found:
        swept = Position.objects.for_firm(firm_id).filter(account__in=found, security__kind=SecurityKind.SWEEP)
        for account_id, dollars in swept.values_list("account_id", "quantity"):
            found[account_id] = max(ZERO, found[account_id] - dollars)
    return found
