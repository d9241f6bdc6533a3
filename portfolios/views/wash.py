"""A household's wash sales of a year, on a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.files import csv_answer
from portfolios.snapshots.wash_report import wash_report

COLUMNS = {
    "sold_on": "Sold on",
    "account": "Account",
    "symbol": "Security",
    "acquired_on": "Acquired on",
    "quantity": "Shares",
    "proceeds": "Proceeds",
    "basis": "Cost basis",
    "loss": "Loss",
    "broker": "Disallowed by the broker",
    "household": "Disallowed for the household",
    "lost": "Lost for good",
    "recognised": "Gain or loss recognised",
    "replaced_by": "Replaced by",
}


@require_GET
@needs(Right.VIEW_BOOK)
def household_wash_sales(request: FirmRequest, pk: int) -> HttpResponse:
    return answer(request, "portfolios/wash_sales.html", _report(request, pk))


@require_GET
@needs(Right.VIEW_BOOK)
def household_wash_sales_file(request: FirmRequest, pk: int) -> HttpResponse:
    report = _report(request, pk)
    name = f"wash-sales-{report['household']['id']}-{report['year']}.csv"
    return csv_answer(name, list(COLUMNS.values()), _lines(report))


def _report(request: FirmRequest, pk: int) -> dict[str, Any]:
    """:raises Http404: if the firm has no such household, or the year is none"""
    today = timezone.localdate()
    year = request.GET.get("year", "")
    if year and not (year.isascii() and year.isdigit() and 1990 <= int(year) <= today.year):
        raise Http404
    report = wash_report(request.member.firm_id, pk, year=int(year or today.year), on=today)
    if report is None:
        raise Http404
    return report


def _lines(report: Mapping[str, Any]) -> Iterator[list[object]]:
    for row in report["losses"]:
        values = {**row, "account": str(row["account"]), "replaced_by": _replaced(row)}
        yield [values[name] for name in COLUMNS]


def _replaced(row: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{taken['quantity'].normalize():f} {taken['symbol']} bought {taken['bought_on']} in {taken['account']}"
        for taken in row["replacements"]
    )
