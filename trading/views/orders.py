"""The blotter, and the story of one order."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from trading.selectors.orders import OrderFilters, order_list, order_story
from trading.services.orders import OrderHasEnded, OrderNotFound, cancel_order
from trading.tasks.orders import nudge_orders


@require_GET
@needs(Right.VIEW_BOOK)
def orders(request: FirmRequest) -> HttpResponse:
    query = request.GET
    filters = OrderFilters(
        status=query.get("status", ""),
        search=query.get("q", "").strip()[:80],
        proposal_id=int(query["proposal"]) if query.get("proposal", "").isdecimal() else None,
    )
    page = order_list(request.member.firm_id, filters=filters, after=query.get("after") or None)
    context = {
        "orders": page.orders,
        "total": page.total,
        "states": [
            {**state, "url": _url(request, status="" if state["active"] else state["key"])} for state in page.states
        ],
        "q": filters.search,
        "next_url": _url(request, after=page.next_cursor) if page.next_cursor else None,
        "rows_url": _url(request),
        "live": True,
    }
    part = "#rows" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"trading/orders.html{part}", context)


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
    except OrderHasEnded as error:
        return _order(request, pk, 409, error=str(error))
    nudge_orders(request.member.firm_id)
    return redirect("order", pk)


def _order(request: FirmRequest, pk: int, status: int, **more: Any) -> HttpResponse:
    story = order_story(request.member.firm_id, pk)
    if story is None:
        raise Http404
    context = {**story, "live_url": request.path, "can_cancel": request.member.may(Right.APPROVE), **more}
    part = "#live" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"trading/order.html{part}", context, status=status)


def _url(request: FirmRequest, **changes: Any) -> str:
    query = {key: request.GET[key] for key in request.GET if key != "after"} | changes
    text = urlencode({key: value for key, value in query.items() if value})
    return f"{request.path}?{text}" if text else request.path
