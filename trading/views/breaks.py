"""Differences to the custodians' books, and who looks after them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.selectors.members import staff
from accounts.views.answers import answer
from accounts.views.asked import NOTE_LENGTH, id_of, text_of
from accounts.views.files import csv_answer
from trading.selectors.breaks import BreakFilters, BreakPage, break_page
from trading.selectors.halts import connections_now
from trading.services.breaks import REFUSALS, BreakNotFound, assign_break, close_break

COLUMNS = {
    "opened_at": "Since",
    "kind_label": "Kind",
    "household_name": "Household",
    "account_name": "Account",
    "custodian_name": "Custodian",
    "subject": "Subject",
    "ours": "Ours",
    "theirs": "Theirs",
    "sentence": "What was found",
    "assignee": "Looked after by",
    "closed_at": "Closed",
    "closed_by": "Closed by",
    "resolution": "What came of it",
}
LONGEST_DAYS = 3650


@require_GET
@needs(Right.VIEW_BOOK)
def breaks(request: FirmRequest) -> HttpResponse:
    return _page(request, 200)


@require_GET
@needs(Right.VIEW_BOOK)
def breaks_file(request: FirmRequest) -> HttpResponse:
    _, page = _found(request)
    rows = ([_cell(line[name]) for name in COLUMNS] for line in page.breaks)
    return csv_answer("breaks.csv", list(COLUMNS.values()), rows)


@require_POST
@needs(Right.MANAGE_BREAKS)
def assign(request: FirmRequest, pk: int) -> HttpResponse:
    return _act(request, pk, "Given to them.", assign_break, member_id=id_of(request.POST, "member"))


@require_POST
@needs(Right.MANAGE_BREAKS)
def close(request: FirmRequest, pk: int) -> HttpResponse:
    return _act(request, pk, "Closed.", close_break, reason=text_of(request.POST, "reason", length=NOTE_LENGTH))


def _act(request: FirmRequest, pk: int, done: str, service: Any, **what: Any) -> HttpResponse:
    member = request.member
    try:
        service(firm_id=member.firm_id, break_id=pk, by=member.email, at=timezone.now(), **what)
    except BreakNotFound:
        raise Http404 from None
    except REFUSALS as error:
        return _page(request, 409, error=str(error))
    messages.success(request, done)
    return redirect("breaks")


def _found(request: FirmRequest) -> tuple[BreakFilters, BreakPage]:
    query, member = request.GET, request.member
    filters = BreakFilters(
        kind=text_of(query, "kind", length=24),
        connection_id=id_of(query, "connection"),
        assignee=member.email if query.get("mine") else "",
        days=min(id_of(query, "days") or 0, LONGEST_DAYS),
        closed=bool(query.get("closed")),
    )
    return filters, break_page(member.firm_id, filters=filters, now=timezone.now())


def _page(request: FirmRequest, status: int, *, error: str = "") -> HttpResponse:
    filters, page = _found(request)
    context = {
        "breaks": page.breaks,
        "total": page.total,
        "states": [{**kind, "url": _url(request, kind="" if kind["active"] else kind["key"])} for kind in page.kinds],
        "filters": filters,
        "connections": connections_now(request.member.firm_id, timezone.now()),
        "file_url": f"{_url(request, path='file/')}",
        "is_narrowed": filters not in (BreakFilters(), BreakFilters(closed=True)),
        "may_manage": request.member.may(Right.MANAGE_BREAKS),
        "staff": staff(request.member.firm_id),
        "error": error,
    }
    return answer(request, "trading/breaks.html", context, status=status)


def _url(request: FirmRequest, path: str = "", **changes: Any) -> str:
    query = {key: request.GET[key] for key in request.GET} | changes
    text = urlencode({key: value for key, value in query.items() if value})
    return f"/breaks/{path}?{text}" if text else f"/breaks/{path}"


def _cell(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else "" if value is None else value
