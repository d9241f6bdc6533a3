"""The orders that one approval set off."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from trading.selectors.run_story import run_story


@require_GET
@needs(Right.VIEW_BOOK)
def run(request: FirmRequest, pk: int) -> HttpResponse:
    story = run_story(request.member.firm_id, pk)
    if story is None:
        raise Http404
    context = {**story, "live_url": reverse("run", args=[pk])}
    return answer(request, "trading/run.html", context, part="live" if request.htmx else "")
