from __future__ import annotations

from decimal import Decimal

import pytest

from portfolios.feeds import values
from portfolios.feeds.values import RowFault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,821.09", Decimal("1821.09")),
        ("-$0.06", Decimal("-0.06")),
        ("(5.00)", Decimal("-5.00")),
        ("10,000", Decimal(10000)),
        ("N/A", None),
        ("n/a", None),
        ("--", None),
        ("", None),
    ],
)
def test_a_number_is_read_as_printed_and_a_word_for_nothing_is_none(text, expected):
    assert values.number_or_none(text, "x") == expected


@pytest.mark.parametrize("text", ["NA", "1e5", "NaN", "Infinity", "1,00", "=1+1", "٣"])
def test_anything_else_is_no_number(text):
    with pytest.raises(RowFault):
        values.number_or_none(text, "x")


@pytest.mark.parametrize("text", ["NA", "BRK.B", "BF/B", "SPAXX**", "037833100", "-SPY270115C700"])
def test_symbols_stay_as_they_are(text):
    assert values.symbol(text) == text


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "A\x07B", "A\tB", "X" * 40, ""])
def test_formulas_and_control_characters_are_no_symbols(text):
    with pytest.raises(RowFault):
        values.symbol(text)


@pytest.mark.parametrize(
    ("text", "is_one"), [("037833100", True), ("78462F103", True), ("VANGUARDS", False), ("VTI", False)]
)
def test_a_cusip_has_nine_characters_and_a_digit(text, is_one):
    assert values.is_cusip(text) == is_one
