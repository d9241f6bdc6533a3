"""The request that a page of a firm gets, and who may open that page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.roles import Right
from accounts.selectors.members import Member

_P = ParamSpec("_P")


class FirmRequest(HttpRequest):
    member: Member
    htmx: HtmxDetails


def needs(
    right: Right,
) -> Callable[
    [Callable[Concatenate[FirmRequest, _P], HttpResponse]], Callable[Concatenate[HttpRequest, _P], HttpResponse]
]:
    """Open a page to those who hold a right. To others it does not exist (404): existence does not leak."""

    def decorate(
        view: Callable[Concatenate[FirmRequest, _P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, _P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: _P.args, **kwargs: _P.kwargs) -> HttpResponse:
            member = getattr(request, "member", None)
            if member is None or not member.may(right):
                raise Http404
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

        guarded.right = right  # type: ignore[attr-defined]
        return login_required(guarded)

    return decorate
