"""The form of a hold range: shares, dollars and percent as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from portfolios.selectors.range_pages import UNITS
from portfolios.services.hold_ranges import InvalidRange, Kept
from portfolios.views.amount_fields import AmountField

HUNDRED = Decimal(100)
WEIGHT = "WEIGHT"
Choices = Sequence[tuple[int, str]]


def _end(label: str, help_text: str) -> AmountField:
    return AmountField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=Decimal(0),
        max_digits=15,
        decimal_places=6,
        error_messages={
            "invalid": "This is no amount: write a number, for instance 100 or 2.5.",
            "min_value": "This cannot be below 0.",
            "max_digits": "This is too large.",
            "max_whole_digits": "This is too large.",
            "max_decimal_places": "Write six decimals at most.",
        },
    )


class RangeForm(forms.Form):
    """What `portfolios.services.hold_ranges` stores; weights are fractions once cleaned."""

    unit = forms.ChoiceField(
        label="Counted in",
        choices=UNITS,
        error_messages={"invalid_choice": "Choose shares, dollars or percent."},
    )
    lowest = _end("Keep at least", "Empty: all of it may be sold.")
    highest = _end("Keep at most", "Empty: any amount may be bought.")
    reason = forms.CharField(
        label="Why",
        max_length=200,
        error_messages={
            "required": "Say why, in a few words: whoever reads it later was not there.",
            "max_length": "Say it in 200 letters at most.",
        },
    )

    def __init__(self, *args: Any, choices: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["security_id"] = forms.TypedChoiceField(
            label="Security",
            choices=[("", "Choose one…"), *choices],
            coerce=int,
            error_messages={
                "required": "Choose the security that is kept.",
                "invalid_choice": "Choose a security of the list: what is held, wanted, or an alternate.",
            },
        )
        self.order_fields(["security_id", "unit", "lowest", "highest", "reason"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                values["kept"] = Kept(**_fractions({name: values[name] for name in Kept.__slots__}))
            except InvalidRange as error:
                self.add_error("lowest", str(error))
        return values

    def kept(self) -> Kept:
        """The range, once the form is valid."""
        found: Kept = self.cleaned_data["kept"]
        return found


def _fractions(values: Mapping[str, Any]) -> dict[str, Any]:
    ends = {name: values[name] for name in ("lowest", "highest")}
    if values["unit"] == WEIGHT:
        ends = {name: None if end is None else end / HUNDRED for name, end in ends.items()}
    return {**values, **ends}


def as_typed(line: Mapping[str, Any]) -> dict[str, Any]:
    """A stored range as the form shows it: weights in percent, and no zeros that say nothing."""
    scale = HUNDRED if line["unit"] == WEIGHT else Decimal(1)
    ends = {name: line[name] for name in ("lowest", "highest")}
    plain = {name: None if end is None else f"{(end * scale).normalize():f}" for name, end in ends.items()}
    return {name: line[name] for name in ("security_id", "unit", "reason")} | plain
