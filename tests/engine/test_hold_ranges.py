"""Hold ranges: what is kept, in whatever unit it is named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import BadBook
from rebalancer.engine.book_pack import pack_book, unpack_book
from rebalancer.engine.breaches import BreachCode
from rebalancer.engine.checks import Checker, check
from rebalancer.engine.hold_ranges import HoldRanges, Kept, RangeRow, RangeUnit, kept
from rebalancer.engine.optimiser import solve
from rebalancer.engine.triggers import MODES, Mode
from tests.engine.books import (
    make_account,
    make_book,
    on_target,
    overweight_equity,
    reasons,
    trades,
)
from tests.engine.optimiser.test_properties import accounts, book_of

LIQUIDATE = MODES.index(Mode.LIQUIDATE)


def at_least(symbol: str, amount: str, unit: RangeUnit = RangeUnit.SHARES) -> RangeRow:
    return RangeRow(symbol=symbol, unit=unit, lowest=Decimal(amount))


def at_most(symbol: str, amount: str, unit: RangeUnit = RangeUnit.SHARES) -> RangeRow:
    return RangeRow(symbol=symbol, unit=unit, highest=Decimal(amount))


@pytest.mark.parametrize(
    ("row", "left"),
    [
        pytest.param(at_least("VTI", "600"), 600, id="shares"),
        pytest.param(at_least("VTI", "60000", RangeUnit.DOLLARS), 600, id="dollars"),
        pytest.param(at_least("VTI", "0.60", RangeUnit.WEIGHT), 600, id="weight"),
        pytest.param(at_least("VTI", "599.5"), 600, id="a part of a share counts as one"),
        pytest.param(at_least("VTI", "700"), 660, id="what is already below stays"),
        pytest.param(at_least("VTI", "100"), 500, id="an end that is not reached"),
    ],
)
def test_no_more_is_sold_than_the_range_allows(row, left):
    book = make_book(overweight_equity(ranges=(row,)))
    decision = solve(book, slider=1.0)[0]
    assert check(book, decision) == []
    assert 660 + trades(decision).get("VTI", 0) == left
    assert (reasons(decision).get("VTI") == "HELD_RANGE") == (left > 500)


@pytest.mark.parametrize(
    ("row", "bought"),
    [
        pytest.param(at_most("VTI", "300"), 300, id="shares"),
        pytest.param(at_most("VTI", "30000", RangeUnit.DOLLARS), 300, id="dollars"),
        pytest.param(at_most("VTI", "0.3", RangeUnit.WEIGHT), 300, id="weight"),
        pytest.param(at_most("VTI", "0"), 0, id="nothing"),
    ],
)
def test_no_more_is_bought_than_the_range_allows(row, bought):
    book = make_book(make_account(cash="100000", ranges=(row,)))
    decision = solve(book)[0]
    assert check(book, decision) == []
    assert trades(decision).get("VTI", 0) == bought
    assert reasons(decision)["VTI"] == "HELD_RANGE"
    (why,) = [skipped.sentence for skipped in decision.skipped if skipped.symbol == "VTI"]
    assert why == "VTI is not bought further: a restriction keeps what is held of it within a range."


def test_liquidation_leaves_what_is_kept():
    book = make_book(on_target(ranges=(at_least("VTI", "120"),)))
    decision = solve(book, modes=[LIQUIDATE])[0]
    assert check(book, decision) == []
    assert {line.symbol: line.quantity_after for line in decision.securities if line.quantity_after} == {"VTI": 120}


def test_of_several_ranges_all_are_kept():
    rows = (at_least("VTI", "550"), at_least("VTI", "62000", RangeUnit.DOLLARS))
    book = make_book(overweight_equity(ranges=rows))
    assert 660 + trades(solve(book)[0])["VTI"] == 620


def test_a_trade_out_of_its_range_is_a_breach():
    free, bound = make_book(overweight_equity()), make_book(overweight_equity(ranges=(at_least("VTI", "600"),)))
    assert [breach.code for breach in check(bound, solve(free)[0])] == [BreachCode.HELD_RANGE]


ranges = st.builds(
    lambda symbol, unit, ends: RangeRow(symbol=symbol, unit=unit, lowest=ends[0], highest=ends[1]),
    st.sampled_from(("VTI", "ITOT", "VEA", "BND", "OLD")),
    st.sampled_from(RangeUnit),
    st.sampled_from([(None, Decimal("0.2")), (Decimal(40), None), (Decimal(90), Decimal(2000)), (Decimal("0.1"),) * 2]),
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(accounts, min_size=1, max_size=3, unique_by=lambda row: row.account_id),
    st.lists(ranges, max_size=4),
    st.integers(0, len(MODES) - 1),
)
def test_no_decision_leaves_a_range(rows, kept_in, mode):
    book = book_of([replace(row, ranges=tuple(kept_in)) for row in rows])
    assert Checker(book).check_all(solve(book, modes=[mode] * len(rows))) == {}


def test_a_part_of_a_book_keeps_its_ranges_and_decides_alike():
    mine = overweight_equity(account_id="B", ranges=(at_least("VTI", "600"), at_most("BND", "300")))
    book = make_book(on_target(account_id="A", ranges=(at_least("VEA", "1"),)), mine)
    part = unpack_book(pack_book(book, np.array([1])))
    assert part.ranges is not None
    assert part.ranges.account.tolist() == [0, 0]
    assert trades(solve(part)[0]) == trades(solve(book)[1])
    assert unpack_book(pack_book(make_book(on_target()), np.array([0]))).ranges is None


@pytest.mark.parametrize(
    ("unit", "end", "shares"),
    [(RangeUnit.SHARES, 5, 5), (RangeUnit.DOLLARS, 1_000_000, 333_334), (RangeUnit.WEIGHT, 500_000, 16_666_666_667)],
)
def test_a_lower_end_is_rounded_up_and_an_upper_one_down(unit, end, shares):
    row = HoldRanges(**{name: np.array([value]) for name, value in _row(unit, end).items()})
    found = kept(row, 0, price=3_000_000, value=100_000_000_000)
    assert found == Kept(shares, shares - (0 if unit is RangeUnit.SHARES else 1))


def _row(unit: RangeUnit, end: int) -> dict[str, int]:
    return {"account": 0, "security": 0, "unit": int(unit), "lowest": end, "highest": end}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param(at_least("XYZ", "1"), "no XYZ", id="an unknown symbol"),
        pytest.param(at_least("VTI", "-1"), "below zero", id="a negative end"),
        pytest.param(RangeRow(symbol="VTI", lowest=Decimal(2), highest=Decimal(1)), "above", id="the wrong way round"),
    ],
)
def test_a_range_that_cannot_be_is_refused(row, sentence):
    with pytest.raises(BadBook, match=sentence):
        make_book(make_account(ranges=(row,)))
