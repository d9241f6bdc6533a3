"""Choosing the firm to work in, for those who have a part in several."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.roles import Role
from accounts.selectors.members import memberships_of_user


@login_required
@require_http_methods(["GET", "POST"])
def choose_firm(request: HttpRequest) -> HttpResponse:
    members = memberships_of_user(int(request.user.pk or 0))
    if request.method == "POST":
        chosen = next((member for member in members if str(member.firm_id) == request.POST.get("firm")), None)
        if chosen is None:
            raise Http404
        request.session["firm_id"] = chosen.firm_id
        return redirect("home")
    current = request.session.get("firm_id")
    firms = [
        {
            "id": member.firm_id,
            "name": member.firm_name,
            "role_label": Role(member.role).label,
            "current": member.firm_id == current,
        }
        for member in members
    ]
    return render(request, "accounts/choose_firm.html", {"firms": firms})
