"""The blotter: a firm's orders, newest first, and the story of one of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from portfolios.models import Disposal, Lot
from rebalancer.engine.calendars import moment_of
from rebalancer.engine.money import cents, times
from trading.lifecycle import AT_CUSTODIAN, TERMINAL, OrderStatus
from trading.models import Execution, Order, OrderCommand, OrderLot, OrderTransition, PreTradeCheck
from trading.selectors.explained import explain

FEW_EVENTS = 3
WAITING = (OrderStatus.STAGED, OrderStatus.HELD, OrderStatus.READY)

# key, label, which orders, tone, hint
STATES: Sequence[tuple[str, str, Q, str, str]] = (
    ("WAITING", "Waiting", Q(status__in=WAITING), "", "Not sent yet"),
    ("OPEN", "At the custodian", Q(status__in=AT_CUSTODIAN), "", "Sent and not ended"),
    ("FILLED", "Filled", Q(status=OrderStatus.FILLED), "", "Everything was traded"),
    (
        "ENDED",
        "Ended unfilled",
        Q(status__in=(OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REPLACED)),
        "",
        "Cancelled, expired or replaced",
    ),
    (
        "STOPPED",
        "Refused",
        Q(status__in=(OrderStatus.REJECTED, OrderStatus.DENIED)),
        "WARN",
        "Refused by the custodian or stopped by our checks",
    ),
    (
        "REVIEW",
        "To look at",
        Q(needs_review=True) | Q(status=OrderStatus.UNKNOWN),
        "BAD",
        "Something about it needs a person",
    ),
)


@dataclass(frozen=True, slots=True)
class OrderFilters:
    """What the blotter shows. `status` is the key of a state or an order status; empty means all."""

    status: str = ""
    search: str = ""
    proposal_id: int | None = None
    account_id: int | None = None
    side: str = ""
    connection_id: int | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders as the screens take them, the cursor of the next page, and how many there are in each state."""

    orders: list[dict[str, Any]]
    next_cursor: str | None
    total: int
    states: list[dict[str, Any]]


def open_orders(firm_id: int) -> int:
    """How many orders have not ended."""
    return Order.objects.for_firm(firm_id).exclude(status__in=TERMINAL).count()


def order_list(firm_id: int, *, filters: OrderFilters, after: str | None = None, limit: int = 50) -> OrderPage:
    """Orders that match, newest first, from a cursor on; a cursor that is none of ours begins at the top."""
    scope = _in_scope(firm_id, filters)
    states = _states(scope, filters.status)
    rows = scope.filter(_state(filters.status))
    total = rows.count()
    place = _place(after)
    if place:
        created_at, order_id = place
        rows = rows.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=order_id))
    related = rows.select_related("account__household", "connection__custodian", "security", "run")
    found = list(related.order_by("-created_at", "-id")[: limit + 1])
    page = found[:limit]
    events = _events(firm_id, page)
    settles = _settles(firm_id, page)
    return OrderPage(
        orders=[order_row(order, events[order.pk][:FEW_EVENTS], settles.get(order.pk)) for order in page],
        next_cursor=_cursor(page[-1]) if len(found) > limit else None,
        total=total,
        states=states,
    )


def orders_to_cancel(firm_id: int, *, filters: OrderFilters, limit: int) -> list[dict[str, Any]]:
    """Orders that match and have not ended, the latest first; what left in a block goes with the block's order."""
    rows = _in_scope(firm_id, filters).filter(_state(filters.status)).exclude(status__in=TERMINAL)
    alone = rows.exclude(~Q(block=None), role=Order.Role.ACCOUNT, status__in=AT_CUSTODIAN)
    related = alone.exclude(role=Order.Role.EXTERNAL).select_related(
        "account__household", "connection__custodian", "security", "run"
    )
    return [order_row(order, [], None) for order in related.order_by("-created_at", "-id")[:limit]]


def orders_for_file(firm_id: int, *, filters: OrderFilters, limit: int) -> Iterator[dict[str, Any]]:
    """Orders that match, the latest first, with what they cost besides."""
    rows = _in_scope(firm_id, filters).filter(_state(filters.status))
    related = rows.select_related("account__household", "connection__custodian", "security", "run")
    found = list(related.order_by("-created_at", "-id")[:limit])
    live = Execution.objects.for_firm(firm_id).filter(order__in=found, is_live=True)
    fees = dict(live.order_by("order_id").values_list("order_id").annotate(Sum("fees")))
    settles = _settles(firm_id, found)
    for order in found:
        head = order_row(order, [], settles.get(order.pk))
        number = order.account.number if order.account else ""
        yield {**head, "fees": fees.get(order.pk, Decimal(0)), "account_number": number, **_ids(order)}


