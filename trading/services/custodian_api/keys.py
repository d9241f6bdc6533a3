"""Keys to the API: made and revoked by the operator, who alone may write them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from accounts.models import Custodian, Firm
from trading.models import ApiCredential
from trading.selectors.custodian_api import secret_digest

FEEDS = ("accounts", "positions", "lots", "balances", "transactions", "prices")
SCOPES = (*(f"{feed}:write" for feed in FEEDS), "orders:read", "orders:ack", "executions:write")
OWNER = "owner"


class CannotMakeKey(ValueError):
    """A key was asked for something that does not exist."""


def create_key(
    *, custodian: str, firm_slugs: Sequence[str], scopes: Sequence[str], at: datetime, expires_at: datetime | None
) -> str:
    """Make a key of a custodian for some firms and give it back: it can never be shown again.

    :raises CannotMakeKey: for an unknown custodian, firm or scope
    """
    found = Custodian.objects.using(OWNER).filter(code=custodian.upper()).first()
    if found is None:
        raise CannotMakeKey(f"There is no custodian {custodian}.")
    firms = set(Firm.objects.using(OWNER).filter(slug__in=firm_slugs).values_list("slug", flat=True))
    unknown = sorted(set(firm_slugs) - firms) + sorted(set(scopes) - set(SCOPES))
    if unknown or not firm_slugs or not scopes:
        names = ", ".join(unknown) or "nothing"
        raise CannotMakeKey(f"No firm or scope is called {names}. Scopes: {', '.join(SCOPES)}.")
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    ApiCredential.objects.using(OWNER).create(
        key_id=key_id,
        secret_sha256=secret_digest(secret),
        custodian=found,
        firm_slugs=sorted(firms),
        scopes=list(scopes),
        created_at=at,
        expires_at=expires_at,
    )
    return f"cust_{key_id}_{secret}"


def revoke_key(*, key_id: str, at: datetime) -> bool:
    """Take a key out of force; whether there was one to take."""
    rows = ApiCredential.objects.using(OWNER).filter(key_id=key_id, revoked_at=None)
    return bool(rows.update(revoked_at=at))
