"""A household's taxes: its rates, its budgets of the year, and what it has realised."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.services.tax_profiles import HouseholdNotFound, ProfileMoved, change_tax_profile
from accounts.views.answers import answer
from accounts.views.asked import text_of
from portfolios.selectors.days import book_day
from portfolios.snapshots.tax_pages import FILING_STATUSES, tax_page
from portfolios.views.tax_forms import TaxForm, as_typed


@require_GET
@needs(Right.VIEW_BOOK)
def household_taxes(request: FirmRequest, pk: int) -> HttpResponse:
    page = _page(request, pk)
    return _answer(request, page, _form(initial=as_typed(page["profile"])))


@require_POST
@needs(Right.MANAGE_TAXES)
def change_household_taxes(request: FirmRequest, pk: int) -> HttpResponse:
    page, form = _page(request, pk), _form(request.POST)
    if not form.is_valid():  # the form still names what was looked at first: what others changed meanwhile was not
        return _answer(request, page, form, status=422, seen=text_of(request.POST, "seen"))
    try:
        changed = change_tax_profile(
            firm_id=request.member.firm_id,
            household_id=pk,
            values=form.values(),
            seen=text_of(request.POST, "seen"),
            by=request.member.email,
            at=timezone.now(),
        )
    except HouseholdNotFound:
        raise Http404 from None
    except ProfileMoved as error:
        return _answer(request, page, form, status=409, error=str(error), stored=_stored(page, form))
    if changed:
        messages.success(request, "Saved. Proposals made before must be scanned anew before they can be approved.")
    else:
        messages.info(request, "Nothing was different, so nothing was changed.")
    return redirect("household-taxes", pk)


def _page(request: FirmRequest, pk: int) -> dict[str, Any]:
    page = tax_page(request.member.firm_id, pk, on=book_day(timezone.localdate()))
    if page is None:
        raise Http404
    return page


def _form(data: Any = None, **kwargs: Any) -> TaxForm:
    return TaxForm(data, statuses=FILING_STATUSES, today=timezone.localdate(), **kwargs)


def _stored(page: dict[str, Any], form: TaxForm) -> list[dict[str, str]]:
    """What is stored otherwise than it was typed, by the form's own labels."""
    stored, typed = as_typed(page["profile"]), as_typed(form.values())
    return [
        {"label": str(field.label or name), "value": "nothing" if stored[name] is None else str(stored[name])}
        for name, field in form.fields.items()
        if stored[name] != typed[name]
    ]


def _answer(
    request: FirmRequest, page: dict[str, Any], form: TaxForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {**page, "form": form, "can_change": request.member.may(Right.MANAGE_TAXES), **more}
    return answer(request, "portfolios/taxes.html", context, status=status)
