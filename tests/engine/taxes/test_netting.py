"""Schedule D: what is taxed, deducted and carried, and that no loss is lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import Term
from rebalancer.engine.taxes.netting import NO_LOSSES, Gains, Losses, gains_of, net_gains

DOLLARS = st.decimals(-20_000, 20_000, places=2)
CARRIED = st.builds(Losses, st.decimals(0, 20_000, places=2), st.decimals(0, 20_000, places=2))


def gains(short, long) -> Gains:
    return Gains(Decimal(short), Decimal(long))


@pytest.mark.parametrize(
    ("booked", "carried_in", "taxed", "deducted", "carried"),
    [
        pytest.param((5000, 2000), (0, 0), (5000, 2000), 0, (0, 0), id="both gains"),
        pytest.param((6000, -6000), (0, 0), (0, 0), 0, (0, 0), id="even"),
        pytest.param((8000, -3000), (0, 0), (5000, 0), 0, (0, 0), id="a long loss nets a short gain"),
        pytest.param((-3000, 8000), (0, 0), (0, 5000), 0, (0, 0), id="a short loss nets a long gain"),
        pytest.param((-2000, -4000), (0, 0), (0, 0), 3000, (0, 3000), id="short is deducted first"),
        pytest.param((-12000, 5000), (0, 0), (0, 0), 3000, (4000, 0), id="a net short loss stays short"),
        pytest.param((1000, -9000), (0, 0), (0, 0), 3000, (0, 5000), id="a net long loss stays long"),
        pytest.param((-2500, 0), (0, 0), (0, 0), 2500, (0, 0), id="less than the limit"),
        pytest.param((10000, 0), (4000, 7000), (0, 0), 1000, (0, 0), id="carried losses net first"),
        pytest.param((0, 5000), (2000, 1000), (0, 2000), 0, (0, 0), id="each carry within its term, then across"),
        pytest.param((0, 0), (5000, 5000), (0, 0), 3000, (2000, 5000), id="only carried losses"),
    ],
)
def test_gains_net_within_their_term_then_across(booked, carried_in, taxed, deducted, carried):
    netted = net_gains(gains(*booked), carried_in=Losses(*map(Decimal, carried_in)))
    assert netted.taxed == gains(*taxed)
    assert netted.deducted == deducted
    assert netted.carried == Losses(*map(Decimal, carried))


@pytest.mark.parametrize(
    ("taxable_income", "carried"),
    [
        pytest.param(None, (0, 2000), id="always enough"),
        pytest.param(50_000, (0, 2000), id="enough income"),
        pytest.param(1200, (0, 3800), id="only what income there is consumes losses, short ones first"),
        pytest.param(400, (600, 4000), id="not even the short ones"),
        pytest.param(-700, (1000, 4000), id="no income, nothing consumed"),
    ],
)
def test_a_deduction_that_income_cannot_take_is_carried(taxable_income, carried):
    income = None if taxable_income is None else Decimal(taxable_income)
    netted = net_gains(gains(-1000, -4000), taxable_income=income)
    assert netted.deducted == 3000
    assert netted.carried == Losses(*map(Decimal, carried))


def test_half_the_deduction_is_a_separate_filers():
    netted = net_gains(gains(-5000, 0), loss_limit=Decimal(1500))
    assert (netted.deducted, netted.carried) == (1500, Losses(Decimal(3500)))


@given(DOLLARS, DOLLARS, CARRIED)
def test_netting_is_symmetric_in_the_terms(short, long, carried_in):
    one = net_gains(Gains(short, long), carried_in=carried_in)
    other = net_gains(Gains(long, short), carried_in=Losses(carried_in.long, carried_in.short))
    assert (one.taxed.short, one.taxed.long) == (other.taxed.long, other.taxed.short)
    assert (one.deducted, one.carried.total) == (other.deducted, other.carried.total)


@given(DOLLARS, DOLLARS, CARRIED)
def test_no_gain_and_no_loss_is_lost(short, long, carried_in):
    netted = net_gains(Gains(short, long), carried_in=carried_in)
    assert netted.taxed.net - netted.deducted - netted.carried.total == short + long - carried_in.total
    assert netted.taxed.net == 0 or netted.carried == NO_LOSSES
    assert netted.carried.short <= max(0, carried_in.short - short)
    assert netted.carried.long <= max(0, carried_in.long - long)


@given(CARRIED)
def test_a_carried_loss_is_deducted_to_the_last_cent_over_the_years(carried):
    deducted, left = Decimal(0), carried
    for _ in range(14):
        year = net_gains(Gains(), carried_in=left)
        deducted, left = deducted + year.deducted, year.carried
    assert (deducted, left.total) == (carried.total, 0)


def test_a_carried_loss_is_no_gain():
    with pytest.raises(ValueError, match="zero or more"):
        Losses(Decimal(-1))


def test_a_gain_has_a_term():
    assert (gains_of(Decimal(5), Term.SHORT), gains_of(Decimal(-5), Term.LONG)) == (gains(5, 0), gains(0, -5))
