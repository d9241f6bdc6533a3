"""The form of a security's alternates: symbols by rank, as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

RANKS = ("first", "second", "third")
_BETWEEN = re.compile(r"[\s,;]+")


def _rank(label: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": "Name fewer: 120 letters are enough for a rank."},
    )


class AlternatesForm(forms.Form):
    """What `portfolios.services.alternates` stores."""

    first = _rank("First choice", "Symbols of equal rank side by side, for instance AGG SCHZ: the cheaper is bought.")
    second = _rank("Second choice", "Bought where nothing of the first may be.")
    third = _rank("Third choice", "All three empty: nothing stands for it.")

    def __init__(self, *args: Any, choices: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["security_id"] = forms.TypedChoiceField(
            label="In place of",
            choices=[("", "Choose one…"), *choices],
            coerce=int,
            error_messages={
                "required": "Choose the security that others stand for.",
                "invalid_choice": "Choose a security of the list: what the model holds, or has alternates for.",
            },
        )
        self.order_fields(["security_id", *RANKS])

    def ranks(self) -> list[list[str]]:
        """Symbols by rank, once the form is valid."""
        return [[one for one in _BETWEEN.split(self.cleaned_data[name].upper()) if one] for name in RANKS]


def as_typed(line: Mapping[str, Any]) -> dict[str, Any]:
    """Stored alternates as the form shows them."""
    names = dict(zip(RANKS, (" ".join(rank) for rank in line["ranks"]), strict=False))
    return {"security_id": line["security_id"], **names}
