"""What every template knows: who is signed in to which firm, and whether this is a demonstration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.roles import Role


def firm(request: HttpRequest) -> dict[str, Any]:
    member = getattr(request, "member", None)
    if member is None:
        return {"demo_mode": settings.DEMO}
    return {
        "demo_mode": settings.DEMO,
        "firm": {"name": member.firm_name},
        "member": {
            "name": member.name,
            "role_label": Role(member.role).label,
            "is_client": member.role == Role.CLIENT,
        },
        "can_switch_firm": member.has_several_firms,
    }
