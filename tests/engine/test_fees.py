"""Regulatory fees: dated, on sales only, rounded up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rebalancer.engine.fees import NO_FEES, NoFeeSchedule, Side, regulatory_fees


def fees_of(trade_on, quantity="1000", price="50", side=Side.SELL):
    return regulatory_fees(
        side=side, quantity=Decimal(quantity), price=Decimal(price), trade_on=date.fromisoformat(trade_on)
    )


@pytest.mark.parametrize(
    ("trade_on", "section_31", "activity"),
    [
        pytest.param("2021-02-24", "1.11", "0.12", id="the day before a new SEC rate"),
        pytest.param("2021-02-25", "0.26", "0.12", id="the day of a new SEC rate"),
        pytest.param("2022-06-01", "1.15", "0.13", id="2022"),
        pytest.param("2023-06-01", "0.40", "0.15", id="2023"),
        pytest.param("2024-05-21", "0.40", "0.17", id="the last day of eight dollars a million"),
        pytest.param("2024-06-03", "1.39", "0.17", id="2024"),
        pytest.param("2025-05-14", "0.00", "0.17", id="no SEC fee since May 2025"),
        pytest.param("2026-04-03", "0.00", "0.20", id="the last day without SEC fee"),
        pytest.param("2026-09-15", "1.03", "0.20", id="2026"),
        pytest.param("2026-11-20", "1.03", "0.00", id="no activity fee at the end of 2026"),
        pytest.param("2027-01-05", "1.03", "0.24", id="2027"),
        pytest.param("2028-01-03", "1.03", "0.24", id="2028"),
    ],
)
def test_a_sale_is_charged_the_rates_of_its_trade_date(trade_on, section_31, activity):
    fees = fees_of(trade_on)
    assert (fees.section_31_charged, fees.activity_charged) == (Decimal(section_31), Decimal(activity))
    assert fees.charged == Decimal(section_31) + Decimal(activity)


@pytest.mark.parametrize(
    ("trade_on", "cap"),
    [("2024-06-03", "8.30"), ("2026-09-15", "9.79"), ("2027-01-05", "11.61"), ("2028-01-03", "12.05")],
)
def test_the_activity_fee_has_a_cap(trade_on, cap):
    assert fees_of(trade_on, quantity="1000000").activity == Decimal(cap)


def test_a_buy_pays_nothing():
    assert fees_of("2026-09-15", side=Side.BUY) == NO_FEES
    assert NO_FEES.charged == 0


def test_a_date_before_the_schedules_is_refused():
    with pytest.raises(NoFeeSchedule, match="begins on 2012-07-01"):
        fees_of("2012-06-29")


@pytest.mark.parametrize(("quantity", "price"), [("-1", "50"), ("1", "-50")])
def test_negative_quantities_and_prices_are_refused(quantity, price):
    with pytest.raises(ValueError, match="Fees need"):
        fees_of("2026-09-15", quantity, price)
