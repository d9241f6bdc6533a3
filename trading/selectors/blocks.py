"""Blocks as pages show them: who got what by which statement, and whether accounts were treated alike."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from accounts.models import Registration
from rebalancer.engine.calendars import moment_of
from rebalancer.engine.money import ZERO, cents, times
from trading.models import Allocation, AllocationInstruction, Block, Execution, Order

MOST = 200
BASIS_POINTS = 10_000
ROUNDING_BP = Decimal("0.1")
"""Prices no farther apart than this differ by the cents that cannot be shared."""


def block_list(firm_id: int) -> list[dict[str, Any]]:
    """The latest blocks, newest first."""
    rows = Block.objects.for_firm(firm_id).select_related("security", "custodian")
    found = list(rows.order_by("-created_at", "-id")[:MOST])
    sums = {row["block_id"]: row for row in _sums(firm_id, found)}
    nobody = {"accounts": 0, "asked": ZERO, "given": ZERO, "dollars": None}
    return [{**_head(row), **sums.get(row.pk, nobody)} for row in found]


def _sums(firm_id: int, blocks: Sequence[Block]) -> list[dict[str, Any]]:
    rows = Allocation.objects.for_firm(firm_id).filter(block__in=blocks).values("block_id")
    sums = rows.order_by("block_id").annotate(
        accounts=Count("id"), asked=Sum("requested_quantity"), given=Sum("allocated_quantity"), dollars=Sum("amount")
    )
    return [dict(row) for row in sums]


def block_story(firm_id: int, block_id: int) -> dict[str, Any] | None:
    """One block with its statement, its accounts' shares and every instruction; nothing if the firm has no such."""
    row = Block.objects.for_firm(firm_id).select_related("security", "custodian").filter(pk=block_id).first()
    if row is None:
        return None
    shares = Allocation.objects.for_firm(firm_id).filter(block=row).select_related("account__household", "order")
    instructions = list(AllocationInstruction.objects.for_firm(firm_id).filter(block=row).order_by("-revision"))
    street = Order.objects.for_firm(firm_id).filter(block=row, role=Order.Role.BLOCK).first()
    said = json.loads(row.statement or "{}")
    return {
        "head": {**_head(row), **_asked(row)},
        "street": street,
        "filled": street.cum_quantity if street else ZERO,
        "statement": said | {name: Decimal(said[name]) for name in ("quantity", "unit", "least") if name in said},
        "statement_text": row.statement,
        "statement_sha256": row.statement_sha256,
        "shares": [_share(share, row) for share in shares.order_by("account__household__name", "account__number")],
        "instructions": instructions,
        "newest": instructions[0] if instructions else None,
    }


def _head(row: Block) -> dict[str, Any]:
    return {
        "id": row.pk,
        "symbol": row.security.symbol,
        "name": row.security.name,
        "side": row.side,
        "custodian_name": row.custodian.name,
        "window": row.window,
        "status": row.status,
        "status_label": row.get_status_display(),
        "created_at": row.created_at,
        "allocated_at": row.allocated_at,
        "acknowledged_at": row.acknowledged_at,
    }


def _asked(row: Block) -> dict[str, Any]:
    return {
        "deviation_reason": row.deviation_reason,
        "deviation_asked_by": row.deviation_asked_by,
        "deviation_approved_by": row.deviation_approved_by,
        "is_asked": bool(row.deviation) and not row.deviation_approved_by,
    }


def _share(share: Allocation, row: Block) -> dict[str, Any]:
    asked = row.deviation.get(share.order.client_order_id)
    return {
        "account_id": share.account_id,
        "account_name": share.account.name,
        "household_name": share.account.household.name,
        "order_id": share.order_id,
        "client_order_id": share.order.client_order_id,
        "status": share.order.status,
        "status_label": share.order.get_status_display(),
        "requested": share.requested_quantity,
        "allocated": share.allocated_quantity,
        "amount": share.amount,
        "booked": share.order.cum_quantity,
        "asked": Decimal(asked) if asked is not None else ZERO,
    }


@dataclass(frozen=True, slots=True)
class Fairness:
    """What accounts got of the same security, side and day; the most unequal first. `kinds` sums by registration."""

    rows: list[dict[str, Any]]
    kinds: list[dict[str, Any]]


@dataclass(slots=True)
class _Got:
    """What one account asked for and got of a security on one side in a day."""

    account: str
    kind: str
    asked: Decimal = ZERO
    shares: Decimal = ZERO
    dollars: Decimal = ZERO
    in_block: bool = False

    @property
    def price(self) -> Decimal:
        return self.dollars / self.shares

    @property
    def ratio(self) -> Decimal:
        return min(Decimal(1), self.shares / self.asked)


