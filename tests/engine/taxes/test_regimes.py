"""Regimes: they cover every pair of gains, agree with true netting, and show that the tax is not convex."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import Rates
from rebalancer.engine.taxes.netting import Gains
from rebalancer.engine.taxes.regimes import LinearTax, Netting, linear_tax, regimes, regimes_of
from rebalancer.engine.taxes.schedules import Filing
from rebalancer.engine.taxes.year import TaxProfile, tax_change

TOP = TaxProfile(2026, Filing.MARRIED_JOINT, Decimal(900_000))
AMOUNTS = st.fractions(-20_000, 20_000, max_denominator=100)
RATES = st.decimals(0, Decimal("0.6"), places=3)
TAXES = st.builds(LinearTax, st.builds(Rates, RATES, RATES), RATES, RATES, st.sampled_from([Decimal(3000), Decimal(0)]))


@given(TAXES, AMOUNTS, AMOUNTS)
def test_every_pair_of_gains_has_a_regime_and_all_that_hold_agree(tax, short, long):
    holding = [regime for regime in regimes(tax) if regime.holds(short, long)]
    assert {regime.of(short, long) for regime in holding} == {tax.of(short, long)}


@pytest.mark.parametrize(
    ("short", "long", "netting"),
    [
        (5, 5, Netting.BOTH_GAINS),
        (-5, 9, Netting.SHORT_LOSS_NETS),
        (9, -5, Netting.LONG_LOSS_NETS),
        (-9, 5, Netting.DEDUCTED),
        (-2000, -999, Netting.DEDUCTED),
        (1000, -4001, Netting.CARRIED),
    ],
)
def test_a_regime_is_the_way_gains_net(short, long, netting):
    holding = [regime.netting for regime in regimes_of(TOP) if regime.holds(Fraction(short), Fraction(long))]
    assert holding == [netting]


def test_the_regimes_have_the_rates_of_what_a_loss_nets_against():
    rates = {regime.netting: (regime.short, regime.long) for regime in regimes_of(TOP, worth_of_carried=Decimal("0.2"))}
    short, long, deducted, carried = Decimal("0.408"), Decimal("0.238"), Decimal("0.37"), Decimal("0.2")
    assert rates == {
        Netting.BOTH_GAINS: (short, long),
        Netting.SHORT_LOSS_NETS: (long, long),
        Netting.LONG_LOSS_NETS: (short, short),
        Netting.DEDUCTED: (deducted, deducted),
        Netting.CARRIED: (carried, carried),
    }


@given(st.decimals(-20_000, 100_000, places=2), st.decimals(-20_000, 100_000, places=2), st.decimals(0, 1, places=2))
def test_the_linear_tax_is_the_true_one_where_no_bracket_is_crossed(short, long, worth):
    tax = linear_tax(TOP, worth_of_carried=worth)
    assert tax.of(Fraction(short), Fraction(long)) == tax_change(TOP, Gains(short, long), worth_of_carried=worth)


def test_a_separate_filers_regimes_end_at_half_the_deduction():
    separate = TaxProfile(2026, Filing.MARRIED_SEPARATE, Decimal(900_000))
    assert linear_tax(separate).loss_limit == 1500


def test_the_tax_is_not_convex():
    tax = linear_tax(TOP)
    middle = tax.of(Fraction(3000), Fraction(0))
    assert tax.of(Fraction(3000), Fraction(-1000)) + tax.of(Fraction(3000), Fraction(1000)) < 2 * middle


def test_rates_are_not_negative():
    with pytest.raises(ValueError, match="zero or more"):
        LinearTax(Rates(Decimal("-0.1"), Decimal(0)), Decimal(0))
