"""Fast booking gives exactly what the plain choice of lots gives."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.booking import Booker, OutOfOrder, as_pick, book
from rebalancer.engine.lots import Lot, NotEnoughShares, Rates, Relief, relieve, remaining
from rebalancer.engine.money import from_micros, to_micros

START = date(2024, 2, 27)
TOP_RATES = Rates(short=Decimal("0.408"), long=Decimal("0.238"))
SHARE = DOLLAR = 1_000_000


def make_booker(by=Relief.FIFO, rates=TOP_RATES) -> Booker:
    booker = Booker(by, rates)
    for lot_id, day, cost in (("A", 0, 20), ("B", 400, 48), ("C", 800, 45)):
        booker.buy(lot_id, START + timedelta(days=day), 100 * SHARE, 100 * cost * DOLLAR)
    return booker


def taken(booker, shares, price=50, day=900, **more) -> list[tuple[str, int]]:
    rows = booker.sell(shares * SHARE, price * DOLLAR, START + timedelta(days=day), **more)
    return [(row.lot_id, row.quantity // SHARE) for row in rows]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (Relief.FIFO, [("A", 100), ("B", 50)]),
        (Relief.LIFO, [("C", 100), ("B", 50)]),
        (Relief.HIFO, [("B", 100), ("C", 50)]),
        (Relief.LOFO, [("A", 100), ("C", 50)]),
        (Relief.MIN_TAX, [("B", 100), ("A", 50)]),
        (Relief.LEAST_TAX, [("B", 100), ("C", 50)]),
        (Relief.SPECIFIC, [("A", 100), ("B", 50)]),
    ],
)
def test_a_sale_takes_lots_in_the_order_of_the_method(by, expected):
    assert taken(make_booker(by), 150) == expected


def test_named_lots_go_first_and_the_earliest_fill_up():
    specific = [("C", 30 * SHARE), ("A", 20 * SHARE)]
    assert taken(make_booker(Relief.SPECIFIC), 60, specific=specific) == [("C", 30), ("A", 30)]


def test_a_lot_that_was_named_whole_is_not_taken_again():
    booker = make_booker(Relief.SPECIFIC)
    assert taken(booker, 110, specific=[("A", 100 * SHARE)]) == [("A", 100), ("B", 10)]
    assert taken(booker, 100) == [("B", 90), ("C", 10)]


def test_lots_of_later_days_are_not_there_yet():
    booker = make_booker(Relief.LIFO)
    assert taken(booker, 10, day=799) == [("B", 10)]
    assert taken(booker, 10, day=800) == [("C", 10)]


def test_inherited_lots_are_long_term_at_once():
    booker = Booker(Relief.LEAST_TAX, TOP_RATES)
    booker.buy("bought", START, SHARE, 0)
    booker.buy("inherited", START, SHARE, 0, inherited=True)
    assert [row.long for row in booker.sell(2 * SHARE, DOLLAR, START)] == [True, False]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda booker: taken(booker, 301), NotEnoughShares),
        (lambda booker: taken(booker, 0), ValueError),
        (lambda booker: taken(booker, 1, price=-1), ValueError),
        (lambda booker: taken(booker, 1, day=0), OutOfOrder),
        (lambda booker: taken(booker, 5, specific=[("A", 101 * SHARE)]), NotEnoughShares),
        (lambda booker: taken(booker, 5, specific=[("A", 6 * SHARE)]), ValueError),
        (lambda booker: taken(booker, 5, specific=[("Z", SHARE)]), ValueError),
        (lambda booker: booker.buy("A", START, SHARE, 0), ValueError),
        (lambda booker: booker.buy("Z", START, 0, 0), ValueError),
        (lambda booker: booker.buy("Z", START, 2**64, 0), ValueError),
        (lambda booker: booker.buy("Z", START, 1, -1), ValueError),
    ],
)
def test_what_is_refused_changes_nothing(act, error):
    booker = make_booker(Relief.SPECIFIC)
    taken(booker, 10, day=850)
    before = [(lot.lot_id, lot.quantity, lot.cost) for lot in booker.lots.values()]
    with pytest.raises(error):
        act(booker)
    assert [(lot.lot_id, lot.quantity, lot.cost) for lot in booker.lots.values()] == before
    assert taken(booker, 290) == [("A", 90), ("B", 100), ("C", 100)]


def test_the_least_tax_needs_rates():
    with pytest.raises(ValueError, match="tax rates"):
        Booker(Relief.LEAST_TAX)


COSTS = st.one_of(st.integers(0, 6).map(lambda dollars: dollars * 100 * DOLLAR), st.integers(0, 10**13))
QUANTITIES = st.one_of(st.integers(1, 5).map(lambda shares: shares * 100 * SHARE), st.integers(1, 10**12))
BUYS = st.tuples(st.integers(0, 900), QUANTITIES, COSTS, st.sampled_from([False, False, False, True]))
SALES = st.tuples(st.integers(0, 900), st.fractions(0, 1), st.integers(0, 8).map(lambda price: price * DOLLAR))
RATES = st.builds(
    Rates,
    short=st.sampled_from([Decimal("0.408"), Decimal("0.238"), Decimal(0), Decimal("-0.1")]),
    long=st.sampled_from([Decimal("0.238"), Decimal("0.15"), Decimal(0)]),
)


@pytest.mark.parametrize("by", Relief)
@given(st.lists(BUYS, min_size=1, max_size=12), st.lists(SALES, max_size=6), RATES)
def test_it_takes_what_the_plain_rule_takes(by, buys, sales, rates):
    lots = [
        Lot(f"{at:02}", START + timedelta(days=day), from_micros(quantity), from_micros(cost), inherited)
        for at, (day, quantity, cost, inherited) in enumerate(buys)
    ]
    booker = book(lots, by, rates)
    for day, part, price in sorted(sales):
        sold_on = START + timedelta(days=day)
        held = {lot.lot_id: to_micros(lot.quantity) for lot in lots if lot.acquired_on <= sold_on}
        quantity = int(sum(held.values()) * part)
        if not quantity:
            continue
        named = half_of_some(held, quantity) if by is Relief.SPECIFIC else []
        picks = relieve(
            lots,
            quantity=from_micros(quantity),
            price=from_micros(price),
            sold_on=sold_on,
            by=by,
            rates=rates,
            specific=[(lot_id, from_micros(half)) for lot_id, half in named],
        )
        lots = remaining(lots, picks)
        assert [as_pick(row, price) for row in booker.sell(quantity, price, sold_on, specific=named)] == picks
        open_lots = [(lot.lot_id, from_micros(lot.quantity), from_micros(lot.cost)) for lot in booker.lots.values()]
        assert open_lots == [(lot.lot_id, lot.quantity, lot.cost_basis) for lot in lots]


def half_of_some(held: dict[str, int], most: int) -> list[tuple[str, int]]:
    """Every other lot, newest name first, named for half of it or all, as long as the sale is not exceeded."""
    named, left = [], most
    for place, (lot_id, quantity) in enumerate(sorted(held.items(), reverse=True)):
        wanted = quantity // 2 if place % 4 == 0 else quantity if place % 4 == 2 else 0
        if 0 < wanted <= left:
            named.append((lot_id, wanted))
            left -= wanted
    return named


@pytest.mark.parametrize("by", Relief)
@given(st.lists(BUYS, min_size=1, max_size=12))
def test_selling_everything_sells_every_cent_of_basis(by, buys):
    booker = Booker(by, TOP_RATES)
    for at, (day, quantity, cost, inherited) in enumerate(buys):
        booker.buy(f"{at}", START + timedelta(days=day), quantity, cost, inherited=inherited)
    shares = sum(quantity for _, quantity, _, _ in buys)
    rows = booker.sell(shares, DOLLAR, START + timedelta(days=900))
    assert (sum(row.quantity for row in rows), sum(row.cost_basis for row in rows)) == (
        shares,
        sum(cost for _, _, cost, _ in buys),
    )
    assert (booker.lots, booker.quantity) == ({}, 0)
