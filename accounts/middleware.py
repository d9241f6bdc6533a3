"""Every page of a signed-in user runs in the scope of one firm, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.requests import FirmRequest
from accounts.selectors.members import Member, memberships_of_user
from accounts.tenancy import firm_scope

FIRM_FREE = ("allauth", "accounts.views.firms", "drf_spectacular", "trading.api", "django.")


class FirmMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Run the view with `request.member` set; views outside any firm go their own way."""
        if view.__module__.startswith(FIRM_FREE) or not request.user.is_authenticated:
            return None
        member = _chosen(request)
        if member is None:
            return redirect("choose-firm")
        return _in_firm(request, member, view, args, kwargs)


def _chosen(request: HttpRequest) -> Member | None:
    """The membership the session names, or the only one there is. Asked anew each time: access can be withdrawn."""
    members = memberships_of_user(int(request.user.pk or 0))
    if len(members) == 1:
        return members[0]
    return next((member for member in members if member.firm_id == request.session.get("firm_id")), None)


def _in_firm(
    request: HttpRequest, member: Member, view: Callable[..., HttpResponse], args: Any, kwargs: Any
) -> HttpResponse:
    firm_request: FirmRequest = request  # type: ignore[assignment]
    firm_request.member = member
    with firm_scope(member.firm_id, user_id=member.user_id):
        response = view(request, *args, **kwargs)
        render = getattr(response, "render", None)
        return render() if callable(render) else response
