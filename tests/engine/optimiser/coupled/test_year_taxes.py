"""The tax of many years at once is that of each."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import Rates
from rebalancer.engine.optimiser.coupled.year_taxes import YearTaxes
from rebalancer.engine.taxes.regimes import LinearTax, regimes

RATES = st.integers(0, 50).map(lambda percent: Decimal(percent) / 100)
AMOUNTS = st.integers(-9000, 9000)


@st.composite
def taxes(draw):
    short, long, ordinary, carried = (draw(RATES) for _ in range(4))
    return LinearTax(Rates(short, long), ordinary, carried)


def columns(tax, short=0, long=0):
    given = (tax.rates.short, tax.rates.long, tax.deduction, tax.carried, tax.loss_limit, short, long)
    names = ("short_rate", "long_rate", "ordinary_rate", "carried_worth", "loss_limit", "short_so_far", "long_so_far")
    return YearTaxes(**{name: np.array([float(value)]) for name, value in zip(names, given, strict=True)})


@given(tax=taxes(), short=AMOUNTS, long=AMOUNTS)
def test_the_tax_is_that_of_the_exact_function(tax, short, long):
    assert columns(tax).of(np.array([float(short)]), np.array([float(long)]))[0] == pytest.approx(
        float(tax.of(Fraction(short), Fraction(long))), abs=1e-9
    )


@given(tax=taxes(), so_far=st.tuples(AMOUNTS, AMOUNTS), more=st.tuples(AMOUNTS, AMOUNTS))
def test_the_change_is_the_difference_of_two_years(tax, so_far, more):
    after = tax.of(Fraction(so_far[0] + more[0]), Fraction(so_far[1] + more[1]))
    change = columns(tax, *so_far).change(*(np.array([float(one)]) for one in more))
    assert change[0] == pytest.approx(float(after - tax.of(*map(Fraction, so_far))), abs=1e-9)


@given(tax=taxes(), short=AMOUNTS, long=AMOUNTS, other=taxes())
def test_a_region_is_nowhere_below_its_least(tax, short, long, other):
    year, rates = columns(tax), (other.rates.short, other.rates.long)
    for exact, region in zip(regimes(tax), year.regions(), strict=True):
        if exact.holds(Fraction(short), Fraction(long)):
            least = region.least(*(np.array([float(rate)]) for rate in rates))[0]
            here = float(exact.of(Fraction(short), Fraction(long)))
            assert least <= here - float(rates[0]) * short - float(rates[1]) * long + 1e-6


@given(tax=taxes())
def test_the_least_at_a_regions_own_rates_is_its_constant(tax):
    for exact, region in zip(regimes(tax), columns(tax).regions(), strict=True):
        assert region.least(region.short, region.long)[0] == pytest.approx(float(exact.constant), abs=1e-9)
