"""Figures as a page writes them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from portfolios import figures


@pytest.mark.parametrize(
    ("amount", "decimals", "expected"),
    [
        pytest.param(Decimal("1234.5"), 2, "$1,234.50", id="thousands and cents"),
        pytest.param(Decimal("-1234.5"), 2, "−$1,234.50", id="a real minus sign before the dollar"),
        pytest.param(Decimal("-0.004"), 2, "$0.00", id="never minus zero"),
        pytest.param(Decimal("0.5"), 0, "$0", id="half goes to even"),
        pytest.param(None, 2, "—", id="not known is a dash, not a zero"),
    ],
)
def test_money_is_written_as_an_adviser_reads_it(amount, decimals, expected):
    assert figures.money_text(amount, decimals) == expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        pytest.param(Decimal("60.070000"), "$60.07", id="to the cent"),
        pytest.param(Decimal(60), "$60.00", id="whole dollars"),
        pytest.param(Decimal("59.945000"), "$59.945", id="half a penny"),
        pytest.param(Decimal("0.500600"), "$0.5006", id="below a dollar"),
        pytest.param(None, "—", id="not known"),
    ],
)
def test_a_price_is_written_to_its_last_decimal(price, expected):
    assert figures.price_text(price) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        pytest.param(Decimal(4213000), "$4.21m", id="millions"),
        pytest.param(Decimal(999600), "$1.00m", id="rounds up into millions"),
        pytest.param(Decimal(-81200), "−$81k", id="thousands"),
        pytest.param(Decimal(950), "$950", id="small amounts stay whole"),
    ],
)
def test_compact_money_drops_what_would_be_noise(amount, expected):
    assert figures.compact_money_text(amount) == expected


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        pytest.param(Decimal("1804.250000"), "1,804.25", id="no trailing zeros"),
        pytest.param(Decimal(100), "100", id="no trailing point"),
        pytest.param(Decimal("-0.000001"), "−0.000001", id="six decimals"),
    ],
)
def test_shares_keep_every_decimal_that_says_something(quantity, expected):
    assert figures.shares_text(quantity) == expected


def test_weights_are_written_as_percent_and_differences_as_points():
    assert (figures.percent_text(0.05), figures.points_text(Decimal("0.052")), figures.signed_points_text(-0.012)) == (
        "5.00%",
        "5.2",
        "−1.2",
    )


def test_a_moment_is_written_in_new_york_on_both_sides_of_the_clock_change():
    before, after = datetime(2026, 10, 31, 19, 31, tzinfo=UTC), datetime(2026, 11, 2, 19, 31, tzinfo=UTC)
    assert [figures.moment_text(m) for m in (before, after)] == ["Oct 31, 3:31 PM ET", "Nov 2, 2:31 PM ET"]


def test_a_day_is_written_without_a_leading_zero():
    assert figures.day_text(date(2026, 3, 4)) == "Mar 4, 2026"
