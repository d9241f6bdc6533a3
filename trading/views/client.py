"""The client's page. It lives here because it tells of trades."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from portfolios.selectors.days import book_day
from trading.selectors.client_pages import client_page


@require_GET
@needs(Right.VIEW_OWN_PLAN)
def client(request: FirmRequest) -> HttpResponse:
    page = client_page(request.member, on=book_day(timezone.localdate()))
    if page is None:
        raise Http404
    return answer(request, "trading/client.html", page)
