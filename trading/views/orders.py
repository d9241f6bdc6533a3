"""The blotter, and the story of one order."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import id_of, text_of
from trading.selectors.breaks import open_break_count
from trading.selectors.explained import needing_attention
from trading.selectors.halts import notes_needed
from trading.selectors.orders import OrderFilters, open_orders, order_list, order_story
from trading.services.orders import OrderHasEnded, OrderInBlock, OrderNotFound, cancel_order
from trading.tasks.orders import nudge_orders


@require_GET
@needs(Right.VIEW_BOOK)
def orders(request: FirmRequest) -> HttpResponse:
    firm_id, query = request.member.firm_id, request.GET
    filters = OrderFilters(
        status=text_of(query, "state"), search=text_of(query, "q"), proposal_id=id_of(query, "proposal")
    )
    page = order_list(firm_id, filters=filters, after=text_of(query, "after", length=200) or None)
    context = {
        "orders": page.orders,
        "total": page.total,
        "states": [
            {**state, "url": _url(request, state="" if state["active"] else state["key"])} for state in page.states
        ],
        "q": filters.search,
        "proposal_id": filters.proposal_id,
        "next_url": _url(request, after=page.next_cursor) if page.next_cursor else None,
        "clear_url": request.path if filters != OrderFilters() else None,
        "live_url": _url(request, after=query.get("after", "")),
        "live": open_orders(firm_id) > 0,
        "breaks": open_break_count(firm_id),
        "attention": needing_attention(firm_id, since=timezone.now(), proposal_id=filters.proposal_id),
    }
    return answer(request, "trading/orders.html", context, part="results" if request.htmx else "")


@require_GET
@needs(Right.VIEW_BOOK)
def order(request: FirmRequest, pk: int) -> HttpResponse:
    return _order(request, pk, 200)


@require_POST
@needs(Right.APPROVE)
def cancel(request: FirmRequest, pk: int) -> HttpResponse:
    try:
        cancel_order(firm_id=request.member.firm_id, order_id=pk, by=request.member.email, at=timezone.now())
    except OrderNotFound:
        raise Http404 from None
    except (OrderHasEnded, OrderInBlock) as error:
        return _order(request, pk, 409, error=str(error))
    nudge_orders(request.member.firm_id)
    outcome = "Cancelling it. The custodian has the last word: a fill on its way still counts."
    if request.htmx:
        return _order(request, pk, 200, outcome=outcome)
    messages.success(request, outcome)
    return redirect("order", pk)


def _order(request: FirmRequest, pk: int, status: int, **more: Any) -> HttpResponse:
    story = order_story(request.member.firm_id, pk)
    if story is None:
        raise Http404
    context = {
        **story,
        "live_url": reverse("order", args=[pk]),
        "notes_needed": notes_needed(request.member.firm_id, [pk]),
        "can_note": request.member.may(Right.APPROVE),
        "can_cancel": request.member.may(Right.APPROVE) and story["live"] and not story["order"]["cancel_pending"],
        **more,
    }
    return answer(request, "trading/order.html", context, part="live" if request.htmx else "", status=status)


def _url(request: FirmRequest, **changes: Any) -> str:
    query = {key: request.GET[key] for key in request.GET if key != "after"} | changes
    text = urlencode({key: value for key, value in query.items() if value})
    return f"{request.path}?{text}" if text else request.path
