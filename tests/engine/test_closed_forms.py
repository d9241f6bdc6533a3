"""Closed forms of rebalancing: each optimum is where its cost is least, and units scale as they must."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.closed_forms import (
    Edges,
    Sleeve,
    at_calendar,
    at_threshold,
    best_calendar,
    best_edges,
    effective_cost,
    gain_band,
    gain_bands,
    horizon,
    masters_trigger,
    no_trade_band,
    relative_variance,
    to_target_band,
)

BASE = Sleeve(weight=0.6, sigma=0.15, gamma=4)
TEN_POINTS = 0.001

sleeves = st.builds(Sleeve, st.floats(0.02, 0.98), st.floats(0.02, 0.6), st.floats(0.5, 12))
costs = st.floats(1e-5, 0.1)
factors = st.floats(0.2, 5).filter(lambda factor: abs(factor - 1) > 0.01)


def in_bp(x: float) -> float:
    return round(x * 10_000, 3)


def test_the_base_case_has_the_figures_of_the_literature():
    band = no_trade_band(BASE, cost=TEN_POINTS)
    assert round(band, 4) == 0.0278
    assert in_bp(at_threshold(BASE, Edges(band, band), cost=TEN_POINTS).cost) == 0.349
    assert in_bp(at_threshold(BASE, Edges(0.05, 0.025), cost=TEN_POINTS).cost) == 0.407
    assert in_bp(at_calendar(BASE, 0.25, cost=TEN_POINTS).cost) == 0.647


@given(sleeves, costs, factors)
def test_no_other_band_costs_less_when_trading_to_the_edge(sleeve, cost, factor):
    band = no_trade_band(sleeve, cost=cost)
    other = band * factor
    least = at_threshold(sleeve, Edges(band, band), cost=cost).cost
    assert least < at_threshold(sleeve, Edges(other, other), cost=cost).cost


@given(sleeves, costs, factors)
def test_no_other_band_costs_less_when_trading_to_target(sleeve, cost, factor):
    band = to_target_band(sleeve, cost=cost)
    least = at_threshold(sleeve, Edges(band, 0.0), cost=cost).cost
    assert least < at_threshold(sleeve, Edges(band * factor, 0.0), cost=cost).cost
    assert math.isclose(band, 4 ** (1 / 3) * no_trade_band(sleeve, cost=cost))


@given(sleeves, costs, factors)
def test_no_other_calendar_costs_less(sleeve, cost, factor):
    years = best_calendar(sleeve, cost=cost)
    assert at_calendar(sleeve, years, cost=cost).cost < at_calendar(sleeve, years * factor, cost=cost).cost


@given(sleeves, costs, st.floats(1e-7, 1e-3), st.floats(0.5, 2), st.floats(0, 1))
def test_no_other_threshold_and_destination_cost_less_with_a_fixed_cost(sleeve, cost, fixed, factor, part):
    best = best_edges(sleeve, cost=cost, fixed=fixed)
    other = Edges(best.trigger * factor, best.trigger * factor * part * 0.999)
    least = at_threshold(sleeve, best, cost=cost, fixed=fixed).cost
    assert least <= at_threshold(sleeve, other, cost=cost, fixed=fixed).cost * (1 + 1e-9)


@pytest.mark.parametrize(
    ("cost", "fixed", "trigger", "destination"),
    [
        pytest.param(0.001, 0.00005, 0.0600, 0.0103, id="a fixed cost leaves the destination inside"),
        pytest.param(0.001, 0.0, 0.0278, 0.0278, id="no fixed cost trades to the edge"),
        pytest.param(0.0, 0.00005, 0.0542, 0.0, id="only a fixed cost trades to target"),
    ],
)
def test_the_destination_depends_on_which_cost_matters(cost, fixed, trigger, destination):
    best = best_edges(BASE, cost=cost, fixed=fixed)
    assert (round(best.trigger, 4), round(best.destination, 4)) == (trigger, destination)


@given(sleeves, costs, st.floats(0.1, 10))
def test_volatility_cancels_in_the_band(sleeve, cost, louder):
    other = Sleeve(sleeve.weight, sleeve.sigma * louder, sleeve.gamma)
    assert math.isclose(no_trade_band(sleeve, cost=cost), no_trade_band(other, cost=cost))


@given(sleeves, costs)
def test_the_band_grows_with_the_cube_root_of_cost(sleeve, cost):
    assert math.isclose(no_trade_band(sleeve, cost=8 * cost), 2 * no_trade_band(sleeve, cost=cost))


@given(sleeves, costs)
def test_a_band_is_the_same_for_a_sleeve_and_for_the_rest_of_it(sleeve, cost):
    rest = Sleeve(1 - sleeve.weight, sleeve.sigma, sleeve.gamma)
    assert math.isclose(no_trade_band(sleeve, cost=cost), no_trade_band(rest, cost=cost), rel_tol=1e-9)


@given(sleeves, costs)
def test_a_one_period_optimiser_at_the_calibrated_horizon_stops_at_the_band(sleeve, cost):
    edge = cost / (sleeve.penalty * horizon(sleeve, cost=cost))
    assert math.isclose(edge, no_trade_band(sleeve, cost=cost))


@given(sleeves, costs)
def test_a_rule_that_trades_at_its_edge_trades_all_the_time(sleeve, cost):
    running = at_threshold(sleeve, Edges(0.02, 0.02), cost=cost)
    assert running.events == math.inf
    assert math.isclose(running.turnover, sleeve.speed**2 / 0.04)


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 40), st.floats(0, 0.2), st.floats(0, 1))
def test_deferral_never_costs_more_than_the_tax_and_a_step_up_adds_to_it(gain, rate, years, discount, forgiven):
    plain = effective_cost(gain, rate, years=years, discount=discount)
    stepped = effective_cost(gain, rate, years=years, discount=discount, forgiven=forgiven)
    assert 0 <= plain <= stepped + 1e-12 <= gain * rate + 2e-12


def test_a_loss_has_no_cost_of_deferral():
    assert effective_cost(-0.3, 0.238, years=10, discount=0.06) == 0


def test_a_large_embedded_gain_makes_a_band_of_ten_points():
    assert round(gain_band(0.6, 0.15, 4, 0.0, 0.4, 0.238, 10, 0.06), 4) == 0.0968


@given(st.floats(0, 1), costs)
def test_bands_of_many_sleeves_are_those_of_each(gain, cost):
    weights, gains = np.array([0.1, 0.6, 0.9]), np.array([gain, 0.0, -gain])
    deferred = effective_cost(1.0, 0.238, years=10, discount=0.06)
    many = gain_bands(weights, sleeve_sigma=0.2, gamma=3, cost=cost, gain_fractions=gains, deferred_rate=deferred)
    each = [gain_band(weight, 0.2, 3, cost, part, 0.238, 10, 0.06) for weight, part in zip(weights, gains, strict=True)]
    assert np.allclose(many, each, rtol=1e-12)


def test_nothing_and_everything_have_no_band_of_their_own():
    bands = gain_bands(
        np.array([0.0, 1.0]), sleeve_sigma=0.2, gamma=3, cost=0.01, gain_fractions=np.zeros(2), deferred_rate=0.1
    )
    assert bands.tolist() == [0.0, 0.0]


def test_the_trigger_of_masters_pays_its_cost_and_stops_half_way():
    found = masters_trigger(0.2, 0.1, 0.3, risk_tolerance=0.25, cost=0.005)
    benefit = found.variance * found.trigger**2 / (2 * 0.25)
    assert math.isclose(benefit, 0.005 * found.trigger)
    assert found.destination == found.trigger / 2


def test_assets_that_move_as_one_have_no_relative_variance():
    assert relative_variance(0.2, 0.2, 1.0) == pytest.approx(0)


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(lambda: Sleeve(0.0, 0.15, 4), id="no weight"),
        pytest.param(lambda: Sleeve(0.6, 0.0, 4), id="no volatility"),
        pytest.param(lambda: no_trade_band(BASE, cost=-0.001), id="a negative cost"),
        pytest.param(
            lambda: at_threshold(BASE, Edges(0.02, 0.03), cost=0.001), id="a destination beyond the threshold"
        ),
        pytest.param(lambda: at_calendar(BASE, 0.0, cost=0.001), id="no time between dates"),
        pytest.param(lambda: horizon(BASE, cost=0.0), id="a horizon without a cost"),
        pytest.param(lambda: effective_cost(0.4, 1.5, years=10, discount=0.06), id="a tax above everything"),
        pytest.param(lambda: relative_variance(0.2, 0.1, 1.5), id="a correlation above one"),
        pytest.param(lambda: masters_trigger(0.2, 0.2, 1.0, risk_tolerance=1, cost=0.01), id="no relative risk"),
    ],
)
def test_what_cannot_be_is_refused(refused):
    with pytest.raises(ValueError):
        refused()
