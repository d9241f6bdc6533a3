"""Models, data problems and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import id_of, text_of
from portfolios.selectors.days import book_day
from portfolios.selectors.model_pages import model_pages
from portfolios.selectors.problems import newest_files, open_problems, problem_counts, quarantined_rows
from portfolios.snapshots.account_pages import account_list, account_page


@require_GET
@needs(Right.VIEW_BOOK)
def models(request: FirmRequest) -> HttpResponse:
    context = {
        "models": model_pages(request.member.firm_id, book_day(timezone.localdate())),
        "can_change": request.member.may(Right.MANAGE_MODELS),
    }
    return answer(request, "portfolios/models.html", context)


@require_GET
@needs(Right.VIEW_BOOK)
def problems(request: FirmRequest) -> HttpResponse:
    firm_id = request.member.firm_id
    code = request.GET.get("kind", "")
    context = {
        "tiles": _tiles(request.path, problem_counts(firm_id), code),
        "problems": open_problems(firm_id, code=code),
        "quarantined": quarantined_rows(firm_id),
        "files": newest_files(firm_id),
    }
    return answer(request, "portfolios/problems.html", context)


def _tiles(path: str, counts: Mapping[str, int], chosen: str) -> list[dict[str, object]]:
    return [
        {
            "key": kind,
            "label": kind.replace("_", " ").capitalize(),
            "count": count,
            "active": kind == chosen,
            "url": path if kind == chosen else f"{path}?{urlencode({'kind': kind})}",
            "tone": "BAD",
            "hint": "",
        }
        for kind, count in counts.items()
    ]


@require_GET
@needs(Right.VIEW_BOOK)
def accounts(request: FirmRequest) -> HttpResponse:
    search, after = text_of(request.GET, "q"), id_of(request.GET, "after")
    page = account_list(request.member.firm_id, on=book_day(timezone.localdate()), search=search, after=after or 0)
    next_query = urlencode({"q": search, "after": page.after} if search else {"after": page.after})
    context = {
        "q": search,
        "accounts": page.rows,
        "total": page.total,
        "next_url": f"{request.path}?{next_query}" if page.after else None,
    }
    return answer(request, "portfolios/accounts.html", context, part="rows" if request.htmx and after else "")


@require_GET
@needs(Right.VIEW_BOOK)
def account(request: FirmRequest, pk: int) -> HttpResponse:
    page = account_page(request.member.firm_id, pk, on=book_day(timezone.localdate()))
    if page is None:
        raise Http404
    page["can_change_ranges"] = request.member.may(Right.MANAGE_RANGES)
    return answer(request, "portfolios/account.html", page)
