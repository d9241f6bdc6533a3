"""How django-allauth behaves here."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitationOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs himself up: firms invite their people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
