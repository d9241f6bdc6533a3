"""Bands for accounts that are looked at now and then, against the continuous closed form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.closed_forms import Edges, Sleeve, at_calendar, at_threshold, no_trade_band
from rebalancer.engine.review_bands import best_reviewed_band

BASE = Sleeve(weight=0.6, sigma=0.15, gamma=4)


@pytest.mark.parametrize(
    ("per_year", "band", "cost_bp"), [(52, 0.0250, 0.352), (12, 0.0218, 0.362)], ids=["weekly", "monthly"]
)
def test_the_base_case_has_the_published_figures(per_year, band, cost_bp):
    found = best_reviewed_band(BASE, cost=0.001, reviews_per_year=per_year)
    assert (round(found.band, 4), round(found.cost * 10_000, 3)) == (band, cost_bp)


def test_rarer_looks_narrow_the_band_and_cost_more():
    found = [best_reviewed_band(BASE, cost=0.001, reviews_per_year=looks) for looks in (252, 52, 12, 4, 1)]
    bands, costs = [each.band for each in found], [each.cost for each in found]
    assert bands == sorted(bands, reverse=True)
    assert costs == sorted(costs)


@settings(max_examples=12, deadline=None)
@given(
    st.builds(Sleeve, st.floats(0.2, 0.8), st.floats(0.08, 0.3), st.floats(2, 8)),
    st.floats(0.0005, 0.004),
    st.sampled_from([4, 12]),
)
def test_the_cost_lies_between_watching_always_and_trading_on_every_date(sleeve, cost, looks):
    found = best_reviewed_band(sleeve, cost=cost, reviews_per_year=looks)
    band = no_trade_band(sleeve, cost=cost)
    assert found.band <= band
    assert at_threshold(sleeve, Edges(band, band), cost=cost).cost <= found.cost * 1.005
    assert found.cost <= at_calendar(sleeve, 1 / looks, cost=cost).cost * 1.005


def test_without_a_cost_there_is_no_band_and_only_the_drift_between_dates():
    found = best_reviewed_band(BASE, cost=0.0, reviews_per_year=12)
    assert found.band == pytest.approx(0, abs=1e-12)
    assert math.isclose(found.cost, BASE.penalty * BASE.speed**2 / 12 / 4)


@pytest.mark.parametrize(("cost", "looks"), [(0.001, 0), (-0.001, 12), (1.0, 252)])
def test_what_cannot_be_solved_is_refused(cost, looks):
    with pytest.raises(ValueError):
        best_reviewed_band(BASE, cost=cost, reviews_per_year=looks)