def fairness_report(firm_id: int, *, since: date, until: date) -> Fairness:
    """Compare accounts that traded the same security on the same side of the same day, in blocks or outside of them."""
    days = _days(firm_id, since, until)
    rows = [_compared(place, list(got.values())) for place, got in days.items() if len(got) > 1]
    rows.sort(key=lambda row: (-row["behind"], -row["spread_bp"], row["day"], row["symbol"]))
    return Fairness(rows, _kinds(days))


def _days(firm_id: int, since: date, until: date) -> Mapping[tuple[date, str, str], dict[int, _Got]]:
    begins, ends = (moment_of(datetime.combine(day, edge)) for day, edge in ((since, time()), (until, time.max)))
    orders = Order.objects.for_firm(firm_id).filter(
        role=Order.Role.ACCOUNT, created_at__gte=begins, created_at__lte=ends
    )
    days: dict[tuple[date, str, str], dict[int, _Got]] = defaultdict(dict)
    sent = orders.exclude(broker_order_id="", block=None).select_related("account__household", "security")
    traded = _traded(firm_id, orders)
    for order in sent.order_by("id"):
        fills = traded.get(order.pk, {})
        for day in fills or {order.created_at.date(): (ZERO, ZERO)}:
            place = (day, order.security.symbol, str(order.side))
            name = f"{order.holder.household.name}, {order.holder.name}"
            got = days[place].setdefault(order.holder_id, _Got(name, order.holder.registration))
            shares, dollars = fills.get(day, (ZERO, ZERO))
            got.asked += order.quantity
            got.shares += shares
            got.dollars += dollars
            got.in_block = got.in_block or order.block_id is not None
    return days


def _traded(firm_id: int, orders: Any) -> Mapping[int, dict[date, tuple[Decimal, Decimal]]]:
    """By order and day: shares and dollars of live executions."""
    found: dict[int, dict[date, tuple[Decimal, Decimal]]] = defaultdict(dict)
    rows = Execution.objects.for_firm(firm_id).filter(order__in=orders, is_live=True)
    for order_id, day, quantity, price, gross in rows.values_list("order_id", "trade_on", "quantity", "price", "gross"):
        shares, dollars = found[order_id].get(day, (ZERO, ZERO))
        amount = cents(times(quantity, price)) if gross is None else gross
        found[order_id][day] = (shares + quantity, dollars + amount)
    return found


def _compared(place: tuple[date, str, str], accounts: Sequence[_Got]) -> dict[str, Any]:
    """`behind`: dollars by which accounts did worse than if all had had the average price of the day."""
    day, symbol, side = place
    filled = [got for got in accounts if got.shares]
    sign = 1 if side == Order.Side.BUY else -1
    average = _average(filled)
    behind = [max(ZERO, sign * (got.dollars - got.shares * average)) for got in filled]
    prices = [got.price for got in filled] or [ZERO]
    worst = max(filled, key=lambda got: sign * got.price, default=None)
    ratios = [got.ratio for got in accounts]
    spread = (max(prices) - min(prices)) / average * BASIS_POINTS if average else ZERO
    return {
        "day": day,
        "symbol": symbol,
        "side": side,
        "accounts": len(accounts),
        "in_blocks": sum(got.in_block for got in accounts),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "price_low": min(prices),
        "price_high": max(prices),
        "spread_bp": spread,
        "behind": cents(sum(behind, ZERO)),
        "worst": worst.account if worst is not None and spread >= ROUNDING_BP else "",
    }


def _average(accounts: Sequence[_Got]) -> Decimal:
    shares = sum((got.shares for got in accounts), ZERO)
    return sum((got.dollars for got in accounts), ZERO) / shares if shares else ZERO


def _kinds(days: Mapping[Any, Mapping[int, _Got]]) -> list[dict[str, Any]]:
    """By registration: how much of what they asked for accounts got, and their price against the day's average."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for (_, _, side), accounts in days.items():
        average = _average([got for got in accounts.values() if got.shares]) if len(accounts) > 1 else ZERO
        for got in accounts.values() if len(accounts) > 1 else ():
            one = sums[got.kind]
            one["accounts"] += 1
            one["ratio"] += got.ratio
            one["dollars"] += got.shares * average
            sign = -1 if side == Order.Side.BUY else 1
            one["ahead"] += sign * (got.dollars - got.shares * average)
    return [
        {
            "label": Registration(kind).label,
            "accounts": int(one["accounts"]),
            "ratio": one["ratio"] / one["accounts"],
            "ahead": cents(one["ahead"]),
            "ahead_bp": one["ahead"] / one["dollars"] * BASIS_POINTS if one["dollars"] else ZERO,
        }
        for kind, one in sorted(sums.items())
    ]
