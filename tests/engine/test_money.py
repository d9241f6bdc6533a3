"""Exact amounts: nothing is lost, and what is not a number is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.money import (
    BadNumber,
    InexactAmount,
    cents,
    cents_up,
    from_micros,
    micro,
    minus,
    parse_decimal,
    split,
    split_units,
    times,
    to_micros,
    total,
)

WEIGHTS = st.dictionaries(st.text(min_size=1, max_size=4), st.decimals("0.001", "1000", places=3), min_size=1)


@given(st.integers(-(2**63), 2**63 - 1))
def test_micros_come_back_as_they_went(n):
    assert to_micros(from_micros(n)) == n


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param("0.0000001", id="seven decimals"),
        pytest.param("NaN", id="not a number"),
        pytest.param("-Infinity", id="no end"),
    ],
)
def test_what_does_not_fit_micros_is_refused(amount):
    with pytest.raises(InexactAmount):
        to_micros(Decimal(amount))


@pytest.mark.parametrize(
    ("rounding", "amount", "expected"),
    [
        pytest.param(cents, "2.675", "2.68", id="a half goes to the even cent above"),
        pytest.param(cents, "2.665", "2.66", id="a half goes to the even cent below"),
        pytest.param(cents, "-2.675", "-2.68", id="a loss rounds as its opposite"),
        pytest.param(cents_up, "1.390", "1.39", id="a whole cent of fees stays"),
        pytest.param(cents_up, "0.1660000001", "0.17", id="a trace above is a cent more"),
        pytest.param(micro, "0.0000005", "0.000000", id="half a millionth goes to even"),
    ],
)
def test_rounding(rounding, amount, expected):
    assert rounding(Decimal(amount)) == Decimal(expected)


@pytest.mark.parametrize(
    ("whole", "weights", "expected"),
    [
        pytest.param("0.05", {"b": 1, "a": 1}, {"b": "0.02", "a": "0.03"}, id="the tied cent goes by name"),
        pytest.param("100", {"a": 1, "b": 2}, {"a": "33.33", "b": "66.67"}, id="the larger remainder takes the cent"),
        pytest.param("-100", {"a": 1, "b": 2}, {"a": "-33.33", "b": "-66.67"}, id="a charge is shared as a credit"),
        pytest.param("1.00", {"a": 0, "b": 3}, {"a": "0", "b": "1.00"}, id="no weight, no share"),
    ],
)
def test_a_total_is_shared_by_largest_remainder(whole, weights, expected):
    shares = split(Decimal(whole), {name: Decimal(weight) for name, weight in weights.items()})
    assert list(shares.items()) == [(name, Decimal(share)) for name, share in expected.items()]


@given(st.decimals(-10_000_000, 10_000_000, places=2), WEIGHTS)
def test_splitting_neither_makes_nor_loses_a_cent(whole, weights):
    assert total(split(whole, weights)) == whole


@given(st.integers(0, 10**9), WEIGHTS)
def test_no_share_is_a_whole_unit_from_its_exact_part(units, weights):
    everyone = sum(weights.values())
    for name, share in split_units(units, weights).items():
        assert abs(share - units * weights[name] / everyone) < 1


@pytest.mark.parametrize(
    ("whole", "weights", "error"),
    [
        pytest.param("0.001", {"a": 1}, InexactAmount, id="less than a cent cannot be shared"),
        pytest.param("1.00", {"a": 0}, ValueError, id="nobody has a weight"),
        pytest.param("1.00", {}, ValueError, id="nobody is there"),
        pytest.param("1.00", {"a": 2, "b": -1}, ValueError, id="a weight is negative"),
    ],
)
def test_a_split_that_cannot_be_is_refused(whole, weights, error):
    with pytest.raises(error):
        split(Decimal(whole), {name: Decimal(weight) for name, weight in weights.items()})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"),
        ("$1,234.50", "1234.50"),
        ("-$5", "-5"),
        ("$-5.25", "-5.25"),
        ("(5.00)", "-5.00"),
        ("($1,000)", "-1000"),
        ("+3", "3"),
        (".5", "0.5"),
        ("7.", "7"),
        (" 12 ", "12"),
        ("-0.00", "0"),
        ("12345678901234567890.123456", "12345678901234567890.123456"),
    ],
)
def test_numbers_are_read_as_statements_write_them(text, value):
    assert parse_decimal(text) == Decimal(value)
    assert not parse_decimal("-0").is_signed()


NOT_NUMBERS = "|--|n/a|1,23.50|1,2345|1e5|NaN|Infinity|$|$$5|(-5)|-(5)|1 000|5%|1.2.3|٣|1_000|-|.|$-+5|(5|5)"


@pytest.mark.parametrize("text", NOT_NUMBERS.split("|"))
def test_what_is_not_a_plain_number_is_refused_with_a_sentence(text):
    with pytest.raises(BadNumber, match=r"is not a number\.$"):
        parse_decimal(text)


def test_products_and_differences_keep_every_digit():
    long = Decimal("123456789012345678901234567890.5")
    assert str(times(long, Decimal("1.1"))) == "135802467913580246791358024679.55"
    assert str(minus(long, Decimal("0.0000001"))) == "123456789012345678901234567890.4999999"
