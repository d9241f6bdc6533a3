"""A household's year: brackets, stacking, surtax and state together, and what more gains change."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import Rates
from rebalancer.engine.taxes.netting import Gains, Losses
from rebalancer.engine.taxes.schedules import Filing
from rebalancer.engine.taxes.year import TaxProfile, deduction_rate, marginal_rates, tax_change, year_tax

JOINT, SINGLE = Filing.MARRIED_JOINT, Filing.SINGLE
AMOUNTS = st.decimals(-50_000, 200_000, places=2)
POSITIVE = st.decimals(0, 200_000, places=2)
GAINS = st.builds(Gains, AMOUNTS, AMOUNTS)
PROFILES = st.builds(
    TaxProfile,
    year=st.sampled_from([2025, 2026]),
    filing=st.sampled_from(Filing),
    ordinary_income=st.decimals(-30_000, 900_000, places=2),
    qualified_dividends=POSITIVE,
    other_investment_income=POSITIVE,
    deductions=POSITIVE,
    state_rate=st.decimals(0, Decimal("0.133"), places=4),
    realised=GAINS,
    carried_in=st.builds(Losses, POSITIVE, POSITIVE),
)


def make_profile(income, filing=JOINT, *, realised=(0, 0), carried=(0, 0), **fields) -> TaxProfile:
    return TaxProfile(
        year=2026,
        filing=filing,
        ordinary_income=Decimal(income),
        realised=Gains(*map(Decimal, realised)),
        carried_in=Losses(*map(Decimal, carried)),
        **{name: Decimal(value) for name, value in fields.items()},
    )


def rates(short, long) -> Rates:
    return Rates(Decimal(short), Decimal(long))


def test_a_year_is_the_sum_of_four_taxes():
    profile = make_profile(
        300_000, realised=(10_000, 50_000), qualified_dividends=5_000, deductions=32_200, state_rate="0.05"
    )
    tax = year_tax(profile)
    # 310,000 of ordinary income: 35,932 on the first 211,400, then 24 %
    assert tax.ordinary == Decimal(35_932) + Decimal("0.24") * (310_000 - 211_400)
    assert tax.preferential == Decimal("0.15") * 55_000
    # modified adjusted gross income of 397,200 is 147,200 over; investment income is 65,000
    assert tax.niit == Decimal("0.038") * 65_000
    assert tax.state == Decimal("0.05") * 365_000
    assert tax.total == tax.ordinary + tax.preferential + tax.niit + tax.state


def test_deductions_that_income_cannot_take_lower_the_gains():
    tax = year_tax(make_profile(-10_000, SINGLE, realised=(0, 70_000)))
    assert (tax.ordinary, tax.preferential) == (0, Decimal("0.15") * (60_000 - 49_450))


@pytest.mark.parametrize(
    ("profile", "extra", "change"),
    [
        pytest.param(make_profile(900_000), (1000, 0), "408", id="a short gain at the top"),
        pytest.param(make_profile(900_000), (0, 1000), "238", id="a long gain at the top"),
        pytest.param(make_profile(900_000), (-1000, 0), "-370", id="a loss with nothing to net is deducted"),
        pytest.param(
            make_profile(900_000, other_investment_income=2_000), (-1000, 0), "-408", id="and lowers the surtax"
        ),
        pytest.param(make_profile(900_000, realised=(3000, 0)), (-3000, 0), "-1224", id="nets a short gain"),
        pytest.param(make_profile(900_000, realised=(3000, 0)), (0, -3500), "-1409", id="long loss, short gain"),
        pytest.param(make_profile(900_000, realised=(0, 3000)), (-3000, 0), "-714", id="short loss, long gain"),
        pytest.param(make_profile(900_000), (-5000, 0), "-1110", id="beyond the deduction nothing is saved"),
        pytest.param(make_profile(900_000, carried=(9000, 0)), (5000, 0), "0", id="a gain against carried losses"),
        pytest.param(make_profile(60_000), (0, 20_000), "0", id="long gains in the zero bracket"),
        pytest.param(make_profile(60_000), (0, -2_000), "-240", id="a loss there still lowers ordinary income"),
        pytest.param(make_profile(80_000), (0, 40_000), "3165", id="long gains across a bracket"),
        pytest.param(make_profile(98_800, realised=(0, 1_000)), (200, 0), "39", id="income pushes gains up"),
        pytest.param(make_profile(900_000, state_rate="0.1"), (1000, 0), "508", id="with state tax"),
    ],
)
def test_extra_gains_change_the_tax_as_they_net(profile, extra, change):
    assert tax_change(profile, Gains(*map(Decimal, extra))) == Decimal(change)


def test_a_carried_loss_has_the_worth_it_is_given():
    profile = make_profile(900_000)
    assert tax_change(profile, Gains(Decimal(-5000)), worth_of_carried=Decimal("0.2")) == -1110 - 400
    assert tax_change(profile, Gains(Decimal(-5000))) == -1110


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        pytest.param(make_profile(900_000), rates("0.408", "0.238"), id="the top"),
        pytest.param(make_profile(900_000, state_rate="0.093"), rates("0.501", "0.331"), id="the top of a state"),
        pytest.param(make_profile(60_000), rates("0.12", "0"), id="the zero bracket"),
        pytest.param(make_profile(200_000), rates("0.22", "0.15"), id="below the surtax"),
        pytest.param(make_profile(200_000, realised=(0, 90_000)), rates("0.258", "0.188"), id="gains reach the surtax"),
        pytest.param(make_profile(90_000, realised=(0, 50_000)), rates("0.27", "0.15"), id="income pushes gains up"),
        pytest.param(make_profile(900_000, realised=(-9_000, 0)), rates("0.408", "0.238"), id="losses do not matter"),
        pytest.param(make_profile(-9_000), rates("0", "0"), id="no taxable income"),
    ],
)
def test_marginal_rates_are_those_of_the_next_cent(profile, expected):
    assert marginal_rates(profile) == expected


def test_the_first_cent_of_a_deducted_loss_saves_the_ordinary_rate():
    assert deduction_rate(make_profile(900_000)) == Decimal("0.37")
    assert deduction_rate(make_profile(900_000, other_investment_income=10)) == Decimal("0.408")
    assert deduction_rate(make_profile(-1)) == 0


@given(PROFILES, GAINS, GAINS, st.decimals(0, Decimal("0.4"), places=3))
def test_gains_in_two_parts_change_the_tax_as_in_one(profile, first, second, worth):
    change = tax_change(profile, first, worth_of_carried=worth)
    change += tax_change(profile.having_realised(first), second, worth_of_carried=worth)
    assert change == tax_change(profile, first.plus(second), worth_of_carried=worth)


@given(PROFILES, GAINS, st.builds(Gains, POSITIVE, POSITIVE))
def test_more_gains_never_lower_the_tax(profile, some, more):
    assert year_tax(profile, some.plus(more)).total >= year_tax(profile, some).total


@given(PROFILES)
def test_the_rates_of_the_next_cent_are_between_nothing_and_everything(profile):
    marginal = marginal_rates(profile)
    assert 0 <= marginal.long <= marginal.short < 1
    assert 0 <= deduction_rate(profile) < 1


def test_a_profile_has_no_negative_dividends():
    with pytest.raises(ValueError, match="zero or more"):
        make_profile(1, qualified_dividends=-1)