def _ids(order: Order) -> dict[str, str]:
    return {
        "client_order_id": order.client_order_id,
        "custodian_order_id": order.custodian_order_id or order.broker_order_id,
    }


def order_story(firm_id: int, order_id: int) -> dict[str, Any] | None:
    """One order with everything that happened to it; nothing if the firm has no such order."""
    rows = Order.objects.for_firm(firm_id).filter(pk=order_id)
    order = rows.select_related("account__household", "security", "run", "connection__custodian").first()
    if order is None:
        return None
    executions = list(Execution.objects.for_firm(firm_id).filter(order=order).order_by("executed_at", "id"))
    fees = sum((execution.fees for execution in executions if execution.is_live), Decimal(0))
    head = order_row(order, _events(firm_id, [order])[order.pk], _settles(firm_id, [order]).get(order.pk))
    return {
        "order": {
            **head,
            **_ids(order),
            "proposal_id": order.run.proposal_id if order.run else None,
            "commission": Decimal(0),
            "fees": fees,
            "needs_review": order.needs_review,
            "cancel_pending": _is_cancel_pending(firm_id, order),
        },
        "executions": [_execution(execution) for execution in executions],
        "lots": _lots(firm_id, order, executions),
        "checks": _checks(firm_id, order),
        "explained": list(explain(order, executions)),
        "live": order.status not in TERMINAL,
    }


def _in_scope(firm_id: int, filters: OrderFilters) -> QuerySet[Order]:
    rows: QuerySet[Order] = Order.objects.for_firm(firm_id)
    if filters.proposal_id is not None:
        rows = rows.filter(run__proposal_id=filters.proposal_id)
    if filters.account_id is not None:
        rows = rows.filter(account_id=filters.account_id)
    if filters.side in Order.Side.values:
        rows = rows.filter(side=filters.side)
    if filters.connection_id is not None:
        rows = rows.filter(connection_id=filters.connection_id)
    if filters.day is not None:
        begins, ends = (moment_of(datetime.combine(filters.day, edge)) for edge in (time.min, time.max))
        rows = rows.filter(created_at__gte=begins, created_at__lte=ends)
    if filters.search:
        text = filters.search
        rows = rows.filter(
            Q(security__symbol__iexact=text)
            | Q(client_order_id__iexact=text)
            | Q(account__name__icontains=text)
            | Q(account__number__icontains=text)
            | Q(account__household__name__icontains=text)
        )
    return rows


def _state(key: str) -> Q:
    wanted = next((which for name, _, which, _, _ in STATES if name == key), None)
    if wanted is not None:
        return wanted
    return Q(status=key) if key in OrderStatus.values else Q()


def _states(scope: QuerySet[Order], active: str) -> list[dict[str, Any]]:
    counts = scope.aggregate(**{key: Count("id", filter=which) for key, _, which, _, _ in STATES})
    return [
        {
            "key": key,
            "label": label,
            "count": counts[key],
            "active": key == active,
            "tone": tone if counts[key] else "",
            "hint": hint,
        }
        for key, label, _, tone, hint in STATES
    ]


def _events(firm_id: int, orders: Sequence[Order]) -> Mapping[int, list[dict[str, Any]]]:
    """The moves of each order, latest first."""
    events: dict[int, list[dict[str, Any]]] = {order.pk: [] for order in orders}
    for move in OrderTransition.objects.for_firm(firm_id).filter(order__in=orders).order_by("-id"):
        to = OrderStatus(move.to_status)
        events[move.order_id].append(
            {
                "at": move.at,
                "from_label": OrderStatus(move.from_status).label if move.from_status else None,
                "to_label": to.label,
                "sentence": move.cause,
                "cause": "Custodian" if move.event_id else "Rebalancer",
                "cause_id": move.event_id,
                "by": None,
            }
        )
    return events


def _settles(firm_id: int, orders: Sequence[Order]) -> Mapping[int, Any]:
    """The day by which all of an order's fills have settled."""
    rows = Execution.objects.for_firm(firm_id).filter(order__in=orders, is_live=True)
    return dict(rows.order_by("order_id", "settle_on").values_list("order_id", "settle_on"))


