"""The best lots of a sale are those that trying every mix finds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.lots import Lot, NotEnoughShares, Rates, Term
from rebalancer.engine.taxes.best_lots import LotForSale, best_lots, for_sale, in_order, mix_of
from rebalancer.engine.taxes.netting import Gains
from rebalancer.engine.taxes.regimes import LinearTax

TOP = LinearTax(Rates(Decimal("0.408"), Decimal("0.238")), Decimal("0.37"))
RATES = st.decimals(0, Decimal("0.5"), places=2)
TAXES = st.builds(LinearTax, st.builds(Rates, RATES, RATES), RATES, RATES, st.integers(0, 40).map(Decimal))
BOOKED = st.builds(Gains, st.integers(-60, 60).map(Decimal), st.integers(-60, 60).map(Decimal))


def make_lot(name, quantity, gain, term) -> LotForSale:
    return LotForSale(name, Decimal(quantity), Fraction(gain), term)


SHORT_30, LONG_35 = make_lot("X1", 100, -30, Term.SHORT), make_lot("X2", 100, -35, Term.LONG)


@st.composite
def sales(draw):
    sizes = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(-30, 30), st.sampled_from(Term)), min_size=1))
    lots = [make_lot(str(at), *size) for at, size in enumerate(sizes[:4])]
    return lots, draw(st.integers(1, sum(int(lot.quantity) for lot in lots)))


def every_mix(lots, quantity, tax, so_far):
    for taken in product(*(range(int(lot.quantity) + 1) for lot in lots)):
        if sum(taken) == quantity:
            shares = {lot.lot_id: Decimal(count) for lot, count in zip(lots, taken, strict=True)}
            yield mix_of(lots, shares, tax=tax, so_far=so_far)


@given(sales(), TAXES, BOOKED)
@settings(max_examples=200)
def test_no_mix_of_whole_shares_pays_less(sale, tax, so_far):
    lots, quantity = sale
    best = best_lots(lots, Decimal(quantity), tax=tax, so_far=so_far)
    assert best.tax_change == min(mix.tax_change for mix in every_mix(lots, quantity, tax, so_far))
    assert sum(best.shares.values()) == quantity
    assert best == mix_of(lots, best.shares, tax=tax, so_far=so_far)


@pytest.mark.parametrize(
    ("so_far", "shares", "change", "short_first"),
    [
        pytest.param((3000, 0), (0, 100), "-1409", "-1224", id="a short gain is netted best by the larger long loss"),
        pytest.param((0, 3000), (0, 100), "-899", "-714", id="and so is a long gain"),
        pytest.param((3000, 3000), (100, 0), "-1224", "-1224", id="with both, each loss nets its own term"),
        pytest.param((0, 0), (0, 100), "-1110", "-1110", id="among equals the larger loss is carried"),
        pytest.param((6000, 0), (0, 100), "-1428", "-1224", id="a large short gain"),
    ],
)
def test_true_netting_decides_and_not_the_rates_of_the_lots(so_far, shares, change, short_first):
    booked, lots = Gains(*map(Decimal, so_far)), [SHORT_30, LONG_35]
    best = best_lots(lots, Decimal(100), tax=TOP, so_far=booked)
    assert (best.shares, best.tax_change) == ({"X1": shares[0], "X2": shares[1]}, Fraction(change))
    naive = mix_of(lots, in_order(lots, Decimal(100)), tax=TOP, so_far=booked)
    assert naive.tax_change == Fraction(short_first)


def test_a_mix_may_split_both_terms_where_a_gain_changes_its_sign():
    lots = [make_lot("S", 100, -40, Term.SHORT), make_lot("L", 100, -40, Term.LONG)]
    best = best_lots(lots, Decimal(100), tax=TOP, so_far=Gains(Decimal(2000), Decimal(2000)))
    assert best.tax_change == -2000 * Fraction("0.408") - 2000 * Fraction("0.238")
    mixed = best_lots(lots, Decimal(100), tax=TOP, so_far=Gains(Decimal(2000), Decimal(9000)))
    assert (mixed.shares["S"], mixed.shares["L"]) == (50, 50)


@pytest.mark.parametrize(
    ("step", "short", "change"), [("1", "3", "-74"), ("0.01", "2.25", "-74.75"), ("7", "7", "-70")]
)
def test_finer_steps_find_finer_mixes(step, short, change):
    lots = [make_lot("S", 10, -40, Term.SHORT), make_lot("L", 10, -50, Term.LONG)]
    tax = LinearTax(Rates(Decimal("0.4"), Decimal("0.1")), Decimal(0))
    so_far = Gains(Decimal(90), Decimal(1000))
    best = best_lots(lots, Decimal(10), tax=tax, so_far=so_far, step=Decimal(step))
    assert best.shares == {"S": Decimal(short), "L": 10 - Decimal(short)}
    assert best.tax_change == Fraction(change)


def test_a_sale_sees_lots_at_its_price_and_on_its_day():
    lots = [
        Lot("OLD", date(2024, 3, 1), Decimal(3), Decimal(100)),
        Lot("NEW", date(2026, 3, 2), Decimal(4), Decimal(200)),
    ]
    assert for_sale(lots, price=Decimal(40), sold_on=date(2026, 3, 2)) == [
        make_lot("OLD", 3, Fraction(20, 3), Term.LONG),
        make_lot("NEW", 4, -10, Term.SHORT),
    ]


def test_lots_of_fractional_shares_are_sold_to_the_last_part():
    lots = [make_lot("A", "10.5", -3, Term.SHORT), make_lot("B", "2.25", 4, Term.LONG)]
    best = best_lots(lots, Decimal("12.75"), tax=TOP)
    assert best.shares == {"A": Decimal("10.5"), "B": Decimal("2.25")}


def test_more_than_there_is_cannot_be_sold():
    with pytest.raises(NotEnoughShares, match="hold 200 shares, not 201"):
        best_lots([SHORT_30, LONG_35], Decimal(201), tax=TOP)


@pytest.mark.parametrize(("lots", "quantity"), [([SHORT_30], 0), ([SHORT_30, SHORT_30], 5)])
def test_a_sale_needs_shares_of_lots_that_can_be_told_apart(lots, quantity):
    with pytest.raises(ValueError, match="positive quantity and step"):
        best_lots(lots, Decimal(quantity), tax=TOP)


def test_a_lot_holds_something():
    with pytest.raises(ValueError, match="positive quantity"):
        make_lot("E", 0, 1, Term.LONG)
