"""The way in: each to his own first page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.roles import Role


@login_required
def home(request: HttpRequest) -> HttpResponse:
    member = getattr(request, "member", None)
    if member is None:
        return redirect("choose-firm")
    return redirect("client-home" if member.role == Role.CLIENT else "worklist")
