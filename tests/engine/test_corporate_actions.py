"""Corporate actions on lots: basis is moved, never made or lost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.corporate_actions import (
    BadRatio,
    cash_in_lieu,
    merge,
    parse_ratio,
    reinvest,
    return_of_capital,
    spin_off,
    split_lots,
    split_quantity,
)
from rebalancer.engine.lots import Lot
from rebalancer.engine.money import cents, total

BOUGHT_ON = date(2020, 5, 4)


def make_lot(quantity, cost_basis, lot_id="X") -> Lot:
    return Lot(lot_id, BOUGHT_ON, Decimal(quantity), Decimal(cost_basis))


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("2:1", Fraction(2)),
        ("3:2", Fraction(3, 2)),
        ("1:10", Fraction(1, 10)),
        ("4-for-1", Fraction(4)),
        ("3 for 2", Fraction(3, 2)),
        ("1.05:1", Fraction(21, 20)),
    ],
)
def test_a_ratio_is_new_to_old_shares(text, ratio):
    assert parse_ratio(text) == ratio


@pytest.mark.parametrize("text", ["", "2", "2:0", "0:1", "-2:1", "two:one", "2:1:1", "2:1x"])
def test_what_is_not_a_ratio_is_refused(text):
    with pytest.raises(BadRatio, match="is not a ratio"):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("quantity", "basis", "ratio", "after"),
    [
        pytest.param("100", "2000", "4:1", "400", id="a split"),
        pytest.param("100", "1500", "3:2", "150", id="three for two"),
        pytest.param("1000", "20000", "1:10", "100", id="a reverse split"),
        pytest.param("100", "1510", "1:3", "33.333333", id="a reverse split with a fraction"),
    ],
)
def test_a_split_changes_quantity_alone(quantity, basis, ratio, after):
    lot = make_lot(quantity, basis)
    assert split_lots([lot], parse_ratio(ratio)) == [make_lot(after, basis)]


LOTS = st.lists(
    st.tuples(st.decimals("1", "100000", places=6), st.decimals(0, 10**7, places=2)), min_size=1, max_size=8
).map(lambda rows: [make_lot(*row, lot_id=str(at)) for at, row in enumerate(rows)])


@given(LOTS, st.fractions(Fraction(1, 50), 50, max_denominator=50))
def test_a_split_neither_makes_nor_loses_a_cent_or_a_share(lots, ratio):
    after = split_lots(lots, ratio)
    assert [lot.cost_basis for lot in after] == [lot.cost_basis for lot in lots]
    exact = split_quantity(total([lot.quantity for lot in lots]), ratio)
    assert abs(Fraction(total([lot.quantity for lot in after])) - exact) <= Fraction(1, 2_000_000)


@pytest.mark.parametrize(
    ("quantity", "basis", "whole", "fraction_basis"),
    [
        pytest.param("227", "5000", 75, "44.05", id="two thirds of a share"),
        pytest.param("100", "1510", 33, "15.10", id="a third of a share"),
        pytest.param("99", "1510", 33, "0.00", id="no fraction"),
    ],
)
def test_cash_in_lieu_sells_the_fraction(quantity, basis, whole, fraction_basis):
    outcome = cash_in_lieu(Decimal(quantity), Decimal(basis), parse_ratio("1:3"))
    assert (outcome.whole_shares, outcome.fraction_basis) == (whole, Decimal(fraction_basis))
    assert outcome.fraction_basis + outcome.remaining_basis == Decimal(basis)


def test_cash_in_lieu_is_a_gain_over_the_basis_of_the_fraction():
    outcome = cash_in_lieu(Decimal(100), Decimal(1510), parse_ratio("1:3"))
    assert outcome.gain(Decimal(25)) == Decimal("9.90")


def test_a_spin_off_shares_the_basis_and_keeps_the_date():
    parent, spun = spin_off(
        make_lot("100", "5000"), spun_per_parent=Fraction(1, 2), parent_weight=Decimal("0.7709"), spun_lot_id="S"
    )
    assert parent == make_lot("100", "3854.5")
    assert spun == make_lot("50", "1145.5", "S")


@given(st.decimals(0, 10**6, places=2), st.decimals(0, 1, places=4))
def test_a_spin_off_conserves_basis(basis, weight):
    lots = spin_off(make_lot("3", basis), spun_per_parent=Fraction(1), parent_weight=weight, spun_lot_id="S")
    assert total([lot.cost_basis for lot in lots]) == basis


def test_a_parent_cannot_keep_more_than_everything():
    with pytest.raises(ValueError, match="The parent keeps"):
        spin_off(make_lot("1", "1"), spun_per_parent=Fraction(1), parent_weight=Decimal("1.1"), spun_lot_id="S")


@pytest.mark.parametrize(
    ("basis", "left", "gain"),
    [("1000", "600", "0"), ("300", "0", "100"), ("400", "0", "0")],
)
def test_a_return_of_capital_reduces_basis_and_then_is_gain(basis, left, gain):
    assert return_of_capital(make_lot("100", basis), Decimal(4)) == (make_lot("100", left), Decimal(gain))


@pytest.mark.parametrize(
    ("old_basis", "realised", "recognised", "new_basis"),
    [
        pytest.param("10000", "5000", "3000", "10000", id="gain up to the cash"),
        pytest.param("14000", "1000", "1000", "12000", id="gain below the cash"),
        pytest.param("16000", "-1000", "0", "13000", id="a loss never"),
    ],
)
def test_a_merger_recognises_gain_up_to_the_cash(old_basis, realised, recognised, new_basis):
    outcome = merge(old_basis=Decimal(old_basis), stock_value=Decimal(12000), cash=Decimal(3000))
    expected = (Decimal(realised), Decimal(recognised), Decimal(new_basis))
    assert (outcome.realised, outcome.recognised, outcome.new_basis) == expected


def test_a_reinvested_dividend_is_a_lot():
    lot = reinvest(lot_id="D", dividend=Decimal("123.45"), price=Decimal("41.15"), on=BOUGHT_ON)
    assert lot == make_lot("3", "123.45", "D")
    assert cents(lot.quantity * Decimal("41.15")) == Decimal("123.45")
