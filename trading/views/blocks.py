"""Blocks, how they were shared out, and whether that was fair."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import day_of, text_of
from accounts.views.files import csv_answer
from trading.selectors.blocks import Fairness, block_list, block_story, fairness_report
from trading.services.blocks.deviating import (
    REASON_LENGTH,
    REFUSALS,
    BlockNotFound,
    WrongShares,
    agree_otherwise,
    ask_otherwise,
    decided_until,
    refuse_otherwise,
)
from trading.tasks.orders import nudge_orders

PERIOD_DAYS = 30
LONGEST_DAYS = 366
EARLIEST = date(2000, 1, 1)
COLUMNS = {
    "day": "Day",
    "symbol": "Security",
    "side": "Side",
    "accounts": "Accounts",
    "in_blocks": "Of them in blocks",
    "ratio_low": "Least filled",
    "ratio_high": "Most filled",
    "price_low": "Lowest price",
    "price_high": "Highest price",
    "spread_bp": "Apart in basis points",
    "behind": "Dollars behind the average",
    "worst": "Worst price",
}


@require_GET
@needs(Right.VIEW_BOOK)
def blocks(request: FirmRequest) -> HttpResponse:
    return answer(request, "trading/blocks.html", {"blocks": block_list(request.member.firm_id)})


@require_GET
@needs(Right.VIEW_BOOK)
def block(request: FirmRequest, pk: int) -> HttpResponse:
    return _page(request, pk, 200)


@require_POST
@needs(Right.APPROVE)
def ask(request: FirmRequest, pk: int) -> HttpResponse:
    reason = text_of(request.POST, "reason", length=REASON_LENGTH)
    try:
        ask_otherwise(**_who(request, pk), quantities=_quantities(request), reason=reason)
    except BlockNotFound:
        raise Http404 from None
    except REFUSALS as error:
        return _page(request, pk, 409, error=str(error))
    messages.success(request, "Asked. The shares stay as they are until compliance agrees.")
    return redirect("block", pk)


@require_POST
@needs(Right.AGREE_SHARES)
def decide(request: FirmRequest, pk: int) -> HttpResponse:
    agrees = request.POST.get("decision") == "agree"
    try:
        (agree_otherwise if agrees else refuse_otherwise)(**_who(request, pk))
    except BlockNotFound:
        raise Http404 from None
    except REFUSALS as error:
        return _page(request, pk, 409, error=str(error))
    if agrees:
        nudge_orders(request.member.firm_id)
    messages.success(request, "Agreed. The custodian is told." if agrees else "Refused. The shares stay as they are.")
    return redirect("block", pk)


@require_GET
@needs(Right.VIEW_BOOK)
def fairness(request: FirmRequest) -> HttpResponse:
    since, until, report = _report(request)
    context = {
        "since": since,
        "until": until,
        "rows": report.rows,
        "kinds": report.kinds,
        "file_url": f"file/?since={since}&until={until}",
    }
    return answer(request, "trading/fairness.html", context)


@require_GET
@needs(Right.VIEW_BOOK)
def fairness_file(request: FirmRequest) -> HttpResponse:
    since, until, report = _report(request)
    rows = ([row[name] for name in COLUMNS] for row in report.rows)
    return csv_answer(f"fairness-{since}-{until}.csv", list(COLUMNS.values()), rows)


def _report(request: FirmRequest) -> tuple[date, date, Fairness]:
    today = timezone.localdate()
    until = min(max(day_of(request.GET, "until") or today, EARLIEST), today)
    since = day_of(request.GET, "since") or until - timedelta(days=PERIOD_DAYS)
    since = min(max(since, until - timedelta(days=LONGEST_DAYS)), until)
    return since, until, fairness_report(request.member.firm_id, since=since, until=until)


def _who(request: FirmRequest, pk: int) -> dict[str, Any]:
    return {"firm_id": request.member.firm_id, "block_id": pk, "by": request.member.email, "at": timezone.now()}


def _quantities(request: FirmRequest) -> dict[str, Decimal]:
    """Shares by client order id, as the form names them.

    :raises WrongShares: if one is no number
    """
    found = {}
    for name in request.POST:
        if name.startswith("RB-"):
            text = text_of(request.POST, name, length=24).replace(",", "")
            try:
                number = Decimal(text or "0")
            except InvalidOperation:
                raise WrongShares(f"“{text}” is no number of shares.") from None
            if not number.is_finite():
                raise WrongShares(f"“{text}” is no number of shares.")
            found[name] = number
    return found


def _page(request: FirmRequest, pk: int, status: int, *, error: str = "") -> HttpResponse:
    story = block_story(request.member.firm_id, pk)
    if story is None:
        raise Http404
    for share in story["shares"]:
        share["typed"] = text_of(request.POST, share["client_order_id"], length=24)
    newest, member = story["newest"], request.member
    until = decided_until(newest) if newest else None
    context = {
        **story,
        "until": until,
        "may_ask": until is not None and timezone.now() <= until and member.may(Right.APPROVE),
        "may_decide": story["head"]["is_asked"] and member.may(Right.AGREE_SHARES),
        "is_mine": story["head"]["deviation_asked_by"] == member.email,
        "typed_reason": text_of(request.POST, "reason", length=REASON_LENGTH),
        "error": error,
    }
    return answer(request, "trading/block.html", context, status=status)
