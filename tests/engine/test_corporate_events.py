"""Corporate actions as events: applied, looked at, and taken back lot for lot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.corporate_events import (
    CannotApply,
    CannotReverse,
    Event,
    Merger,
    Reinvestment,
    ReturnOfCapital,
    SpinOff,
    Split,
    SymbolChange,
    apply,
)
from rebalancer.engine.lots import Lot, Term
from rebalancer.engine.money import total

ON = date(2026, 6, 1)
OLD, NEW = date(2020, 5, 4), date(2026, 3, 2)


def make_lot(lot_id, quantity, cost_basis, acquired_on=OLD) -> Lot:
    return Lot(lot_id, acquired_on, Decimal(quantity), Decimal(cost_basis))


def make(kind: type[Event], **more):
    return kind(symbol="OLD", effective_on=ON, source="Form 8937", **more)


LEDGER = {"OLD": (make_lot("a", "100", "1000"), make_lot("b", "51", "1530", NEW)), "OTHER": (make_lot("z", "5", "50"),)}

EVENTS = [
    pytest.param(
        make(Split, new_per_old=Fraction(2)),
        {"OLD": (make_lot("a", "200", "1000"), make_lot("b", "102", "1530", NEW))},
        "0",
        [],
        id="a split",
    ),
    pytest.param(
        make(Split, new_per_old=Fraction(1, 2), cash_in_lieu=Decimal(15)),
        {"OLD": (make_lot("a", "49.5", "990"), make_lot("b", "25.5", "1530", NEW))},
        "15",
        [("a", "15", "10", Term.LONG)],
        id="a reverse split, the fraction of the position paid out of the earliest lot",
    ),
    pytest.param(
        make(SpinOff, spun_symbol="SPUN", spun_per_parent=Fraction(1, 2), parent_weight=Decimal("0.8")),
        {
            "OLD": (make_lot("a", "100", "800"), make_lot("b", "51", "1224", NEW)),
            "SPUN": (make_lot("a-SPUN", "50", "200"), make_lot("b-SPUN", "25.5", "306", NEW)),
        },
        "0",
        [],
        id="a spin-off",
    ),
    pytest.param(
        make(Merger, new_symbol="OTHER", new_per_old=Fraction(3)),
        {"OTHER": (make_lot("z", "5", "50"), make_lot("a", "300", "1000"), make_lot("b", "153", "1530", NEW))},
        "0",
        [],
        id="a merger for shares, into lots that are there",
    ),
    pytest.param(
        make(Merger, cash_per_share=Decimal(20)),
        {},
        "3020",
        [("a", "2000", "1000", Term.LONG), ("b", "1020", "1530", Term.SHORT)],
        id="a merger for cash",
    ),
    pytest.param(
        make(Merger, new_symbol="NEW", new_per_old=Fraction(1), cash_per_share=Decimal(6), new_price=Decimal(18)),
        {"NEW": (make_lot("a", "100", "1000"), make_lot("b", "51", "1224", NEW))},
        "906",
        [("a", "600", "0", Term.LONG), ("b", "306", "306", Term.SHORT)],
        id="a merger for shares and cash: gain up to the cash, a loss never",
    ),
    pytest.param(
        make(ReturnOfCapital, per_share=Decimal(12)),
        {"OLD": (make_lot("a", "100", "0"), make_lot("b", "51", "918", NEW))},
        "1812",
        [("a", "1200", "1000", Term.LONG)],
        id="a return of capital beyond the basis of one lot",
    ),
    pytest.param(
        make(Reinvestment, lot_id="c", dividend=Decimal("30.20"), price=Decimal("15.10")),
        {"OLD": (*LEDGER["OLD"], make_lot("c", "2", "30.20", ON))},
        "0",
        [],
        id="a reinvested dividend",
    ),
    pytest.param(make(SymbolChange, new_symbol="NEW"), {"NEW": LEDGER["OLD"]}, "0", [], id="a change of symbol"),
]


@pytest.mark.parametrize(("event", "lots", "cash", "realised"), EVENTS)
def test_an_event_changes_lots_pays_cash_and_brings_gains(event, lots, cash, realised):
    after, applied = apply(event, LEDGER)
    assert after == {"OTHER": LEDGER["OTHER"]} | lots
    assert applied.cash == Decimal(cash)
    found = [(r.lot_id, r.proceeds, r.cost_basis, r.term) for r in applied.realised]
    assert found == [(lot_id, Decimal(proceeds), Decimal(basis), term) for lot_id, proceeds, basis, term in realised]


@pytest.mark.parametrize(("event", "lots", "cash", "realised"), EVENTS)
def test_an_event_that_is_taken_back_leaves_nothing(event, lots, cash, realised):
    after, applied = apply(event, LEDGER)
    assert applied.reverse(after) == LEDGER


def test_a_reinvested_dividend_is_income():
    _, applied = apply(make(Reinvestment, lot_id="c", dividend=Decimal(30), price=Decimal(15)), {})
    assert (applied.income, applied.cash) == (30, 0)


def test_what_happened_to_other_symbols_since_stays():
    after, applied = apply(make(SymbolChange, new_symbol="NEW"), LEDGER)
    after = {**after, "OTHER": (make_lot("y", "1", "1"),)}
    assert applied.reverse(after) == {"OLD": LEDGER["OLD"], "OTHER": (make_lot("y", "1", "1"),)}


def test_an_event_cannot_be_taken_back_after_its_lots_have_changed():
    after, applied = apply(make(Split, new_per_old=Fraction(2)), LEDGER)
    with pytest.raises(CannotReverse, match="The lots of OLD have changed since 2026-06-01"):
        applied.reverse({**after, "OLD": after["OLD"][:1]})


def test_events_are_taken_back_in_the_opposite_order():
    first, split = apply(make(Split, new_per_old=Fraction(3)), LEDGER)
    second, change = apply(make(SymbolChange, new_symbol="NEW"), first)
    with pytest.raises(CannotReverse):
        split.reverse(second)
    assert split.reverse(change.reverse(second)) == LEDGER


@pytest.mark.parametrize(
    ("event", "ledger"),
    [
        pytest.param(make(Split, new_per_old=Fraction(2)), {}, id="no lots"),
        pytest.param(make(Split, new_per_old=Fraction(2), cash_in_lieu=Decimal(1)), LEDGER, id="no fraction"),
        pytest.param(make(SymbolChange, new_symbol="NEW"), {**LEDGER, "NEW": LEDGER["OLD"]}, id="names that are taken"),
        pytest.param(make(Merger, new_per_old=Fraction(1)), LEDGER, id="shares of nothing"),
        pytest.param(
            make(Merger, new_symbol="NEW", new_per_old=Fraction(1), cash_per_share=Decimal(1)), LEDGER, id="no value"
        ),
        pytest.param(make(Reinvestment, lot_id="a", dividend=Decimal(1), price=Decimal(1)), LEDGER, id="a name again"),
        pytest.param(make(SymbolChange, new_symbol="OLD"), LEDGER, id="the same symbol"),
    ],
)
def test_what_cannot_be_applied_is_refused(event, ledger):
    with pytest.raises(CannotApply):
        apply(event, ledger)


def test_an_event_says_where_it_is_known_from():
    with pytest.raises(ValueError, match="known from"):
        Split(symbol="OLD", effective_on=ON, source="", new_per_old=Fraction(2))


LOTS = st.lists(
    st.tuples(st.decimals("1", "5000", places=6), st.decimals(0, 10**6, places=2), st.sampled_from([OLD, NEW])),
    min_size=1,
    max_size=6,
).map(lambda rows: tuple(make_lot(f"l{at}", *row) for at, row in enumerate(rows)))
RATIOS = st.fractions(Fraction(1, 20), 20, max_denominator=20)
DOLLARS = st.decimals("0.01", "90", places=2)
CASH_OR_NONE = st.none() | DOLLARS
ANY_EVENT = st.one_of(
    st.builds(lambda r, c: make(Split, new_per_old=r, cash_in_lieu=c), RATIOS, CASH_OR_NONE),
    st.builds(
        lambda r, w, c: make(SpinOff, spun_symbol="NEW", spun_per_parent=r, parent_weight=w, cash_in_lieu=c),
        RATIOS,
        st.decimals(0, 1, places=4),
        CASH_OR_NONE,
    ),
    st.builds(lambda r, c: make(Merger, new_symbol="NEW", new_per_old=r, cash_in_lieu=c), RATIOS, CASH_OR_NONE),
    st.builds(
        lambda r, b, p: make(Merger, new_symbol="NEW", new_per_old=r, cash_per_share=b, new_price=p),
        RATIOS,
        DOLLARS,
        DOLLARS,
    ),
    st.builds(lambda b: make(Merger, cash_per_share=b), DOLLARS),
    st.builds(lambda b: make(ReturnOfCapital, per_share=b), DOLLARS),
    st.builds(lambda b, p: make(Reinvestment, lot_id="new", dividend=b, price=p), DOLLARS, DOLLARS),
    st.just(make(SymbolChange, new_symbol="NEW")),
)


@given(LOTS, ANY_EVENT)
def test_any_event_can_be_taken_back(lots, event):
    ledger = {"OLD": lots, "NEW": (make_lot("there", "1", "1"),)}
    try:
        after, applied = apply(event, ledger)
    except CannotApply:
        return
    assert applied.reverse(after) == ledger


@given(LOTS, ANY_EVENT)
def test_basis_and_gains_become_basis_and_cash(lots, event):
    try:
        after, applied = apply(event, {"OLD": lots})
    except CannotApply:
        return
    left = total([lot.cost_basis for held in after.values() for lot in held])
    gains = total([realised.gain for realised in applied.realised])
    assert total([lot.cost_basis for lot in lots]) + gains + applied.income == left + applied.cash
