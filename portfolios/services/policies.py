"""Publishing parameter files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.services import audit
from portfolios.models import Policy
from portfolios.policy_files import parse_policy


@transaction.atomic
def publish_policy(
    *,
    firm_id: int,
    toml: str,
    at: datetime,
    by: str,
    target_model_id: int | None = None,
    household_id: int | None = None,
    account_id: int | None = None,
) -> Policy:
    """Put a parameter file in force, as the next version of its layer; with no subject it is the firm's.

    :raises InvalidPolicy: if the file cannot be used; nothing is stored then
    :raises ValueError: if more than one subject is named
    """
    parse_policy(toml)
    subject: dict[str, Any] = {
        "target_model_id": target_model_id,
        "household_id": household_id,
        "account_id": account_id,
    }
    named = [name for name, value in subject.items() if value]
    if len(named) > 1:
        raise ValueError(f"a policy is for one thing, not for {' and '.join(named)}")
    level = (
        {"target_model_id": "MODEL", "household_id": "HOUSEHOLD", "account_id": "ACCOUNT"}[named[0]]
        if named
        else "FIRM"
    )
    policies = Policy.objects.for_firm(firm_id)
    newest = policies.filter(level=level, **subject).aggregate(newest=Max("version"))["newest"] or 0
    row = Policy(level=level, version=newest + 1, toml=toml, created_at=at, created_by=by, **subject)
    (policy,) = policies.bulk_create([row])
    audit.record(
        firm_id=firm_id, at=at, actor=by, action="POLICY_PUBLISHED", subject="policy", subject_id=policy.pk, toml=toml
    )
    return policy
