"""Comparison: exact to the decimals given, every field, nothing read from what is expected."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from rebalancer.engine.cases.comparing import compare
from rebalancer.engine.cases.prose import Clause, stated


@pytest.mark.parametrize(
    ("expected", "answer", "same"),
    [
        pytest.param(Decimal("0.666667"), Fraction(2, 3), True, id="to the six decimals given"),
        pytest.param(Decimal("0.666666"), Fraction(2, 3), False, id="and no fewer"),
        pytest.param(Decimal("66.0793"), Fraction(15000, 227), True, id="to the four decimals given"),
        pytest.param(Decimal("13.3"), Fraction(40, 3), False, id="to four where fewer are given"),
        pytest.param(Decimal("9.91"), Decimal("9.90"), False, id="to the cent"),
        pytest.param(200, Decimal("200.00"), True, id="whole"),
        pytest.param(1, True, False, id="truth is no number"),
        pytest.param(True, 1, False, id="a number is no truth"),
        pytest.param("200", 200, False, id="text is no number"),
        pytest.param("2026-01-02", date(2026, 1, 2), True, id="a date"),
        pytest.param("2026-01-02T03:04:00Z", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), True, id="a moment"),
        pytest.param(None, None, True, id="nothing"),
        pytest.param("HOLD", stated("HOLD", Clause.RUN_ONCE), True, id="a code that is also a promise"),
        pytest.param("it will run once", stated("HOLD", Clause.RUN_ONCE), True, id="a promise"),
        pytest.param("it will run once", stated("HOLD"), False, id="a promise not made"),
        pytest.param([1, 2], [1, 2], True, id="a list"),
        pytest.param([1, 2], [2, 1], False, id="a list in another order"),
        pytest.param([1], [1, 2], False, id="a longer list"),
        pytest.param({"a": 1, "b": 0}, {"a": 1}, True, id="an amount that is not there is zero"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, False, id="an amount nobody expected"),
        pytest.param([{"a": 1}], [{"a": 1, "b": "x"}], True, id="only what is asked for of a row"),
        pytest.param([{"a": "x"}], [{"b": "x"}], False, id="a row without what is asked for"),
    ],
)
def test_values_are_compared_as_written(expected, answer, same):
    comparison = compare({"field": expected}, {"field": answer})
    assert (not comparison.differences) is same
    assert comparison.compared


@pytest.mark.parametrize(
    ("expected", "uncompared"),
    [
        pytest.param({"rule": "dance in the rain"}, ["rule"], id="a sentence nobody understands"),
        pytest.param({"note": "run once"}, ["note"], id="a sentence about what is not answered"),
        pytest.param({"case": "OTHER-1"}, ["case"], id="a reference"),
    ],
)
def test_what_cannot_be_compared_is_named(expected, uncompared):
    comparison = compare(expected, {"rule": stated("DANCE")})
    assert (comparison.compared, comparison.uncompared, comparison.differences) == ([], uncompared, [])


def test_a_value_the_engine_does_not_give_is_a_difference():
    assert compare({"depth": 3}, {}).differences == ["the engine says nothing about depth, expected 3"]
