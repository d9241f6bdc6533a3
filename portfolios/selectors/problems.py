"""What keeps accounts from being traded, and what was set aside from the custodians' files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q

from portfolios.models import DataProblem, FeedFile, FeedRow

PAGE = 200
FILES = 50


def open_problems(firm_id: int, *, code: str = "", account_id: int | None = None) -> list[dict[str, Any]]:
    """Open problems, newest first, up to a page of them."""
    rows = DataProblem.objects.for_firm(firm_id).filter(resolved_at=None).select_related("account__household", "file")
    if code:
        rows = rows.filter(code=code)
    if account_id:
        rows = rows.filter(account_id=account_id)
    return [_problem(row) for row in rows.order_by("-opened_at", "id")[:PAGE]]


def problem_counts(firm_id: int) -> Mapping[str, int]:
    """Open problems by code, in order of code."""
    rows = DataProblem.objects.for_firm(firm_id).filter(resolved_at=None).values("code").order_by("code")
    return {row["code"]: row["count"] for row in rows.annotate(count=Count("id"))}


def open_problem_count(firm_id: int) -> int:
    return DataProblem.objects.for_firm(firm_id).filter(resolved_at=None).count()


def quarantined_rows(firm_id: int) -> list[dict[str, Any]]:
    rows = FeedRow.objects.for_firm(firm_id).select_related("file")
    return [
        {
            "file_name": row.file.name,
            "layout_label": row.file.layout,
            "row_number": row.row_number,
            "sentence": row.sentence,
            "received_at": row.file.received_at,
            "account_name": row.account_number or None,
        }
        for row in rows.order_by("-file__received_at", "row_number", "id")[:PAGE]
    ]


def newest_files(firm_id: int) -> list[dict[str, Any]]:
    rows = FeedFile.objects.for_firm(firm_id).filter(~Q(status=FeedFile.Status.STAGED))
    return [_file(row) for row in rows.order_by("-received_at", "-id")[:FILES]]


def _file(row: FeedFile) -> dict[str, Any]:
    partly = row.status == FeedFile.Status.APPLIED and row.quarantined_count
    return {
        "name": row.name,
        "layout_label": row.layout,
        "received_at": row.received_at,
        "status": "PARTLY" if partly else row.status,
        "status_label": "Applied in part" if partly else row.get_status_display(),
        "rows_total": row.row_count,
        "rows_applied": row.row_count - row.quarantined_count,
        "rows_quarantined": row.quarantined_count,
        "sentence": row.refusal or None,
    }


def _problem(row: DataProblem) -> dict[str, Any]:
    return {
        "severity": "BLOCK",
        "kind": row.code,
        "kind_label": row.code.replace("_", " ").capitalize(),
        "sentence": row.sentence,
        "account_name": row.account.name,
        "account_id": row.account_id,
        "household_name": row.account.household.name,
        "since_at": row.opened_at,
        "file_name": row.file.name if row.file else None,
    }
