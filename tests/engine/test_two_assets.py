"""Two assets by hand, against trying every trade."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.two_assets import (
    Pair,
    TaxedLot,
    by_lot,
    no_trade,
    to_edge,
    trigger_with_fixed_cost,
    with_fixed_cost,
)

BASE = Pair(value=100_000, weight=0.7, target=0.6, urgency=0.106)
weights = st.floats(0.05, 0.95)
pairs = st.builds(Pair, st.floats(1_000, 1e7), weights, weights, st.floats(0.01, 1))
costs = st.floats(0, 0.02)


def cost_of_selling(pair: Pair, dollars, cost: float):
    return pair.urgency / 2 * (pair.drift - dollars / pair.value) ** 2 * pair.value + cost * np.abs(dollars)


@given(pairs, costs)
def test_no_other_trade_costs_less(pair, cost):
    plan = to_edge(pair, cost=cost)
    tried = np.linspace(-pair.value, pair.value, 4_001)
    assert plan.objective <= cost_of_selling(pair, tried, cost).min() * (1 + 1e-9) + 1e-9
    assert plan.objective == pytest.approx(cost_of_selling(pair, plan.sold, cost))


@given(pairs, costs, st.floats(0, 1_000))
def test_a_fixed_cost_is_paid_exactly_when_the_trade_is_worth_it(pair, cost, fixed):
    plan, free = with_fixed_cost(pair, cost=cost, fixed=fixed), to_edge(pair, cost=cost)
    with_it, without = free.objective + fixed, no_trade(pair).objective
    assert plan.objective == pytest.approx(min(with_it, without) if free.trades else without)


@given(pairs, costs)
def test_an_account_and_its_mirror_trade_alike(pair, cost):
    mirror = Pair(pair.value, 1 - pair.weight, 1 - pair.target, pair.urgency)
    one, other = to_edge(pair, cost=cost), to_edge(mirror, cost=cost)
    assert other.sold == pytest.approx(-one.sold, abs=pair.value * 1e-9)


@given(pairs, costs, st.floats(2, 100))
def test_a_larger_account_trades_in_proportion(pair, cost, factor):
    larger = Pair(pair.value * factor, pair.weight, pair.target, pair.urgency)
    assert to_edge(larger, cost=cost).sold == pytest.approx(factor * to_edge(pair, cost=cost).sold)


def test_a_fixed_cost_widens_the_trigger():
    assert trigger_with_fixed_cost(BASE, cost=0.001, fixed=40) == pytest.approx(0.096308, abs=5e-7)
    assert with_fixed_cost(BASE, cost=0.001, fixed=40).trades
    assert not with_fixed_cost(BASE, cost=0.001, fixed=50).trades


lots = st.lists(st.tuples(st.floats(0.01, 0.4), st.floats(-0.1, 0.2)), min_size=1, max_size=4)


def lots_of(pair: Pair, parts) -> list[TaxedLot]:
    scale = pair.value * pair.weight / sum(size for size, _ in parts)
    return [TaxedLot(str(at), size * scale, tax) for at, (size, tax) in enumerate(parts)]


@given(pairs, lots, st.floats(0.0005, 0.01), st.floats(0, 1))
def test_selling_a_little_more_or_less_of_any_lot_costs_no_less(pair, parts, cost, step):
    held = lots_of(pair, parts)
    found = by_lot(pair, held, cost=cost)
    if found.plan.sold <= 0:
        return
    for lot in held:
        for other in (found.sold[lot.lot_id] * step, found.sold[lot.lot_id] * (1 - step) + lot.value * step):
            changed = dict(found.sold) | {lot.lot_id: other}
            total = sum(changed.values())
            paid = sum((cost + each.tax) * changed[each.lot_id] for each in held)
            drift = pair.drift_cost(pair.drift - total / pair.value)
            assert found.plan.objective <= paid + drift + 1e-7 * pair.value


def test_splitting_a_lot_changes_nothing():
    whole = by_lot(BASE, [TaxedLot("a", 5_000, 0.00238), TaxedLot("b", 65_000, 0.1)], cost=0.001)
    halves = [TaxedLot("a1", 2_500, 0.00238), TaxedLot("a2", 2_500, 0.00238), TaxedLot("b", 65_000, 0.1)]
    split = by_lot(BASE, halves, cost=0.001)
    assert split.plan.objective == pytest.approx(whole.plan.objective)
    assert split.sold["a1"] + split.sold["a2"] == pytest.approx(whole.sold["a"])


def test_an_underweight_sells_no_gain_and_buys_to_the_edge():
    found = by_lot(Pair(100_000, 0.5, 0.6, 0.106), [TaxedLot("a", 50_000, 0.05)], cost=0.001)
    assert (found.sold, round(found.plan.sold, 2)) == ({"a": 0.0}, -9056.60)


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(lambda: Pair(0, 0.5, 0.5, 1), id="no value"),
        pytest.param(lambda: Pair(1, 1.5, 0.5, 1), id="a weight above one"),
        pytest.param(lambda: to_edge(BASE, cost=-0.1), id="a negative cost"),
        pytest.param(lambda: with_fixed_cost(BASE, cost=0.1, fixed=-1), id="a negative fixed cost"),
    ],
)
def test_what_cannot_be_is_refused(refused):
    with pytest.raises(ValueError):
        refused()
