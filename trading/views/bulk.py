"""Approving many proposals at once: what it would do, then what became of each."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import NOTE_LENGTH, parsed_id, text_of
from trading.selectors.bulk import candidates, sums_of
from trading.selectors.worklist import open_proposals
from trading.services.bulk import approve_many as decide
from trading.tasks.orders import nudge_orders
from trading.views.worklist import filters_of

MOST = 500
"""More are approved in another act: nobody looks at more at once, and the answer comes within seconds."""
TEMPLATE = "trading/approve_many.html"


@require_http_methods(["GET", "POST"])
@needs(Right.APPROVE)
def approve_many(request: FirmRequest) -> HttpResponse:
    return _decide(request) if request.method == "POST" else _show(request)


def _show(request: FirmRequest) -> HttpResponse:
    """All that the filters match, or the ones that were picked."""
    firm_id = request.member.firm_id
    if request.GET.get("all"):
        wanted = open_proposals(firm_id, filters_of(request), limit=MOST + 1)
    else:
        wanted = [pk for text in request.GET.getlist("proposal") if (pk := parsed_id(text))]
    found = candidates(firm_id, wanted[:MOST])
    context = {"candidates": found, "sums": sums_of(found), "most": MOST if len(wanted) > MOST else None}
    return answer(request, TEMPLATE, context)


def _decide(request: FirmRequest) -> HttpResponse:
    wanted = []
    for text in request.POST.getlist("decide")[:MOST]:
        pk, _, seen = text.partition(":")
        if parsed_id(pk) and seen:
            wanted.append((int(pk), seen))
    decided = decide(
        firm_id=request.member.firm_id,
        wanted=wanted,
        by=request.member,
        at=timezone.now(),
        note=text_of(request.POST, "note", length=NOTE_LENGTH),
    )
    nudge_orders(request.member.firm_id)
    refused = [one for one in decided if not one.done]
    context = {"decided": decided, "refused": refused, "done": len(decided) - len(refused)}
    return answer(request, TEMPLATE, context)
