"""A household's taxes as their page shows them: the profile, and how far the year has gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import FilingStatus, Household, TaxProfile
from accounts.services.tax_profiles import FIELDS, profile_digest
from portfolios.snapshots.taxes import year_of

FILING_STATUSES = tuple(FilingStatus.choices)
ZERO = Decimal(0)
NOT_SAID: Mapping[str, Any] = {
    **dict.fromkeys(FIELDS),
    "filing_status": FilingStatus.MARRIED_JOINT.value,
    **dict.fromkeys(("realised_short", "realised_long", "carryover_short", "carryover_long", "carried_worth"), ZERO),
    "netting": False,
}
"""What a new profile begins with; rates must be said."""


def tax_page(firm_id: int, household_id: int, *, on: date) -> dict[str, Any] | None:
    """A household's profile and its year as of a day; nothing if the firm has no such household.

    `year` is None where there is no profile, or where it is of another year than the day: it binds nothing then.
    """
    rows = Household.objects.for_firm(firm_id).select_related("adviser__user")
    household = rows.filter(pk=household_id).first()
    if household is None:
        return None
    profile = TaxProfile.objects.for_firm(firm_id).filter(household=household).first()
    return {
        "household": {
            "id": household.pk,
            "name": household.name,
            "adviser_name": str(household.adviser.user) if household.adviser else "",
        },
        "profile": {name: getattr(profile, name) for name in FIELDS} if profile else {**NOT_SAID, "tax_year": on.year},
        "has_profile": profile is not None,
        "seen": profile_digest(profile),
        "on": on,
        "year": _year(profile, on) if profile and profile.tax_year == on.year else None,
    }


def _year(profile: TaxProfile, on: date) -> dict[str, Any]:
    """Dollars; what is left is None where there is no limit."""
    realised, row = year_of(profile, as_of=on)
    return {
        "realised_short": realised.short,
        "realised_long": realised.long,
        "net": realised.net,
        "gain_budget": row.gain_budget_year,
        "gain_left": row.gain_budget,
        "tax_budget": row.tax_budget_year,
        "tax_left": row.tax_budget,
        "tax": None if row.tax_budget is None or row.tax_budget_year is None else row.tax_budget_year - row.tax_budget,
    }
