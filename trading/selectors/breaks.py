"""Differences between our books and the custodians': which are open, since when, and who looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from accounts.tenancy import firm_scope
from trading.models import ReconBreak

KINDS: Mapping[str, str] = {
    "CASH": "Cash",
    "POSITION": "Shares",
    "SPLIT": "Shares, as after a split",
    "QUERY_FAILED": "Could not be asked",
    "OVERFILL": "More filled than ordered",
    "EXTERNAL_ORDER": "Placed elsewhere",
}
STANDING = frozenset({"CASH", "POSITION", "SPLIT", "QUERY_FAILED"})
"""Kinds that every comparison opens while they are there, and closes when they are gone."""
SEEN_ONCE = Q(kind__in=STANDING) & (Q(seen_at=None) | Q(seen_at__lte=F("opened_at")))
"""What one comparison found and none confirmed: the custodian may have told of positions of before."""
LOOK_AGAIN_AFTER = timedelta(minutes=4)
MOST = 500


@dataclass(frozen=True, slots=True)
class BreakFilters:
    """What the page shows; what is empty narrows nothing. `days` is the least age."""

    kind: str = ""
    connection_id: int | None = None
    assignee: str = ""
    days: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class BreakPage:
    """Breaks as the screens take them, how many match, and how many are open of each kind."""

    breaks: list[dict[str, Any]]
    total: int
    kinds: list[dict[str, Any]]


def open_break_count(firm_id: int) -> int:
    return ReconBreak.objects.for_firm(firm_id).filter(closed_at=None).count()


def break_page(firm_id: int, *, filters: BreakFilters, now: datetime) -> BreakPage:
    """The oldest open first, or the last closed first; the first few hundred of them."""
    rows = _matching(firm_id, filters, now)
    related = rows.select_related("account__household", "connection__custodian", "order__security")
    order = ("-closed_at", "-id") if filters.closed else ("opened_at", "id")
    return BreakPage([_break(row) for row in related.order_by(*order)[:MOST]], rows.count(), _kinds(firm_id, filters))


def _matching(firm_id: int, filters: BreakFilters, now: datetime) -> QuerySet[ReconBreak]:
    rows: QuerySet[ReconBreak] = ReconBreak.objects.for_firm(firm_id).filter(closed_at__isnull=not filters.closed)
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.connection_id is not None:
        rows = rows.filter(connection_id=filters.connection_id)
    if filters.assignee:
        rows = rows.filter(assignee=filters.assignee)
    if filters.days:
        rows = rows.filter(opened_at__lte=datetime.fromtimestamp(now.timestamp() - 86_400 * filters.days, now.tzinfo))
    return rows


def _kinds(firm_id: int, filters: BreakFilters) -> list[dict[str, Any]]:
    rows = ReconBreak.objects.for_firm(firm_id).filter(closed_at__isnull=not filters.closed)
    counts = dict(rows.values_list("kind").annotate(count=Count("id")).order_by("kind"))
    known = {**KINDS, **{kind: kind for kind in counts if kind not in KINDS}}
    return [
        {"key": kind, "label": label, "count": counts.get(kind, 0), "active": kind == filters.kind, "tone": ""}
        for kind, label in known.items()
        if counts.get(kind) or kind == filters.kind
    ]


def _break(row: ReconBreak) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "kind_label": KINDS.get(row.kind, row.kind),
        "subject": row.subject,
        "sentence": row.sentence,
        "ours": row.ours,
        "theirs": row.theirs,
        "account_id": row.account_id,
        "account_name": str(row.account) if row.account else "",
        "household_name": row.account.household.name if row.account else "",
        "custodian_name": row.connection.custodian.name if row.connection else "",
        "order_id": row.order_id,
        "opened_at": row.opened_at,
        "seen_at": row.seen_at,
        "assignee": row.assignee,
        "is_standing": row.kind in STANDING,
        "resolution": row.resolution,
        "closed_by": row.closed_by,
        "closed_at": row.closed_at,
    }


def is_seen_once(firm_id: int, now: datetime) -> bool:
    """Is there a difference that was found a while ago and not looked for again?"""
    with firm_scope(firm_id):
        rows = ReconBreak.objects.for_firm(firm_id).filter(SEEN_ONCE, closed_at=None)
        return rows.filter(opened_at__lte=now - LOOK_AGAIN_AFTER).exists()
