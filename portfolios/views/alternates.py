"""Alternates of a model: which there are, and changing them."""

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
from portfolios.selectors.alternate_pages import alternate_page
from portfolios.selectors.days import book_day
from portfolios.services.alternates import AlternatesMoved, InvalidAlternates, ModelNotFound, set_alternates
from portfolios.views.alternate_forms import AlternatesForm, as_typed


@require_GET
@needs(Right.VIEW_BOOK)
def model_alternates(request: FirmRequest, pk: int) -> HttpResponse:
    page, asked = _page(request, pk), id_of(request.GET, "security")
    line = next((one for one in page["alternates"] if one["security_id"] == asked), None)
    initial = as_typed(line) if line else {"security_id": asked}
    return _answer(request, page, AlternatesForm(choices=page["choices"], initial=initial), changing=line)


@require_POST
@needs(Right.MANAGE_MODELS)
def change_alternates(request: FirmRequest, pk: int) -> HttpResponse:
    page = _page(request, pk)
    form = AlternatesForm(request.POST, choices=page["choices"])
    if not form.is_valid():
        return _refused(request, page, form)
    try:
        changed = set_alternates(
            firm_id=request.member.firm_id,
            model_id=pk,
            security_id=form.cleaned_data["security_id"],
            ranks=form.ranks(),
            seen=text_of(request.POST, "seen"),
            by=request.member.email,
            at=timezone.now(),
        )
    except ModelNotFound:
        raise Http404 from None
    except InvalidAlternates as error:
        form.add_error(None, str(error))
        return _refused(request, page, form)
    except AlternatesMoved as error:
        return _answer(request, page, form, status=409, error=str(error))
    if changed:
        messages.success(request, "Saved. Proposals made before must be scanned anew before they can be approved.")
    else:
        messages.info(request, "Nothing was different, so nothing was changed.")
    return redirect("model-alternates", pk)


def _page(request: FirmRequest, pk: int) -> dict[str, Any]:
    page = alternate_page(request.member.firm_id, pk, on=book_day(timezone.localdate()))
    if page is None:
        raise Http404
    return page


def _refused(request: FirmRequest, page: dict[str, Any], form: AlternatesForm) -> HttpResponse:
    """The form again. It still names what was looked at first: what others changed meanwhile was not."""
    return _answer(request, page, form, status=422, seen=text_of(request.POST, "seen"))


def _answer(
    request: FirmRequest, page: dict[str, Any], form: AlternatesForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {**page, "form": form, "can_change": request.member.may(Right.MANAGE_MODELS), **more}
    return answer(request, "portfolios/alternates.html", context, status=status)
