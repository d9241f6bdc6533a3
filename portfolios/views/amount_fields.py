"""Amounts as people write them: `25,000`, `$1,250.50`, `40.8 %`."""

from __future__ import annotations

import re
from typing import Any

from django import forms

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
"""Thousands set apart by commas: elsewhere a comma may mean the decimals, and is refused."""

_SIGN = re.compile("^[-\N{MINUS SIGN}] *")


class AmountField(forms.DecimalField):
    """A decimal number, with a sign before or behind it, and thousands set apart by commas.

    It is typed as text: of what is no number, browsers send nothing at all from a field for numbers, and nothing may
    mean something.
    """

    widget = forms.TextInput

    def __init__(self, *, mark: str = "", **kwargs: Any) -> None:
        """:param mark: what may stand beside the number, `$` or `%`"""
        self.mark = mark
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(self._plain(value) if isinstance(value, str) else value)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "decimal", "autocomplete": "off"}

    def _plain(self, text: str) -> str:
        bare = text.replace(self.mark, "", 1) if self.mark else text
        bare = _SIGN.sub("-", bare.strip())
        return bare.replace(",", "") if _GROUPED.fullmatch(bare) else bare
