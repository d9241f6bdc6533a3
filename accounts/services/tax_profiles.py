"""Changing a household's tax profile, as long as it is still what was looked at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Household, TaxProfile
from accounts.services import audit

FIELDS = (
    "filing_status",
    "tax_year",
    "short_rate",
    "long_rate",
    "gain_budget",
    "tax_budget",
    "realised_short",
    "realised_long",
    "realised_on",
    "carryover_short",
    "carryover_long",
    "netting",
    "ordinary_rate",
    "carried_worth",
)


class HouseholdNotFound(LookupError):
    """The firm has no such household."""


class ProfileMoved(RuntimeError):
    """Somebody else changed the profile since it was looked at."""


def profile_digest(profile: TaxProfile | None) -> str:
    """What the profile says, as a short text that changes with it; empty where there is none."""
    if profile is None:
        return ""
    values = {name: str(getattr(profile, name)) for name in FIELDS}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@transaction.atomic
def change_tax_profile(
    *, firm_id: int, household_id: int, values: Mapping[str, Any], seen: str, by: str, at: datetime
) -> list[str]:
    """Store a household's tax profile; the names of the fields that changed, none where nothing did.

    :param values: every one of `FIELDS`: dollars and fractions as Decimal
    :param seen: `profile_digest` of what was looked at
    :raises HouseholdNotFound: if the firm has no such household
    :raises ProfileMoved: if the profile is another by now; nothing is stored then
    """
    household = Household.objects.for_firm(firm_id).select_for_update().filter(pk=household_id).first()
    if household is None:
        raise HouseholdNotFound(household_id)
    profile = TaxProfile.objects.for_firm(firm_id).filter(household=household).first()
    if profile_digest(profile) != seen:
        raise ProfileMoved(
            "Somebody changed this household's taxes while you worked on them, so nothing was stored. "
            "What you typed is still below; where something else is stored, it is named here. Save again to replace it."
        )
    row = profile or TaxProfile(household=household)
    before = {name: getattr(row, name) for name in FIELDS} if profile else {}
    changed = [name for name in FIELDS if not profile or before[name] != values[name]]
    if not changed:
        return []
    for name in changed:
        setattr(row, name, values[name])
    row.firm_id = firm_id
    row.save()
    audit.record(
        firm_id=firm_id,
        at=at,
        actor=by,
        action="TAX_PROFILE_CHANGED",
        subject="household",
        subject_id=household_id,
        before={name: _text(before.get(name)) for name in changed},
        after={name: _text(values[name]) for name in changed},
    )
    return changed


def _text(value: object) -> str | bool | None:
    return value if isinstance(value, bool | None) else str(value)
