"""Stopping trading, and letting it go on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import NOTE_LENGTH, text_of
from trading.selectors.halts import connections_now, halts_in_force, halts_lifted
from trading.services.halts import REFUSALS, HaltNotFound, Raised, agree_to_lift, ask_to_lift, raise_halt
from trading.services.pacing import budgets_left
from trading.tasks.orders import nudge_orders
from trading.views.halt_forms import HaltForm


@require_GET
@needs(Right.VIEW_BOOK)
def halts(request: FirmRequest) -> HttpResponse:
    return _page(request, 200)


@require_POST
@needs(Right.HALT)
def raise_one(request: FirmRequest) -> HttpResponse:
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, 422, form=form)
    values = form.cleaned_data
    try:
        raised = raise_halt(
            **_who(request),
            scope=form.scope_of(),
            level=values["level"],
            reason=values["reason"],
            cancel=values["cancel"],
        )
    except REFUSALS as error:
        return _page(request, 422, form=form, error=str(error))
    nudge_orders(request.member.firm_id)
    messages.success(request, _outcome(raised, cancel=values["cancel"]))
    return redirect("halts")


@require_POST
@needs(Right.HALT)
def ask(request: FirmRequest, pk: int) -> HttpResponse:
    try:
        ask_to_lift(**_who(request), halt_id=pk, why=text_of(request.POST, "why", length=NOTE_LENGTH))
    except HaltNotFound:
        raise Http404 from None
    except REFUSALS as error:
        return _page(request, 409, error=str(error))
    messages.success(request, "Asked. Trading stays stopped until another person agrees.")
    return redirect("halts")


@require_POST
@needs(Right.LIFT_HALTS)
def agree(request: FirmRequest, pk: int) -> HttpResponse:
    try:
        agree_to_lift(**_who(request), halt_id=pk)
    except HaltNotFound:
        raise Http404 from None
    except REFUSALS as error:
        return _page(request, 409, error=str(error))
    nudge_orders(request.member.firm_id)
    messages.success(request, "Lifted. Orders that this halt held go on, after their checks.")
    return redirect("halts")


def _who(request: FirmRequest) -> dict[str, Any]:
    return {"firm_id": request.member.firm_id, "by": request.member.email, "at": timezone.now()}


def _outcome(raised: Raised, *, cancel: bool) -> str:
    ended = raised.cancelled
    if not cancel:
        return "Trading is stopped. Orders at a custodian stay there; what has not left waits."
    return (
        f"Trading is stopped. {ended.here} orders that had not left are cancelled, and custodians are asked to take "
        f"back {ended.asked}: a fill on its way still counts."
    )


def _form(request: FirmRequest, data: Any = None) -> HaltForm:
    lines = connections_now(request.member.firm_id, timezone.now())
    names = [(line["id"], f"{line['name']} ({line['environment'].lower()})") for line in lines]
    return HaltForm(data, firm_id=request.member.firm_id, connections=names)


def _lines(firm_id: int) -> list[dict[str, Any]]:
    budgets = budgets_left(firm_id=firm_id)
    return [{**line, "budget": budgets.get(line["id"])} for line in connections_now(firm_id, timezone.now())]


def _page(request: FirmRequest, status: int, *, form: HaltForm | None = None, error: str = "") -> HttpResponse:
    firm_id, member = request.member.firm_id, request.member
    context = {
        "halts": halts_in_force(firm_id),
        "lifted": halts_lifted(firm_id),
        "connections": _lines(firm_id),
        "form": form or _form(request),
        "may_halt": member.may(Right.HALT),
        "may_lift": member.may(Right.LIFT_HALTS),
        "me": member.email,
        "live_url": reverse("halts"),
        "error": error,
    }
    part = "connections" if request.htmx and request.method == "GET" else ""
    return answer(request, "trading/halts.html", context, part=part, status=status)
