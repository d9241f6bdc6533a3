"""Hold ranges of an account: which there are, and changing them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import id_of, text_of
from portfolios.selectors.days import book_day
from portfolios.selectors.range_pages import range_page
from portfolios.services.hold_ranges import (
    AccountNotFound,
    InvalidRange,
    RangesMoved,
    drop_hold_range,
    set_hold_range,
)
from portfolios.views.range_forms import RangeForm, as_typed

SAVED = "Saved. Proposals made before must be scanned anew before they can be approved."
SAME = "Nothing was different, so nothing was changed."


@require_GET
@needs(Right.VIEW_BOOK)
def account_ranges(request: FirmRequest, pk: int) -> HttpResponse:
    page, asked = _page(request, pk), id_of(request.GET, "security")
    line = next((one for one in page["ranges"] if one["security_id"] == asked), None)
    initial = as_typed(line) if line else {"security_id": asked}
    return _answer(request, page, RangeForm(choices=page["choices"], initial=initial), changing=line)


@require_POST
@needs(Right.MANAGE_RANGES)
def set_range(request: FirmRequest, pk: int) -> HttpResponse:
    page = _page(request, pk)
    form = RangeForm(request.POST, choices=page["choices"])
    if not form.is_valid():
        return _refused(request, page, form)
    try:
        changed = set_hold_range(kept=form.kept(), **_asked(request, pk))
    except AccountNotFound:
        raise Http404 from None
    except InvalidRange as error:
        form.add_error("security_id", str(error))
        return _refused(request, page, form)
    except RangesMoved as error:
        return _answer(request, page, form, status=409, error=str(error))
    return _done(request, pk, changed)


@require_POST
@needs(Right.MANAGE_RANGES)
def drop_range(request: FirmRequest, pk: int) -> HttpResponse:
    page = _page(request, pk)
    try:
        changed = drop_hold_range(security_id=id_of(request.POST, "security") or 0, **_asked(request, pk))
    except AccountNotFound:
        raise Http404 from None
    except RangesMoved as error:
        return _answer(request, page, RangeForm(choices=page["choices"]), status=409, error=str(error))
    return _done(request, pk, changed)


def _asked(request: FirmRequest, pk: int) -> dict[str, Any]:
    return {
        "firm_id": request.member.firm_id,
        "account_id": pk,
        "seen": text_of(request.POST, "seen"),
        "by": request.member.email,
        "at": timezone.now(),
    }


def _done(request: FirmRequest, pk: int, changed: bool) -> HttpResponse:
    if changed:
        messages.success(request, SAVED)
    else:
        messages.info(request, SAME)
    return redirect("account-ranges", pk)


def _page(request: FirmRequest, pk: int) -> dict[str, Any]:
    page = range_page(request.member.firm_id, pk, on=book_day(timezone.localdate()))
    if page is None:
        raise Http404
    return page


def _refused(request: FirmRequest, page: dict[str, Any], form: RangeForm) -> HttpResponse:
    """The form again. It still names what was looked at first: what others changed meanwhile was not."""
    return _answer(request, page, form, status=422, seen=text_of(request.POST, "seen"))


def _answer(
    request: FirmRequest, page: dict[str, Any], form: RangeForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {**page, "form": form, "can_change": request.member.may(Right.MANAGE_RANGES), **more}
    return answer(request, "portfolios/ranges.html", context, status=status)
