"""Brackets: the published tables, stacking, and a clear word about years that are not there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.money import total
from rebalancer.engine.taxes.schedules import (
    NIIT_OVER,
    Filing,
    UnknownTaxYear,
    net_investment_income_tax,
    rate_at,
    rules_for,
    slices,
    stacked_tax,
    start_of,
)

SINGLE, JOINT = Filing.SINGLE, Filing.MARRIED_JOINT
SEPARATE, HEAD = Filing.MARRIED_SEPARATE, Filing.HEAD_OF_HOUSEHOLD
DOLLARS = st.decimals(0, 2_000_000, places=2)


@pytest.mark.parametrize(
    ("year", "filing", "income", "tax"),
    [
        (2025, SINGLE, "626350", "188769.75"),
        (2025, JOINT, "751600", "202154.50"),
        (2025, SEPARATE, "375800", "101077.25"),
        (2025, HEAD, "626350", "187031.50"),
        (2026, SINGLE, "640600", "192979.25"),
        (2026, JOINT, "768700", "206583.50"),
        (2026, SEPARATE, "384350", "103291.75"),
        (2026, HEAD, "640600", "191171.00"),
        (2026, SINGLE, "50400", "5800.00"),
        (2026, JOINT, "868700", "243583.50"),
    ],
)
def test_the_ordinary_tax_is_that_of_the_published_tables(year, filing, income, tax):
    assert stacked_tax(rules_for(year, filing).ordinary, below=Decimal(0), amount=Decimal(income)) == Decimal(tax)


@pytest.mark.parametrize(
    ("filing", "below", "amount", "expected"),
    [
        pytest.param(JOINT, "80000", "40000", ("18900", "21100", "0"), id="from nothing into fifteen percent"),
        pytest.param(JOINT, "98900", "1", ("0", "1", "0"), id="just where fifteen percent begins"),
        pytest.param(SINGLE, "30000", "10000", ("10000", "0", "0"), id="all free"),
        pytest.param(SINGLE, "560000", "100000", ("0", "0", "100000"), id="all at twenty percent"),
        pytest.param(SINGLE, "0", "600000", ("49450", "496050", "54500"), id="through all three"),
        pytest.param(SEPARATE, "300000", "10000", ("0", "6850", "3150"), id="married separately"),
        pytest.param(HEAD, "-500", "66201", ("66200", "1", "0"), id="income below zero is no room"),
        pytest.param(HEAD, "100", "-5", ("0", "0", "0"), id="no gain"),
    ],
)
def test_gains_are_stacked_on_ordinary_income(filing, below, amount, expected):
    parts = slices(rules_for(2026, filing).preferential, below=Decimal(below), amount=Decimal(amount))
    assert parts == tuple(Decimal(part) for part in expected)


@given(DOLLARS, DOLLARS, st.sampled_from(Filing), st.sampled_from([2025, 2026]))
def test_slices_add_up_and_stacking_two_amounts_is_stacking_their_sum(below, amount, filing, year):
    brackets = rules_for(year, filing).ordinary
    assert total(list(slices(brackets, below=below, amount=amount))) == amount
    bottom = stacked_tax(brackets, below=Decimal(0), amount=below)
    top = stacked_tax(brackets, below=below, amount=amount)
    assert bottom + top == stacked_tax(brackets, below=Decimal(0), amount=below + amount)


def test_a_year_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UnknownTaxYear, match=r"for 2019; there are those of 2025, 2026\."):
        rules_for(2019, SINGLE)


@pytest.mark.parametrize(
    ("income", "investment_income", "filing", "tax"),
    [
        pytest.param("195000", "15000", SINGLE, "0", id="below the threshold"),
        pytest.param("210000", "15000", SINGLE, "380", id="the excess is smaller"),
        pytest.param("400000", "60000", JOINT, "2280", id="the investment income is smaller"),
        pytest.param("200000", "60000", SEPARATE, "2280", id="half the threshold of a joint return"),
        pytest.param("500000", "-4", HEAD, "0", id="no investment income"),
    ],
)
def test_the_surtax_is_on_the_smaller_of_two_amounts(income, investment_income, filing, tax):
    charged = net_investment_income_tax(
        over=NIIT_OVER[filing], income=Decimal(income), investment_income=Decimal(investment_income)
    )
    assert charged == Decimal(tax)


def test_a_rate_is_found_by_income_and_its_start_by_rate():
    brackets = rules_for(2026, JOINT).ordinary
    assert [rate_at(brackets, Decimal(income)) for income in (-1, 24_799, 24_800, 768_700)] == [
        Decimal(rate) for rate in ("0.10", "0.10", "0.12", "0.37")
    ]
    assert start_of(brackets, Decimal("0.37")) == 768_700
    with pytest.raises(ValueError, match=r"no bracket of 39\.6%; there are 10%, 12%"):
        start_of(brackets, Decimal("0.396"))
