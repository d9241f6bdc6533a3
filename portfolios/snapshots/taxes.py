"""What households may still realise this year, from their tax profiles and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q, Sum

from accounts.models import TaxProfile, TaxStatus
from portfolios.models import Transaction
from portfolios.snapshots.columns import Ints
from rebalancer.engine import money
from rebalancer.engine.book_tables import HouseholdTaxes
from rebalancer.engine.lots import Rates
from rebalancer.engine.tax_rows import TaxRow, household_taxes
from rebalancer.engine.taxes.netting import NO_GAINS, Gains
from rebalancer.engine.taxes.regimes import LinearTax

ZERO = Decimal(0)
LIMITED = Q(gain_budget__isnull=False) | Q(tax_budget__isnull=False) | Q(netting=True)


def taxes_of(firm_id: int, households: Ints, *, as_of: date) -> HouseholdTaxes | None:
    """The engine's table for households (sorted ids); None where none of them has a budget or nets its gains.

    Profiles of another year than that of `as_of` say nothing. Sales whose orders are still at work are not in it:
    their households are not decided before those have ended.
    """
    if not len(households):
        return None
    wanted = frozenset(households.tolist())
    found = TaxProfile.objects.for_firm(firm_id).filter(
        LIMITED, household_id__gte=min(wanted), household_id__lte=max(wanted), tax_year=as_of.year
    )
    profiles = [profile for profile in found.order_by("household_id") if profile.household_id in wanted]
    ledger = _ledger(firm_id, [profile.household_id for profile in profiles], as_of)
    rows = [_row(profile, _realised(profile, ledger.get(profile.household_id, {}))) for profile in profiles]
    return household_taxes(rows, {str(household): place for place, household in enumerate(households.tolist())})


def year_of(profile: TaxProfile, *, as_of: date) -> tuple[Gains, TaxRow]:
    """What a household has realised in its tax year up to a day of it, and what the engine is told of it."""
    ledger = _ledger(profile.firm_id, [profile.household_id], as_of).get(profile.household_id, {})
    realised = _realised(profile, ledger)
    return realised, _row(profile, realised)


def _row(profile: TaxProfile, realised: Gains) -> TaxRow:
    """Losses carried in lower what is taxed; the budget of gains is about the gains of the year alone."""
    short, long = realised.short - profile.carryover_short, realised.long - profile.carryover_long
    tax = money.cents(money.ratio(_linear_tax(profile).of(Fraction(short), Fraction(long))))
    return TaxRow(
        household=str(profile.household_id),
        gain_budget=None if profile.gain_budget is None else profile.gain_budget - realised.net,
        gain_budget_year=profile.gain_budget,
        tax_budget=None if profile.tax_budget is None else profile.tax_budget - tax,
        tax_budget_year=profile.tax_budget,
        short_so_far=short,
        long_so_far=long,
        netting=profile.netting,
        ordinary_rate=_ordinary_rate(profile),
        carried_worth=profile.carried_worth,
    )


def _linear_tax(profile: TaxProfile) -> LinearTax:
    rates = Rates(short=profile.short_rate, long=profile.long_rate)
    return LinearTax(rates, deduction=_ordinary_rate(profile), carried=profile.carried_worth)


def _ordinary_rate(profile: TaxProfile) -> Decimal:
    return profile.short_rate if profile.ordinary_rate is None else profile.ordinary_rate


def _realised(profile: TaxProfile, ledger: Mapping[date, Gains]) -> Gains:
    """Gains of the year: those stated up to a day of it, and those of the ledger after that day."""
    known_on = profile.realised_on if profile.realised_on and profile.realised_on.year == profile.tax_year else None
    found = NO_GAINS if known_on is None else Gains(profile.realised_short, profile.realised_long)
    for day, gains in ledger.items():
        if known_on is None or day > known_on:
            found = found.plus(gains)
    return found


def _ledger(firm_id: int, household_ids: Collection[int], as_of: date) -> Mapping[int, Mapping[date, Gains]]:
    """Gains of the year in taxable accounts, open or closed, by household and day."""
    if not household_ids:
        return {}
    sales = Transaction.objects.for_firm(firm_id).filter(
        account__household_id__in=household_ids,
        account__tax_status=TaxStatus.TAXABLE,
        trade_on__gte=date(as_of.year, 1, 1),
        trade_on__lte=as_of,
    )
    by_day = sales.values_list("account__household_id", "trade_on").annotate(
        short=Sum("realised_short"), long=Sum("realised_long")
    )
    found: dict[int, dict[date, Gains]] = {}
    for household, day, short, long in by_day.order_by("account__household_id", "trade_on"):
        found.setdefault(household, {})[day] = Gains(short or ZERO, long or ZERO)
    return found
