"""The form of a household's taxes: percentages and dollars as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from portfolios.views.amount_fields import AmountField

HUNDRED = Decimal(100)
RATES = ("short_rate", "long_rate", "ordinary_rate", "carried_worth")
LATEST_YEAR = 2100


def _percent(label: str, help_text: str = "", *, required: bool = True) -> AmountField:
    return AmountField(
        mark="%",
        label=f"{label}, %",
        help_text=help_text,
        required=required,
        min_value=Decimal(0),
        max_value=Decimal("99.99"),
        decimal_places=2,
        error_messages={
            "required": "Say the rate in percent, for instance 40.8.",
            "invalid": "This is no percentage: write a number, for instance 40.8.",
            "min_value": "A rate cannot be below 0 %%.",
            "max_value": "A rate must be below 100 %%. Write 40.8 for 40.8 %%.",
            "max_decimal_places": "Say the rate to a hundredth of a percent at most.",
        },
    )


def _dollars(label: str, help_text: str = "", *, least: int | None = None, required: bool = False) -> AmountField:
    return AmountField(
        mark="$",
        label=label,
        help_text=help_text,
        required=required,
        min_value=None if least is None else Decimal(least),
        max_digits=20,
        decimal_places=2,
        error_messages={
            "invalid": "This is no amount: write dollars as a number, for instance 25,000 or 25,000.50.",
            "min_value": "This cannot be below 0.",
            "max_decimal_places": "Write cents with two places at most.",
            "max_digits": "This amount is too large.",
        },
    )


class TaxForm(forms.Form):
    """What `accounts.services.tax_profiles` stores; rates are fractions once cleaned."""

    tax_year = forms.IntegerField(
        label="Tax year",
        min_value=2000,
        max_value=LATEST_YEAR,
        help_text="Budgets bind in this year alone.",
        error_messages={"invalid": "Write the year with four digits."},
    )
    short_rate = _percent("Short-term rate", "Federal and state together.")
    long_rate = _percent("Long-term rate", "Federal and state together.")
    gain_budget = _dollars("Net gain at most this year, $", "Empty: no limit. 0: no net gain.", least=0)
    tax_budget = _dollars("Tax on gains at most this year, $", "Empty: no limit.", least=0)
    realised_short = _dollars("Short-term gain, $", "Losses with a minus.")
    realised_long = _dollars("Long-term gain, $", "Losses with a minus.")
    realised_on = forms.DateField(
        label="Up to and including",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Later gains are those of our own records. Empty: all are.",
        error_messages={"invalid": "This is no date: write it as 2026-03-31."},
    )
    carryover_short = _dollars("Short-term loss carried in, $", "From earlier years, without a minus.", least=0)
    carryover_long = _dollars("Long-term loss carried in, $", "From earlier years, without a minus.", least=0)
    netting = forms.BooleanField(
        label="Net gains and losses over the year, as Schedule D does",
        required=False,
        help_text="Otherwise every lot is taxed by itself.",
    )
    ordinary_rate = _percent("What a deducted loss saves", "Empty: the short-term rate.", required=False)
    carried_worth = _percent("What a loss carried into later years is worth", required=False)

    def __init__(self, *args: Any, statuses: tuple[tuple[str, str], ...], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["filing_status"] = forms.ChoiceField(label="Filing status", choices=statuses)

    def _some(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def budget_fields(self) -> list[forms.BoundField]:
        return self._some("gain_budget", "tax_budget", "tax_year")

    @property
    def rate_fields(self) -> list[forms.BoundField]:
        return self._some("short_rate", "long_rate", "filing_status")

    @property
    def stated_fields(self) -> list[forms.BoundField]:
        return self._some("realised_short", "realised_long", "realised_on", "carryover_short", "carryover_long")

    @property
    def netting_fields(self) -> list[forms.BoundField]:
        return self._some("netting", "ordinary_rate", "carried_worth")

    def clean_realised_on(self) -> date | None:
        day: date | None = self.cleaned_data["realised_on"]
        if day and day > self.today:
            raise forms.ValidationError("This day is still to come: gains can be stated up to today.")
        return day

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        day, year = values.get("realised_on"), values.get("tax_year")
        if day and year and day.year != year:
            self.add_error("realised_on", f"This day is not in the tax year {year}: change one of them.")
        stated = values.get("realised_short") or values.get("realised_long")
        if stated and not day and "realised_on" not in self.errors:
            self.add_error("realised_on", "Say up to which day these gains are, or leave them empty.")
        return values

    def values(self) -> dict[str, Any]:
        """The cleaned values as they are stored."""
        found = dict(self.cleaned_data)
        for name in RATES:
            found[name] = None if found[name] is None else found[name] / HUNDRED
        for name in ("realised_short", "realised_long", "carryover_short", "carryover_long", "carried_worth"):
            found[name] = found[name] or Decimal(0)
        return found


def as_typed(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A stored profile as the form shows it: rates in percent, and no zeros where nothing was said."""
    found = dict(profile)
    for name in RATES:
        found[name] = None if found[name] is None else f"{(found[name] * HUNDRED).normalize():f}"
    for name in ("realised_short", "realised_long", "carryover_short", "carryover_long"):
        found[name] = found[name] or None
    return found
