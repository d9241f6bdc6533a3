"""Gifts and average cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import Lot, Relief, Term, relieve, remaining
from rebalancer.engine.taxes.basis import GiftBasis, GiftSale, at_average_cost, average_cost, gift_term, sell_gift

AMOUNTS = st.decimals(0, 100_000, places=2)


@pytest.mark.parametrize(
    ("market_value", "proceeds", "gain", "basis", "by"),
    [
        pytest.param(8000, 12000, 2000, 10000, GiftBasis.DONOR, id="a gain over the donor's basis"),
        pytest.param(8000, 9000, 0, 9000, GiftBasis.NEITHER, id="between the two"),
        pytest.param(8000, 10000, 0, 10000, GiftBasis.NEITHER, id="at the donor's basis"),
        pytest.param(8000, 8000, 0, 8000, GiftBasis.NEITHER, id="at the market value"),
        pytest.param(8000, 7000, -1000, 8000, GiftBasis.MARKET, id="a loss under the market value"),
        pytest.param(15000, 7000, -3000, 10000, GiftBasis.DONOR, id="a loss on what had risen"),
        pytest.param(15000, 12000, 2000, 10000, GiftBasis.DONOR, id="a gain on what had risen"),
    ],
)
def test_a_gift_has_two_bases_when_it_had_fallen(market_value, proceeds, gain, basis, by):
    sale = sell_gift(donor_basis=Decimal(10000), market_value=Decimal(market_value), proceeds=Decimal(proceeds))
    assert sale == GiftSale(Decimal(gain), Decimal(basis), by)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_a_gain_on_a_gift_is_what_came_in_less_the_basis(donor_basis, market_value, proceeds):
    sale = sell_gift(donor_basis=donor_basis, market_value=market_value, proceeds=proceeds)
    assert sale.gain == proceeds - sale.basis
    assert sale.gain >= proceeds - donor_basis


@pytest.mark.parametrize(
    ("by", "term"), [(GiftBasis.DONOR, Term.LONG), (GiftBasis.MARKET, Term.SHORT), (GiftBasis.NEITHER, Term.LONG)]
)
def test_the_donors_holding_period_comes_with_the_donors_basis(by, term):
    held = gift_term(donor_acquired_on=date(2020, 1, 2), given_on=date(2026, 3, 2), sold_on=date(2026, 9, 1), by=by)
    assert held is term


def test_a_gift_was_acquired_before_it_was_given():
    with pytest.raises(ValueError, match="cannot have been given"):
        gift_term(
            donor_acquired_on=date(2026, 1, 2), given_on=date(2025, 3, 2), sold_on=date(2026, 9, 1), by=GiftBasis.DONOR
        )


def test_a_gift_is_not_negative():
    with pytest.raises(ValueError, match="zero or more"):
        sell_gift(donor_basis=Decimal(-1), market_value=Decimal(0), proceeds=Decimal(0))


def make_lot(name, on, quantity, cost) -> Lot:
    return Lot(name, date.fromisoformat(on), Decimal(quantity), Decimal(cost))


FUND = [
    make_lot("A", "2010-01-03", 100, 1000),
    make_lot("B", "2010-12-15", 10, 120),
    make_lot("C", "2011-01-02", 100, 1400),
]


def test_all_shares_of_a_fund_cost_the_same_and_the_earliest_leave_first():
    assert average_cost(FUND) == 12
    pooled = at_average_cost(FUND)
    assert [lot.cost_basis for lot in pooled] == [1200, 120, 1200]
    picks = relieve(pooled, quantity=Decimal(105), price=Decimal(17), sold_on=date(2011, 6, 1), by=Relief.FIFO)
    assert [(pick.lot_id, pick.cost_basis, pick.gain, pick.term) for pick in picks] == [
        ("A", 1200, 500, Term.LONG),
        ("B", 60, 25, Term.SHORT),
    ]
    assert average_cost(remaining(pooled, picks)) == 12


@given(st.lists(st.tuples(st.integers(1, 9999), st.decimals(0, 9999, places=2)), min_size=1, max_size=6))
def test_averaging_keeps_the_whole_basis(sizes):
    lots = [make_lot(str(at), "2020-01-02", quantity, cost) for at, (quantity, cost) in enumerate(sizes)]
    pooled = at_average_cost(lots)
    assert sum(lot.cost_basis for lot in pooled) == sum(lot.cost_basis for lot in lots)
    assert average_cost(pooled) == average_cost(lots)
    for lot in pooled:
        assert abs(Fraction(lot.cost_basis) - average_cost(lots) * Fraction(lot.quantity)) < Fraction(1, 10**6)


def test_an_average_needs_lots_that_can_be_told_apart():
    assert at_average_cost([]) == []
    with pytest.raises(ValueError, match="no shares"):
        average_cost([])
    with pytest.raises(ValueError, match="different names"):
        at_average_cost([FUND[0], FUND[0]])
