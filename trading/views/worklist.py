"""The worklist and the scan strip above it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.selectors.members import advisers
from accounts.views.answers import answer
from accounts.views.asked import id_of, parsed_id, text_of
from portfolios.selectors.days import book_day
from portfolios.selectors.scans import ScanProgress, newest_progress, scan_progress
from portfolios.services.scans import NothingToScan, ScanAlreadyRunning
from trading.selectors.reasons import REASONS, described
from trading.selectors.worklist import TOP, Filters, Place, open_proposals, worklist_counts, worklist_page
from trading.tasks.scans import start_scan_and_nudge

STATUSES = {
    "PENDING": "To review",
    "AWAITING_SECOND": "Awaiting second approver",
    "APPROVED": "Approved",
    "REJECTED": "Rejected",
    "STALE": "Out of date",
    "BLOCKED": "No proposal",
    "NOT_DUE": "Not due",
}
FILTERED = "Take one away to see more."
EMPTY = {
    "NONE": "A scan finds what has drifted, what has cash to invest and what is due.",
    "RUNNING": "The scan is under way; what it finds appears here.",
    "FAILED": "The scan failed; it says above why.",
}
NOT_DUE = "Inside its bands, so nothing is due."
TEMPLATE = "trading/worklist.html"


@require_GET
@needs(Right.VIEW_BOOK)
def worklist(request: FirmRequest) -> HttpResponse:
    filters = filters_of(request)
    page = worklist_page(request.member.firm_id, filters)
    context = {"rows": [_row(row) for row in page.rows], "next_url": _next_url(request, page.after)}
    if request.htmx and filters.after != TOP:
        return answer(request, TEMPLATE, context, part="rows")
    context |= _frame(request, filters)
    return answer(request, TEMPLATE, context, part="results" if request.htmx else "")


@require_POST
@needs(Right.SCAN)
def scan_start(request: FirmRequest) -> HttpResponse:
    now, refused = timezone.now(), ""
    try:
        start_scan_and_nudge(
            firm_id=request.member.firm_id,
            as_of=book_day(timezone.localdate(now)),
            requested_by=request.member.email,
            at=now,
        )
    except (ScanAlreadyRunning, NothingToScan) as error:
        refused = str(error)
    if not request.htmx:
        if refused:
            messages.warning(request, refused)
        return redirect("worklist")
    response = _strip(request, newest_progress(request.member.firm_id), 409 if refused else 200)
    return trigger_client_event(response, "toast", {"text": refused, "tone": "warn"}) if refused else response


@require_GET
@needs(Right.VIEW_BOOK)
def progress(request: FirmRequest, pk: int) -> HttpResponse:
    found = scan_progress(request.member.firm_id, pk)
    if found is None:
        raise Http404
    response = _strip(request, found, 200)
    return response if found.status == "RUNNING" else trigger_client_event(response, "scan-finished", {})


def _strip(request: FirmRequest, found: ScanProgress, status: int) -> HttpResponse:
    context = {"scan": found, "can_start_scan": request.member.may(Right.SCAN)}
    return answer(request, TEMPLATE, context, part="progress", status=status)


def filters_of(request: FirmRequest) -> Filters:
    """What the address narrows the list to."""
    query = request.GET
    return Filters(
        reasons=tuple(code for code in query.getlist("tile") if code in REASONS),
        adviser_id=id_of(query, "adviser"),
        status=query.get("status", "") if query.get("status", "") in STATUSES else "",
        search=text_of(query, "q"),
        after=_after(query.get("after", "")),
    )


def _after(text: str) -> Place:
    """The place that an address names; what names none is the top."""
    rank, drift, household = [*text.split("_"), "", ""][:3]
    household_id = parsed_id(household)
    try:
        weight = Decimal(drift)
    except InvalidOperation:
        return TOP
    known = household_id and weight.is_finite() and rank in {"0", "1", "2", "3"}
    return Place(int(rank), weight, household_id) if household_id and known else TOP


def _url(request: FirmRequest, **changes: Any) -> str:
    query = {key: request.GET.getlist(key) for key in request.GET if key != "after"} | changes
    text = urlencode({key: value for key, value in query.items() if value not in (None, "", [])}, doseq=True)
    return f"{request.path}?{text}" if text else request.path


def _next_url(request: FirmRequest, after: Place | None) -> str | None:
    return _url(request, after=f"{after.rank}_{after.drift}_{after.household_id}") if after else None


def _frame(request: FirmRequest, filters: Filters) -> dict[str, Any]:
    firm_id = request.member.firm_id
    counts = worklist_counts(firm_id, filters)
    people = advisers(firm_id)
    chips = _chips(request, filters, {person.id: person.name for person in people})
    scan = newest_progress(firm_id)
    return {
        "tiles": _tiles(request, filters, counts),
        "total": counts.get("", 0),
        "q": filters.search,
        "clear_url": request.path,
        "can_approve": request.member.may(Right.APPROVE),
        "approve_all_url": _approve_all_url(request, filters),
        "chips": chips,
        "empty_sentence": FILTERED if chips else EMPTY.get(scan.status),
        "selects": [
            _select(
                "adviser",
                "Adviser",
                "All advisers",
                [(str(one.id), one.name) for one in people],
                str(filters.adviser_id or ""),
            ),
            _select("status", "Status", "Any status", list(STATUSES.items()), filters.status),
        ],
        "scan": scan,
        "can_start_scan": request.member.may(Right.SCAN),
    }


def _approve_all_url(request: FirmRequest, filters: Filters) -> str:
    """Where everything that matches and waits can be approved in one act; nothing where there is none, or no right."""
    if not request.member.may(Right.APPROVE) or not open_proposals(request.member.firm_id, filters, limit=1):
        return ""
    query = {key: request.GET.getlist(key) for key in request.GET if key != "after"}
    return f"{reverse('proposals-approve')}?{urlencode({**query, 'all': '1'}, doseq=True)}"


def _tiles(request: FirmRequest, filters: Filters, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """A tile for every reason that somebody has, or that is being asked for."""
    return [
        {
            "key": code,
            "label": reason.label,
            "hint": reason.hint,
            "count": counts.get(code, 0),
            "active": code in filters.reasons,
            "url": _url(request, tile=sorted({*filters.reasons} ^ {code})),
            "tone": reason.tone,
        }
        for code, reason in REASONS.items()
        if counts.get(code) or code in filters.reasons
    ]


def _chips(request: FirmRequest, filters: Filters, names: Mapping[int, str]) -> list[dict[str, str]]:
    chips = [
        {
            "label": REASONS[code].label,
            "remove_url": _url(request, tile=[one for one in filters.reasons if one != code]),
        }
        for code in filters.reasons
    ]
    if filters.adviser_id:
        chips.append({"label": names.get(filters.adviser_id, "Adviser"), "remove_url": _url(request, adviser="")})
    if filters.status:
        chips.append({"label": STATUSES[filters.status], "remove_url": _url(request, status="")})
    if filters.search:
        chips.append({"label": f"“{filters.search}”", "remove_url": _url(request, q="")})
    return chips


def _select(name: str, label: str, none: str, options: list[tuple[str, str]], chosen: str) -> dict[str, Any]:
    rows = [{"value": value, "label": text, "selected": value == chosen} for value, text in options]
    return {"name": name, "label": label, "options": [{"value": "", "label": none, "selected": not chosen}, *rows]}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "proposal_id": row["proposal_id"],
        "household_name": row["name"],
        "household_url": f"{reverse('accounts')}?{urlencode({'q': row['name']})}",
        "adviser_name": row["adviser"],
        "accounts_count": row["accounts"],
        "value": row["value"],
        "drift_before": row["sort_drift"],
        "drift_after": row["drift_after"],
        "drift_limit": None,
        "reasons": described(row["reasons"]),
        "gain_short": row["gain_short"],
        "gain_long": row["gain_long"],
        "tax": row["tax"],
        "cash_before": row["cash"],
        "status": row["status"],
        "status_label": STATUSES.get(row["status"], row["status"].title()),
        "stale": row["status"] == "STALE",
        "needs_second": row["status"] == "AWAITING_SECOND",
        "blocked_because": row["blocked"] or (NOT_DUE if row["status"] == "NOT_DUE" else None),
    }
