"""Tax lots: the holding period, and which lots a sale takes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rebalancer.engine.lots import (
    Lot,
    NotEnoughShares,
    Pick,
    Rates,
    Relief,
    Term,
    first_long_term_on,
    gain,
    relieve,
    remaining,
    tax,
    term,
)
from rebalancer.engine.money import minus, total

SOLD_ON = date(2026, 11, 20)
TOP_RATES = Rates(short=Decimal("0.408"), long=Decimal("0.238"))


def make_lot(lot_id="X", acquired_on=date(2024, 1, 2), quantity=100, per_share="10", **more) -> Lot:
    return Lot(lot_id, acquired_on, Decimal(quantity), Decimal(quantity) * Decimal(per_share), **more)


SIX = [
    make_lot("OLD", date(2019, 3, 15), per_share="20"),
    make_lot("MID", date(2024, 6, 10), per_share="48"),
    make_lot("JUST_LONG", date(2025, 11, 19), per_share="62"),
    make_lot("ANNIVERSARY", date(2025, 11, 20), per_share="55"),
    make_lot("CHEAP_NEW", date(2026, 7, 1), per_share="45"),
    make_lot("DEAR_NEW", date(2026, 8, 3), per_share="70"),
]


def sell(lots, quantity, by, *, price="50", rates=TOP_RATES, **more):
    return relieve(lots, quantity=Decimal(quantity), price=Decimal(price), sold_on=SOLD_ON, by=by, rates=rates, **more)


@pytest.mark.parametrize(
    ("acquired_on", "long_on"),
    [
        pytest.param("2025-11-20", "2026-11-21", id="the day after the anniversary"),
        pytest.param("2024-02-29", "2025-03-01", id="a leap day is a month's end"),
        pytest.param("2023-02-28", "2024-03-01", id="the end of February runs past the leap day"),
        pytest.param("2024-02-28", "2025-03-01", id="the day before a leap day counts from it"),
        pytest.param("2025-04-30", "2026-05-01", id="a month's end runs to the first of a month"),
        pytest.param("2025-12-31", "2027-01-01", id="a year's end runs to New Year"),
        pytest.param("2026-01-30", "2027-01-31", id="the day before a month's end"),
    ],
)
def test_long_term_begins_after_more_than_a_year(acquired_on, long_on):
    assert first_long_term_on(date.fromisoformat(acquired_on)) == date.fromisoformat(long_on)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_the_anniversary_itself_is_short_term(acquired_on):
    assume((acquired_on.month, acquired_on.day) != (2, 29))
    anniversary = acquired_on.replace(year=acquired_on.year + 1)
    assert term(acquired_on, anniversary) is Term.SHORT
    assert term(acquired_on, first_long_term_on(acquired_on)) is Term.LONG


def test_inherited_shares_are_long_term_at_once():
    assert make_lot(acquired_on=SOLD_ON, inherited=True).term(SOLD_ON) is Term.LONG


def test_a_sale_before_the_acquisition_has_no_term():
    with pytest.raises(ValueError, match="cannot have been sold"):
        term(date(2026, 1, 2), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("by", "quantity", "expected"),
    [
        pytest.param(Relief.FIFO, 250, {"OLD": 100, "MID": 100, "JUST_LONG": 50}, id="fifo takes the oldest"),
        pytest.param(Relief.LIFO, 250, {"DEAR_NEW": 100, "CHEAP_NEW": 100, "ANNIVERSARY": 50}, id="lifo the newest"),
        pytest.param(Relief.HIFO, 250, {"DEAR_NEW": 100, "JUST_LONG": 100, "ANNIVERSARY": 50}, id="hifo the dearest"),
        pytest.param(Relief.LOFO, 250, {"OLD": 100, "CHEAP_NEW": 100, "MID": 50}, id="lofo the cheapest"),
        pytest.param(
            Relief.MIN_TAX,
            450,
            {"DEAR_NEW": 100, "ANNIVERSARY": 100, "JUST_LONG": 100, "MID": 100, "OLD": 50},
            id="min tax empties the long gains before a short gain",
        ),
        pytest.param(
            Relief.LEAST_TAX,
            450,
            {"DEAR_NEW": 100, "JUST_LONG": 100, "ANNIVERSARY": 100, "MID": 100, "CHEAP_NEW": 50},
            id="least tax takes a small short gain before a large long one",
        ),
    ],
)
def test_relieve_takes_lots_in_the_order_of_the_method(by, quantity, expected):
    picks = sell(SIX, quantity, by)
    assert [(pick.lot_id, pick.quantity) for pick in picks] == list(expected.items())


def test_the_category_order_is_not_the_least_tax():
    assert tax(sell(SIX, 450, Relief.MIN_TAX), TOP_RATES) == Decimal(-901)
    assert tax(sell(SIX, 450, Relief.LEAST_TAX), TOP_RATES) == Decimal(-1156)


def test_a_pick_states_its_gain_and_term():
    picks = sell(SIX, 250, Relief.FIFO)
    assert [(pick.gain, pick.term) for pick in picks] == [(3000, Term.LONG), (200, Term.LONG), (-600, Term.LONG)]
    assert gain(picks, Term.SHORT) == 0
    assert gain(picks, Term.LONG) == 2600


@pytest.mark.parametrize("by", [by for by in Relief if by is not Relief.SPECIFIC])
def test_equal_lots_are_taken_by_age_and_then_by_name(by):
    twins = [make_lot("B"), make_lot("C"), make_lot("A")]
    assert [pick.lot_id for pick in sell(twins, 300, by)] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("specific", "expected"),
    [
        pytest.param([("MID", 30), ("OLD", 70)], {"MID": 30, "OLD": 70}, id="named lots in the order named"),
        pytest.param([("MID", 30)], {"MID": 30, "OLD": 70}, id="what is not named falls to the earliest"),
        pytest.param([], {"OLD": 100}, id="no name at all is first in first out"),
        pytest.param([("OLD", 40)], {"OLD": 100}, id="the rest may fall to the named lot"),
    ],
)
def test_specific_identification(specific, expected):
    named = [(lot_id, Decimal(quantity)) for lot_id, quantity in specific]
    picks = sell(SIX, 100, Relief.SPECIFIC, specific=named)
    assert {pick.lot_id: pick.quantity for pick in picks} == expected


@pytest.mark.parametrize(
    ("quantity", "by", "more", "error"),
    [
        pytest.param("600.000001", Relief.FIFO, {}, NotEnoughShares, id="more than all lots"),
        pytest.param("50", Relief.SPECIFIC, {"specific": [("OLD", Decimal(101))]}, NotEnoughShares, id="over a lot"),
        pytest.param("50", Relief.SPECIFIC, {"specific": [("OLD", Decimal(51))]}, ValueError, id="more than is sold"),
        pytest.param("50", Relief.SPECIFIC, {"specific": [("LOST", Decimal(1))]}, ValueError, id="an unknown lot"),
        pytest.param("50", Relief.LEAST_TAX, {"rates": None}, ValueError, id="least tax at no rates"),
        pytest.param("0", Relief.FIFO, {}, ValueError, id="nothing sold"),
        pytest.param("1", Relief.FIFO, {"price": "-1"}, ValueError, id="a negative price"),
    ],
)
def test_a_sale_that_cannot_be_is_refused(quantity, by, more, error):
    with pytest.raises(error):
        sell(SIX, quantity, by, **more)


def test_shares_bought_after_the_sale_are_not_there_yet():
    lots = [make_lot("LATER", date(2026, 11, 23)), make_lot("NOW", SOLD_ON, quantity=10)]
    assert [pick.lot_id for pick in sell(lots, 10, Relief.LIFO)] == ["NOW"]
    with pytest.raises(NotEnoughShares):
        sell(lots, 11, Relief.LIFO)


@pytest.mark.parametrize(
    ("quantity", "cost_basis"),
    [("0", "1"), ("-1", "1"), ("NaN", "1"), ("1", "-0.01"), ("1", "Infinity")],
)
def test_a_wrong_lot_cannot_be_built(quantity, cost_basis):
    with pytest.raises(ValueError, match="Lot X must"):
        Lot("X", SOLD_ON, Decimal(quantity), Decimal(cost_basis))


QUANTITIES = st.decimals("0.000001", "1000", places=6)
LOTS = st.lists(
    st.tuples(st.dates(date(2024, 1, 1), SOLD_ON), QUANTITIES, st.decimals(0, 100_000, places=2)),
    min_size=1,
    max_size=5,
).map(lambda rows: [Lot(f"L{at}", *row) for at, row in enumerate(rows)])


@given(LOTS, st.sampled_from([by for by in Relief if by is not Relief.SPECIFIC]), st.data())
def test_selling_bit_by_bit_conserves_quantity_and_basis_to_the_micro(lots, by, data):
    held, taken = list(lots), list[Pick]()
    while held:
        left = total([lot.quantity for lot in held])
        quantity = data.draw(st.decimals("0.000001", left, places=6)) if len(taken) < 6 else left
        picks = sell(held, quantity, by)
        assert total([pick.quantity for pick in picks]) == quantity
        assert all(pick.gain == minus(pick.proceeds, pick.cost_basis) for pick in picks)
        taken += picks
        held = remaining(held, picks)
    for lot in lots:
        own = [pick for pick in taken if pick.lot_id == lot.lot_id]
        assert total([pick.quantity for pick in own]) == lot.quantity
        assert total([pick.cost_basis for pick in own]) == lot.cost_basis


SMALL_LOTS = st.lists(
    st.tuples(st.dates(date(2025, 6, 1), SOLD_ON), st.integers(1, 4), st.integers(0, 30)), min_size=1, max_size=4
).map(lambda rows: [make_lot(f"L{at}", on, quantity, per_share) for at, (on, quantity, per_share) in enumerate(rows)])


@given(SMALL_LOTS, st.data())
def test_no_choice_of_lots_pays_less_than_the_least_tax(lots, data):
    sold = data.draw(st.integers(1, int(total([lot.quantity for lot in lots]))))
    least = tax(sell(lots, sold, Relief.LEAST_TAX, price="15"), TOP_RATES)
    for choice in product(*(range(int(lot.quantity) + 1) for lot in lots)):
        if sum(choice) == sold:
            named = [(lot.lot_id, Decimal(n)) for lot, n in zip(lots, choice, strict=True) if n]
            assert least <= tax(sell(lots, sold, Relief.SPECIFIC, price="15", specific=named), TOP_RATES)
