"""What a drill came to: the custodian's own record beside ours, and the rules that must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F

from accounts.tenancy import firm_scope
from trading.lifecycle import TERMINAL, OrderStatus
from trading.models import Execution, Order, OrderTransition
from trading.selectors.invariants import Breaches, breaches

Record = Mapping[str, Sequence[Mapping[str, Any]]]
"""What the custodian's operator is told: orders, executions and what is due."""

NEVER_LEFT = frozenset({OrderStatus.DENIED, OrderStatus.STAGED, OrderStatus.HELD, OrderStatus.READY})


@dataclass(frozen=True, slots=True)
class Beside:
    """Our orders and executions of a firm beside the custodian's.

    `duplicates` are orders at the custodian beyond the first with one client order id, and such that no order of ours
    stands for. `lost` are orders of ours that are neither there nor ended here. `differing` are orders whose filled
    quantity is not the custodian's, or that have ended on one side alone. `executions_missing` are the custodian's that
    we do not have, or have with other figures; `executions_invented` are ours that it does not have.
    """

    duplicates: int
    lost: int
    differing: int
    executions_missing: int
    executions_invented: int


STOPPED = "Trading is stopped: "
"""How an order says that a halt holds it."""


def beside(firm_ids: Sequence[int], record: Record) -> Beside:
    """Compare all orders and executions of these firms with everything the custodian has."""
    orders = [order for firm_id in firm_ids for order in _orders(firm_id)]
    executions = [execution for firm_id in firm_ids for execution in _executions(firm_id)]
    ours = {order.client_order_id: order for order in orders}
    theirs = {row["client_order_id"]: row for row in record["orders"]}
    counts = Counter(row["client_order_id"] for row in record["orders"])
    strangers = sum(name not in ours for name in counts)
    return Beside(
        duplicates=sum(count - 1 for count in counts.values()) + strangers,
        lost=sum(_is_lost(order) for name, order in ours.items() if name not in theirs),
        differing=sum(_differs(ours[name], row) for name, row in theirs.items() if name in ours),
        executions_missing=_missing(executions, record),
        executions_invented=len({row.exec_id for row in executions} - {row["id"] for row in record["executions"]}),
    )


def rules(firm_ids: Sequence[int]) -> dict[str, Any]:
    """The breaches of all firms, summed by rule."""
    found: list[Breaches] = []
    for firm_id in firm_ids:
        with firm_scope(firm_id):
            found.append(breaches(firm_id))
    return {name: sum((asdict(one)[name] for one in found), start=0) for name in asdict(found[0])}


def at_rest(firm_ids: Sequence[int], record: Record) -> bool:
    """Has everything ended on both sides, and do we have all that the custodian said?"""
    if record["due"] or any(row["is_open"] for row in record["orders"]):
        return False
    found = beside(firm_ids, record)
    still = [order for firm_id in firm_ids for order in _orders(firm_id) if order.status not in TERMINAL]
    return not (found.executions_missing or found.differing) and all(map(_is_explained, still))


def _is_explained(order: Order) -> bool:
    """Does it wait for a person: to look at it, or to lift the halt that holds it?"""
    return order.needs_review or (order.status == OrderStatus.HELD and order.status_reason.startswith(STOPPED))


def _orders(firm_id: int) -> list[Order]:
    with firm_scope(firm_id):
        return list(Order.objects.for_firm(firm_id).order_by("id"))


def _executions(firm_id: int) -> list[Execution]:
    with firm_scope(firm_id):
        return list(Execution.objects.for_firm(firm_id).order_by("id"))


def _is_lost(order: Order) -> bool:
    """An order that may have left, and is not there; a refusal leaves nothing there."""
    ended_here = order.status in TERMINAL and not order.cum_quantity
    return not (ended_here or order.status in NEVER_LEFT)


def _differs(order: Order, row: Mapping[str, Any]) -> bool:
    same = order.cum_quantity == Decimal(row["filled_quantity"])
    return not same or (not row["is_open"]) != (order.status in TERMINAL)


def _missing(executions: Sequence[Execution], record: Record) -> int:
    ours = {row.exec_id: row for row in executions}
    return sum(not _same(ours.get(row["id"]), row) for row in record["executions"])


def _same(ours: Execution | None, row: Mapping[str, Any]) -> bool:
    if ours is None:
        return False
    figures = (ours.quantity, ours.price) == (abs(Decimal(row["quantity"])), Decimal(row["price"]))
    return figures and ours.is_live == bool(row["is_live"])


def states(firm_ids: Sequence[int]) -> dict[str, int]:
    """How many orders stand where."""
    counts = Counter(order.status for firm_id in firm_ids for order in _orders(firm_id))
    return dict(sorted(counts.items()))


def befallen(firm_ids: Sequence[int], record: Record) -> dict[str, int]:
    """How often what was to go wrong did, by what it was."""
    kinds = Counter(row["kind"] for row in record["executions"])
    ends = Counter(row["status"] for row in record["orders"])
    unknown = overfilled = 0
    for firm_id in firm_ids:
        with firm_scope(firm_id):
            moves = OrderTransition.objects.for_firm(firm_id).filter(to_status=OrderStatus.UNKNOWN)
            unknown += moves.values("order_id").distinct().count()
            overfilled += Order.objects.for_firm(firm_id).filter(cum_quantity__gt=F("quantity")).count()
    return {
        "outcome_unknown": unknown,
        "overfilled": overfilled,
        "busted": kinds["bust"],
        "corrected": kinds["correct"],
        "rejected": ends["rejected"],
        "expired": ends["expired"],
    }


def in_flight(firm_id: int) -> int:
    """Orders of which it is not yet known whether they arrived."""
    with firm_scope(firm_id):
        rows = Order.objects.for_firm(firm_id).filter(status=OrderStatus.SUBMITTING)
        return rows.count()


def open_ids(firm_id: int) -> list[int]:
    """Orders that may still be cancelled, wherever they are."""
    with firm_scope(firm_id):
        rows = Order.objects.for_firm(firm_id).exclude(status__in=TERMINAL)
        return list(rows.order_by("id").values_list("id", flat=True))


def in_blocks(firm_id: int) -> frozenset[str]:
    """Client order ids of what leaves in blocks: what the custodian has under them are shares, not orders placed."""
    with firm_scope(firm_id):
        rows = Order.objects.for_firm(firm_id).filter(role=Order.Role.ACCOUNT).exclude(block=None)
        return frozenset(rows.values_list("client_order_id", flat=True))
