"""What households may still realise this year, from their tax profiles and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from accounts.models import TaxProfile, TaxStatus
from portfolios.models import Transaction
from portfolios.snapshots.columns import Ints
from rebalancer.engine.book_tables import HouseholdTaxes
from rebalancer.engine.tax_rows import TaxRow, household_taxes

ZERO = Decimal(0)


def taxes_of(firm_id: int, households: Ints, *, as_of: date) -> HouseholdTaxes | None:
    """The engine's table for households (sorted ids); None where none of them has a budget for the year of `as_of`.

    Sales whose orders are still at work are not in it: their households are not decided before those have ended.
    """
    if not len(households):
        return None
    wanted = frozenset(households.tolist())
    profiles = TaxProfile.objects.for_firm(firm_id).filter(
        household_id__gte=min(wanted), household_id__lte=max(wanted), tax_year=as_of.year, gain_budget__isnull=False
    )
    rows = [_row(profile, as_of) for profile in profiles.order_by("household_id") if profile.household_id in wanted]
    return household_taxes(rows, {str(household): place for place, household in enumerate(households.tolist())})


def _row(profile: TaxProfile, as_of: date) -> TaxRow:
    """Losses carried in lower what is taxed; the budget is about the gains of the year alone."""
    short, long = _realised(profile, as_of)
    return TaxRow(
        household=str(profile.household_id),
        gain_budget=None if profile.gain_budget is None else profile.gain_budget - short - long,
        short_so_far=short - profile.carryover_short,
        long_so_far=long - profile.carryover_long,
    )


def _realised(profile: TaxProfile, as_of: date) -> tuple[Decimal, Decimal]:
    """Short- and long-term gains of the year in taxable accounts, open or closed."""
    known_on = profile.realised_on if profile.realised_on and profile.realised_on.year == as_of.year else None
    sales = Transaction.objects.for_firm(profile.firm_id).filter(
        account__household_id=profile.household_id,
        account__tax_status=TaxStatus.TAXABLE,
        trade_on__gte=date(as_of.year, 1, 1),
        trade_on__lte=as_of,
    )
    if known_on is not None:
        sales = sales.filter(trade_on__gt=known_on)
    found: Mapping[str, Decimal | None] = sales.aggregate(short=Sum("realised_short"), long=Sum("realised_long"))
    stated = (profile.realised_short, profile.realised_long) if known_on is not None else (ZERO, ZERO)
    return stated[0] + (found["short"] or ZERO), stated[1] + (found["long"] or ZERO)
