"""The blotter, and the story of one order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import day_of, id_of, parsed_id, text_of
from accounts.views.files import csv_answer
from trading.selectors.breaks import open_break_count
from trading.selectors.explained import needing_attention
from trading.selectors.halts import connections_now, notes_needed
from trading.selectors.orders import (
    OrderFilters,
    open_orders,
    order_list,
    order_story,
    orders_for_file,
    orders_to_cancel,
)
from trading.services.cancelling import cancel_each
from trading.services.orders import OrderHasEnded, OrderInBlock, OrderNotFound, cancel_order
from trading.services.outcomes import NothingToAsk, ask_now
from trading.tasks.orders import nudge_orders

MOST_AT_ONCE = 500
"""More are cancelled in another act; a halt cancels all at once."""
MOST_IN_A_FILE = 50_000
COLUMNS = {
    "created_at": "Made",
    "updated_at": "Last change",
    "household_name": "Household",
    "account_name": "Account",
    "account_number": "Account number",
    "custodian_name": "Custodian",
    "side": "Side",
    "symbol": "Security",
    "quantity": "Shares",
    "filled_quantity": "Filled",
    "limit_price": "Limit",
    "average_price": "Average price",
    "amount": "Amount",
    "fees": "Fees",
    "settles_on": "Settles",
    "status_label": "State",
    "status_sentence": "Why",
    "client_order_id": "Our number",
    "custodian_order_id": "Theirs",
}


@require_GET
@needs(Right.VIEW_BOOK)
def orders(request: FirmRequest) -> HttpResponse:
    firm_id, query = request.member.firm_id, request.GET
    filters = filters_of(request)
    page = order_list(firm_id, filters=filters, after=text_of(query, "after", length=200) or None)
    context = {
        "orders": page.orders,
        "total": page.total,
        "states": [
            {**state, "url": _url(request, state="" if state["active"] else state["key"])} for state in page.states
        ],
        "q": filters.search,
        "filters": filters,
        "connections": connections_now(firm_id, timezone.now()),
        "file_url": _url(request, path=reverse("orders-file")),
        "cancel_url": _url(request, path=reverse("orders-cancel")) if request.member.may(Right.APPROVE) else None,
        "proposal_id": filters.proposal_id,
        "next_url": _url(request, after=page.next_cursor) if page.next_cursor else None,
        "clear_url": request.path if filters != OrderFilters() else None,
        "live_url": _url(request, after=query.get("after", "")),
        "live": open_orders(firm_id) > 0,
        "breaks": open_break_count(firm_id),
        "attention": needing_attention(firm_id, since=timezone.now(), proposal_id=filters.proposal_id),
    }
    return answer(request, "trading/orders.html", context, part="results" if request.htmx else "")


def filters_of(request: FirmRequest) -> OrderFilters:
    """What the address asks for."""
    query = request.GET
    return OrderFilters(
        status=text_of(query, "state"),
        search=text_of(query, "q"),
        proposal_id=id_of(query, "proposal"),
        side=text_of(query, "side", length=4),
        connection_id=id_of(query, "connection"),
        day=day_of(query, "day"),
    )


@require_GET
@needs(Right.VIEW_BOOK)
def orders_file(request: FirmRequest) -> HttpResponse:
    found = orders_for_file(request.member.firm_id, filters=filters_of(request), limit=MOST_IN_A_FILE)
    rows = ([_cell(order[name]) for name in COLUMNS] for order in found)
    return csv_answer("orders.csv", list(COLUMNS.values()), rows)


@require_http_methods(["GET", "POST"])
@needs(Right.APPROVE)
def cancel_many(request: FirmRequest) -> HttpResponse:
    """First what would be cancelled: all open orders that the filters match; then what became of each."""
    firm_id = request.member.firm_id
    if request.method == "GET":
        found = orders_to_cancel(firm_id, filters=filters_of(request), limit=MOST_AT_ONCE + 1)
        context: dict[str, Any] = {
            "orders": found[:MOST_AT_ONCE],
            "most": MOST_AT_ONCE if len(found) > MOST_AT_ONCE else None,
            "amount": sum((order["amount"] for order in found[:MOST_AT_ONCE]), Decimal(0)),
            "back_url": _url(request, path=reverse("orders")),
        }
        return answer(request, "trading/cancel_many.html", context)
    wanted = [pk for text in request.POST.getlist("order")[:MOST_AT_ONCE] if (pk := parsed_id(text))]
    ended = cancel_each(firm_id=firm_id, order_ids=wanted, by=request.member.email, at=timezone.now())
    nudge_orders(firm_id)
    refused = [one for one in ended if not one.done]
    return answer(request, "trading/cancel_many.html", {"ended": ended, "refused": refused})


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


@require_POST
@needs(Right.APPROVE)
def ask(request: FirmRequest, pk: int) -> HttpResponse:
    try:
        ask_now(firm_id=request.member.firm_id, order_id=pk, by=request.member.email, at=timezone.now())
    except OrderNotFound:
        raise Http404 from None
    except NothingToAsk as error:
        return _order(request, pk, 409, error=str(error))
    nudge_orders(request.member.firm_id)
    messages.success(request, "The custodian is asked what came of it. It is not sent again before that is known.")
    return redirect("order", pk)


def _order(request: FirmRequest, pk: int, status: int, **more: Any) -> HttpResponse:
    story = order_story(request.member.firm_id, pk)
    if story is None:
        raise Http404
    context = {
        **story,
        "live_url": reverse("order", args=[pk]),
        "notes_needed": notes_needed(request.member.firm_id, [pk]),
        "can_ask": request.member.may(Right.APPROVE) and story["order"]["status"] == "UNKNOWN",
        "can_note": request.member.may(Right.APPROVE),
        "can_cancel": request.member.may(Right.APPROVE) and story["live"] and not story["order"]["cancel_pending"],
        **more,
    }
    return answer(request, "trading/order.html", context, part="live" if request.htmx else "", status=status)


def _url(request: FirmRequest, path: str = "", **changes: Any) -> str:
    query = {key: request.GET[key] for key in request.GET if key != "after"} | changes
    text = urlencode({key: value for key, value in query.items() if value})
    return f"{path or request.path}?{text}" if text else path or request.path


def _cell(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else "" if value is None else value