def order_row(order: Order, events: list[dict[str, Any]], settles_on: Any) -> dict[str, Any]:
    status = OrderStatus(order.status)
    price = order.average_price or order.limit_price or order.reference_price
    quantity = order.cum_quantity or order.quantity
    return {
        "id": order.pk,
        "symbol": order.security.symbol,
        "name": order.security.name,
        "side": order.side,
        "quantity": order.quantity,
        "filled_quantity": order.cum_quantity,
        "order_type_label": order.get_kind_display(),
        "limit_price": order.limit_price,
        "notional": order.notional,
        "part_label": f"part {order.part} of {order.parts}" if order.parts > 1 else "",
        "average_price": order.average_price,
        "amount": cents(times(quantity, price)),
        **_whose(order),
        "status": status.value,
        "status_label": status.label,
        "status_sentence": order.status_reason or order.sub_status.replace("_", " ") or None,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "settles_on": settles_on,
        "events": events,
    }


def _whose(order: Order) -> dict[str, Any]:
    """Whose order it is; a block's is of all its accounts."""
    account = order.account
    return {
        "role": order.role,
        "run_id": order.run_id,
        "block_id": order.block_id,
        "account_id": order.account_id,
        "account_name": account.name if account else "Block of several accounts",
        "household_name": account.household.name if account else "",
        "custodian_name": order.connection.custodian.name,
    }


def _execution(execution: Execution) -> dict[str, Any]:
    dead = "" if execution.is_live or execution.kind == Execution.Kind.BUST else ", taken back"
    return {
        "at": execution.executed_at,
        "quantity": execution.quantity,
        "price": execution.price,
        "amount": cents(times(execution.quantity, execution.price)) if execution.gross is None else execution.gross,
        "execution_id": execution.exec_id,
        "kind_label": f"{execution.get_kind_display()}{dead}",
    }


def _lots(firm_id: int, order: Order, executions: Sequence[Execution]) -> list[dict[str, Any]]:
    """The named lots with what their sale brought, summed over postings and their reversals; a buy names none."""
    keys = Q()
    for execution in executions:
        keys |= Q(transaction__key__startswith=f"exec:{execution.pk}:")
    sold: dict[int, dict[str, Any]] = {}
    if executions and order.account_id is not None:
        disposals = Disposal.objects.for_firm(firm_id).filter(keys, transaction__account_id=order.account_id)
        sums = disposals.values("lot_id", "term").annotate(
            quantity_sold=Sum("quantity"), brought=Sum("proceeds"), basis=Sum("cost_basis"), gained=Sum("gain")
        )
        sold = {row["lot_id"]: dict(row) for row in sums.order_by("lot_id") if row["quantity_sold"]}
    names = OrderLot.objects.for_firm(firm_id).filter(order=order).select_related("lot").order_by("position")
    return [_lot(name.lot, name.quantity, sold.get(name.lot_id, {})) for name in names]


def _lot(lot: Lot, quantity: Decimal, sold: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lot_id": lot.lot_key,
        "acquired_on": lot.acquired_on,
        "quantity": sold.get("quantity_sold") or quantity,
        "cost_basis": sold.get("basis"),
        "proceeds": sold.get("brought"),
        "gain": sold.get("gained"),
        "term": sold.get("term"),
    }


def _checks(firm_id: int, order: Order) -> list[dict[str, Any]]:
    rows = PreTradeCheck.objects.for_firm(firm_id).filter(order=order).order_by("id")
    return [
        {
            "rule": row.rule,
            "passed": row.passed,
            "severity": "PASS" if row.passed else row.severity,
            "sentence": row.sentence,
            "numbers": row.numbers,
            "at": row.checked_at,
        }
        for row in rows
    ]


def _is_cancel_pending(firm_id: int, order: Order) -> bool:
    asked = OrderCommand.objects.for_firm(firm_id).filter(order=order, kind=OrderCommand.Kind.CANCEL)
    return order.status not in TERMINAL and asked.exclude(status=OrderCommand.Status.REFUSED).exists()


def _cursor(order: Order) -> str:
    return base64.urlsafe_b64encode(f"{order.created_at.isoformat()} {order.pk}".encode()).decode()


def _place(cursor: str | None) -> tuple[datetime, int] | None:
    try:
        moment, order_id = base64.urlsafe_b64decode(cursor or "").decode().split(" ")
        return datetime.fromisoformat(moment), int(order_id)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
