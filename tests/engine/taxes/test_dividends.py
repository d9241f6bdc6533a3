"""Holding tests of dividends and of losses on fund shares."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rebalancer.engine.taxes.dividends import (
    COMMON,
    PREFERRED,
    FundLoss,
    HoldingTest,
    first_day_over_six_months,
    fund_loss,
    qualified_dividend,
)


def day(text) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("bought", "sold", "window", "hedged", "expected"),
    [
        pytest.param("2024-07-11", "2024-09-13", COMMON, 0, (64, 61, True), id="only days of the window count"),
        pytest.param("2024-07-11", "2024-09-09", COMMON, 0, (60, 60, False), id="sixty days are too few"),
        pytest.param("2024-07-11", "2024-09-10", COMMON, 0, (61, 61, True), id="the day of disposal counts"),
        pytest.param("2024-07-11", "2024-08-12", COMMON, 0, (32, 32, False), id="a month"),
        pytest.param("2024-07-11", None, COMMON, 0, (61, 61, True), id="never sold"),
        pytest.param("2020-01-02", "2024-07-12", COMMON, 0, (1653, 61, True), id="sold on the ex-date"),
        pytest.param("2020-01-02", "2024-07-11", COMMON, 0, (1652, 60, False), id="sold before it: no dividend"),
        pytest.param("2024-07-12", None, COMMON, 0, (60, 60, False), id="bought on the ex-date: no dividend"),
        pytest.param("2024-07-11", "2024-12-31", COMMON, 1, (173, 60, False), id="a day without risk does not count"),
        pytest.param("2024-07-11", "2024-12-31", PREFERRED, 0, (173, 91, True), id="a longer window"),
        pytest.param("2024-07-11", "2024-10-09", PREFERRED, 0, (90, 90, False), id="and a longer holding"),
        pytest.param("2024-11-11", "2024-12-31", COMMON, 0, (50, 0, False), id="bought after the window"),
    ],
)
def test_a_dividend_qualifies_when_held_more_than_sixty_days_of_the_window(bought, sold, window, hedged, expected):
    test = qualified_dividend(
        bought_on=day(bought),
        sold_on=day(sold) if sold else None,
        ex_on=day("2024-07-12"),
        window=window,
        diminished_risk_days=hedged,
    )
    assert test == HoldingTest(*expected)


def test_shares_are_sold_after_they_are_bought():
    with pytest.raises(ValueError, match="cannot have been sold"):
        qualified_dividend(bought_on=day("2024-07-11"), sold_on=day("2024-07-10"), ex_on=day("2024-07-12"))


@pytest.mark.parametrize(
    ("acquired", "first"),
    [
        ("2012-06-15", "2012-12-16"),
        ("2026-08-29", "2027-03-01"),
        ("2026-08-31", "2027-03-01"),
        ("2026-06-30", "2027-01-01"),
        ("2026-12-31", "2027-07-01"),
        ("2027-08-28", "2028-02-29"),
    ],
)
def test_six_months_are_over_by_the_calendar(acquired, first):
    assert first_day_over_six_months(day(acquired)) == day(first)


@pytest.mark.parametrize(
    ("sold", "proceeds", "gains", "exempt", "expected"),
    [
        pytest.param("2012-09-14", 850, 50, 0, (150, 0, 50, 100), id="long-term up to the distribution"),
        pytest.param("2012-09-14", 850, 200, 0, (150, 0, 150, 0), id="never more than the loss"),
        pytest.param("2012-12-15", 850, 50, 0, (150, 0, 50, 100), id="on the last day of six months"),
        pytest.param("2012-12-16", 850, 50, 0, (150, 0, 0, 150), id="after six months"),
        pytest.param("2013-06-16", 850, 50, 0, (150, 0, 150, 0), id="after a year"),
        pytest.param("2012-09-14", 850, 50, 120, (150, 120, 30, 0), id="exempt interest is disallowed first"),
        pytest.param("2012-09-14", 1100, 50, 20, (0, 0, 0, 0), id="a gain"),
    ],
)
def test_a_loss_on_young_fund_shares_follows_their_distributions(sold, proceeds, gains, exempt, expected):
    loss = fund_loss(
        cost_basis=Decimal(1000),
        proceeds=Decimal(proceeds),
        bought_on=day("2012-06-15"),
        sold_on=day(sold),
        capital_gain_distributions=Decimal(gains),
        exempt_interest_dividends=Decimal(exempt),
    )
    assert loss == FundLoss(*map(Decimal, expected))


def test_a_distribution_is_not_negative():
    with pytest.raises(ValueError, match="zero or more"):
        fund_loss(
            cost_basis=Decimal(1),
            proceeds=Decimal(0),
            bought_on=day("2012-06-15"),
            sold_on=day("2012-06-16"),
            capital_gain_distributions=Decimal(-1),
        )
