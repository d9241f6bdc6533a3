"""The impact of an order, against the figures of the paper's own table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.market_impact import market_impact

IBM = {"turnover_days": 263, "sigma": 0.0157}
DRI = {"turnover_days": 87.1, "sigma": 0.0226}


@pytest.mark.parametrize(
    ("stock", "days", "permanent", "temporary", "realised"),
    [
        pytest.param(IBM, 0.1, 20, 22, 32, id="IBM in a tenth of a day"),
        pytest.param(IBM, 0.2, 20, 15, 25, id="IBM in a fifth of a day"),
        pytest.param(IBM, 0.5, 20, 8, 18, id="IBM in half a day"),
        pytest.param(DRI, 0.1, 22, 32, 43, id="DRI in a tenth of a day"),
        pytest.param(DRI, 0.2, 22, 21, 32, id="DRI in a fifth of a day"),
        pytest.param(DRI, 0.5, 22, 12, 23, id="DRI in half a day"),
    ],
)
def test_a_tenth_of_a_days_volume_costs_what_the_paper_prints(stock, days, permanent, temporary, realised):
    found = market_impact(part_of_volume=0.1, days=days, **stock)
    points = [round(part * 10_000) for part in (found.permanent, found.temporary, found.realised)]
    assert points == [permanent, temporary, realised]


@given(st.floats(1e-6, 1), st.floats(0.01, 5), st.floats(1, 1000), st.floats(0.001, 0.1), st.floats(1.1, 10))
def test_permanent_impact_is_linear_in_the_order_and_temporary_follows_the_three_fifths_power(
    part, days, turn, sigma, k
):
    one = market_impact(part_of_volume=part, days=days, turnover_days=turn, sigma=sigma)
    other = market_impact(part_of_volume=part * k, days=days, turnover_days=turn, sigma=sigma)
    slower = market_impact(part_of_volume=part * k, days=days * k, turnover_days=turn, sigma=sigma)
    assert math.isclose(other.permanent, k * one.permanent)
    assert math.isclose(other.temporary, k**0.6 * one.temporary)
    assert math.isclose(slower.temporary, one.temporary)


def test_no_order_moves_nothing():
    assert market_impact(part_of_volume=0, days=1, **IBM).realised == 0


@pytest.mark.parametrize(("part", "days"), [(-0.1, 1), (0.1, 0)])
def test_what_cannot_be_is_refused(part, days):
    with pytest.raises(ValueError):
        market_impact(part_of_volume=part, days=days, **IBM)
