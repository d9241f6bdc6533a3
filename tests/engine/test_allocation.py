"""Sharing a fill: pro rata, in whole units, favouring nobody."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.allocation import Overfill, allocate


def shares_of(orders, filled, **more):
    return allocate([Decimal(order) for order in orders], Decimal(filled), **more)


@pytest.mark.parametrize(
    ("orders", "filled", "expected"),
    [
        pytest.param([500, 300, 200], 450, [225, 135, 90], id="even shares"),
        pytest.param([100, 100, 100], 100, [34, 33, 33], id="a tie of equal orders goes to the earlier"),
        pytest.param([7, 7, 7], 10, [4, 3, 3], id="one left over"),
        pytest.param([1, 3], 2, [0, 2], id="a tie of unequal orders goes to the larger"),
        pytest.param([1000, 10, 5], 200, [197, 2, 1], id="the largest remainders are served first"),
        pytest.param([500, 300, 200], 1000, [500, 300, 200], id="a full fill is what was ordered"),
        pytest.param([500, 300], 0, [0, 0], id="nothing filled"),
        pytest.param([0, 10], 5, [0, 5], id="an empty order takes nothing"),
        pytest.param([], 0, [], id="nobody"),
        pytest.param([0], 0, [0], id="nothing ordered"),
    ],
)
def test_a_partial_fill_is_shared_pro_rata(orders, filled, expected):
    assert shares_of(orders, filled) == expected


def test_fractional_shares_are_whole_units_of_a_smaller_unit():
    assert shares_of(["1.5", "0.5"], "1", unit=Decimal("0.001")) == [Decimal("0.750"), Decimal("0.250")]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), st.data())
def test_shares_sum_to_the_fill_and_stay_within_a_unit_of_pro_rata(orders, data):
    filled = data.draw(st.integers(0, sum(orders)))
    shares = shares_of(orders, filled)
    assert sum(shares) == filled
    for order, share in zip(orders, shares, strict=True):
        assert 0 <= share <= order
        assert abs(share * sum(orders) - filled * order) < max(1, sum(orders))


def test_more_than_was_ordered_is_a_break():
    with pytest.raises(Overfill, match="101 were filled, but only 100 were ordered"):
        shares_of([60, 40], 101)


@pytest.mark.parametrize(("orders", "filled"), [([10], "0.5"), (["0.5"], 0), ([-1, 5], 1)])
def test_parts_of_a_unit_are_refused(orders, filled):
    with pytest.raises(ValueError, match="not a whole number"):
        shares_of(orders, filled)
