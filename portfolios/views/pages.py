"""Models, data problems, accounts, and the client's page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from portfolios.selectors.account_pages import account_list, account_page
from portfolios.selectors.client_pages import client_page
from portfolios.selectors.days import book_day
from portfolios.selectors.model_pages import model_pages
from portfolios.selectors.problems import newest_files, open_problems, problem_counts, quarantined_rows


@require_GET
@needs(Right.VIEW_BOOK)
def models(request: FirmRequest) -> HttpResponse:
    context = {"models": model_pages(request.member.firm_id, book_day(timezone.localdate()))}
    return render(request, "portfolios/models.html", context)


@require_GET
@needs(Right.VIEW_BOOK)
def problems(request: FirmRequest) -> HttpResponse:
    firm_id = request.member.firm_id
    code = request.GET.get("kind", "")
    tiles = [
        {
            "key": kind,
            "label": kind.replace("_", " ").capitalize(),
            "count": count,
            "active": kind == code,
            "url": request.path if kind == code else f"{request.path}?{urlencode({'kind': kind})}",
            "tone": "BAD",
            "hint": "",
        }
        for kind, count in problem_counts(firm_id).items()
    ]
    context = {
        "tiles": tiles,
        "problems": open_problems(firm_id, code=code),
        "quarantined": quarantined_rows(firm_id),
        "files": newest_files(firm_id),
    }
    return render(request, "portfolios/problems.html", context)


@require_GET
@needs(Right.VIEW_BOOK)
def accounts(request: FirmRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:80]
    page = account_list(
        request.member.firm_id,
        on=book_day(timezone.localdate()),
        search=search,
        after=request.GET.get("after", ""),
    )
    next_query = urlencode({"q": search, "after": page.after})
    context = {
        "q": search,
        "accounts": page.rows,
        "total": page.total,
        "next_url": f"{request.path}?{next_query}" if page.after else None,
    }
    part = "#rows" if request.htmx and request.GET.get("after") else ""  # type: ignore[attr-defined]
    return render(request, f"portfolios/accounts.html{part}", context)


@require_GET
@needs(Right.VIEW_BOOK)
def account(request: FirmRequest, pk: int) -> HttpResponse:
    page = account_page(request.member.firm_id, pk, on=book_day(timezone.localdate()))
    if page is None:
        raise Http404
    return render(request, "portfolios/account.html", page)


@require_GET
@needs(Right.VIEW_OWN_PLAN)
def client(request: FirmRequest) -> HttpResponse:
    page = client_page(request.member, on=book_day(timezone.localdate()))
    return render(request, "portfolios/client.html", page)
