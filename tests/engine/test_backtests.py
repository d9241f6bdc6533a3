"""Histories of two assets under a calendar with a threshold, small enough to follow by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.backtests import run_history

YEAR = np.array([[0.10, 0.0]] * 12)
QUIET = np.zeros((24, 2))


def history(returns=YEAR, target=0.5, thresholds=(0.0,), every=1):
    return run_history(returns, target=target, thresholds=np.array(thresholds), every=every)


def test_a_first_month_is_followed_by_hand():
    found = history(YEAR[:2], thresholds=(0.0, 0.03), every=1)
    drifted = 0.5 * 1.1 / 1.05
    assert found.events.tolist() == [2, 1]
    twice = drifted * 1.1 / (1 + 0.1 * drifted)
    assert twice - 0.5 > 0.03 > drifted - 0.5
    assert found.average_weights.tolist() == pytest.approx([0.5, (drifted + 0.5) / 2])


@pytest.mark.parametrize(
    ("every", "events"), [(1, 12), (3, 4), (12, 1), (None, 0)], ids=["monthly", "quarterly", "yearly", "never"]
)
def test_a_calendar_looks_at_the_end_of_its_periods(every, events):
    assert history(every=every).events.tolist() == [events]


def test_a_year_of_equal_months_compounds_and_has_no_volatility():
    found = history()
    assert found.yearly_returns.tolist() == pytest.approx([1.05**12 - 1])
    assert found.volatilities.tolist() == pytest.approx([0.0], abs=1e-12)


def test_markets_that_stand_still_trade_nothing():
    found = history(QUIET)
    assert (found.events.tolist(), found.average_weights.tolist()) == ([0], [0.5])


months = st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.1, 0.1)), min_size=2, max_size=60)


@given(months, st.floats(0.1, 0.9))
def test_thresholds_together_are_thresholds_one_by_one(returns, target):
    together = history(np.array(returns), target, (0.0, 0.02, 0.1), 3)
    for at, threshold in enumerate((0.0, 0.02, 0.1)):
        alone = history(np.array(returns), target, (threshold,), 3)
        assert together.events[at] == alone.events[0]
        assert together.yearly_returns[at] == pytest.approx(alone.yearly_returns[0])


@given(months)
def test_never_trading_earns_what_two_assets_held_apart_earn(returns):
    table = np.array(returns)
    grown = np.prod(1 + table, axis=0) @ [0.5, 0.5]
    assert history(table, every=None).yearly_returns[0] == pytest.approx(grown ** (12 / len(table)) - 1)


@pytest.mark.parametrize(
    ("returns", "target"), [(np.zeros((5, 3)), 0.5), (np.zeros((1, 2)), 0.5), (QUIET, 1.5)], ids=str
)
def test_what_is_no_history_is_refused(returns, target):
    with pytest.raises(ValueError):
        history(returns, target)
