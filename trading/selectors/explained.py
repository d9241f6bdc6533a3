"""What went otherwise than planned with an order: what it means, what was undone, and what to do, in sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from portfolios.figures import moment_text, money_text, shares_text
from trading.lifecycle import OrderStatus
from trading.models import Execution, Order

MOST = 8
DAYS = timedelta(days=5)
"""Older ones are found by the filters."""
AGAIN = "If the account is out of its bands, the next scan proposes it again."
STOPPED = (OrderStatus.REJECTED, OrderStatus.DENIED, OrderStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Explained:
    """An order that somebody should know of."""

    id: int
    title: str
    status: str
    status_label: str
    account_name: str
    updated_at: datetime
    sentences: tuple[str, ...]


def needing_attention(firm_id: int, *, since: datetime, proposal_id: int | None = None) -> list[Explained]:
    """The latest orders that were refused, stopped, taken back or corrected, or of which nothing is known."""
    rows = Order.objects.for_firm(firm_id).filter(Q(status__in=STOPPED) | Q(needs_review=True))
    rows = rows.filter(updated_at__gte=since - DAYS)
    if proposal_id is not None:
        rows = rows.filter(run__proposal_id=proposal_id)
    related = rows.select_related("account", "security", "connection__custodian")
    orders = list(related.order_by("-updated_at", "-id")[:MOST])
    executions = executions_of(firm_id, orders)
    return [_explained(order, executions.get(order.pk, [])) for order in orders]


def executions_of(firm_id: int, orders: Sequence[Order]) -> Mapping[int, list[Execution]]:
    """By order, in order of execution."""
    found: dict[int, list[Execution]] = defaultdict(list)
    for row in Execution.objects.for_firm(firm_id).filter(order__in=orders).order_by("executed_at", "id"):
        found[row.order_id].append(row)
    return found


def explain(order: Order, executions: Sequence[Execution]) -> Iterator[str]:
    """Nothing for an order that went as planned. The order comes with its connection's custodian."""
    custodian = order.connection.custodian.name
    if order.status == OrderStatus.REJECTED:
        why = order.status_reason.rstrip(".")
        yield f"{custodian} refused the order. Its words: {why}. Nothing was traded and no lot was touched. {AGAIN}"
    if order.status == OrderStatus.DENIED:
        yield f"Our checks stopped it before it was sent: {order.status_reason} Nothing was traded. {AGAIN}"
    if order.status == OrderStatus.UNKNOWN:
        yield f"Whether it reached {custodian} is not known. It is being asked for, and never sent again blindly."
    known = {row.exec_id: row for row in executions}
    for row in executions:
        before = known.get(row.ref_exec_id)
        if row.kind == Execution.Kind.BUST:
            yield _bust(order, row, before, custodian)
        elif row.kind == Execution.Kind.CORRECT and before is not None:
            yield _correction(row, before, custodian)
    over = order.cum_quantity - order.quantity
    if over > 0:
        yield f"It filled {_shares(over)} more than were ordered. They are in the books; decide whether to keep them."
    if any(row.posted_at is None for row in executions):
        yield "A fill of it could not be booked: the books do not hold what it took. Compare with the custodian."


def _explained(order: Order, executions: Sequence[Execution]) -> Explained:
    return Explained(
        id=order.pk,
        title=f"{order.get_side_display()} {shares_text(order.quantity)} {order.security.symbol}",
        status=order.status,
        status_label=OrderStatus(order.status).label,
        account_name=order.account.name if order.account else "A block",
        updated_at=order.updated_at,
        sentences=tuple(explain(order, executions)) or (_otherwise(order),),
    )


def _otherwise(order: Order) -> str:
    return order.status_reason or "What the custodian says and what is on record differ: a person must look at it."


def _bust(order: Order, row: Execution, before: Execution | None, custodian: str) -> str:
    what = f"{_shares(row.quantity)} at {money_text(row.price, 2)}"
    when = f" from {moment_text(before.executed_at)}" if before else ""
    if order.side == Order.Side.SELL:
        undone = "The shares are back in the lots they came from, and the proceeds are out of the cash."
    else:
        undone = "The lot is closed again, and the cash is back."
    return f"{custodian} took back its fill of {what}{when} (a bust). {undone} {AGAIN}"


def _correction(row: Execution, before: Execution, custodian: str) -> str:
    now, was = (f"{_shares(one.quantity)} at {money_text(one.price, 2)}" for one in (row, before))
    return f"{custodian} corrected a fill: it is {now} and not {was}. Lots and cash follow."


def _shares(quantity: Decimal) -> str:
    return f"{shares_text(quantity)} share{'' if quantity == 1 else 's'}"
