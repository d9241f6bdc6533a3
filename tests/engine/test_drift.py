from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.bands import BandKind, band
from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_rows import PositionRow
from rebalancer.engine.drift import measure
from rebalancer.engine.policy import Policy
from tests.engine.books import (
    OLD,
    make_account,
    make_book,
    make_model,
    make_position,
    make_securities,
    make_security,
    on_target,
    overweight_equity,
)

UNBANDED = Policy(class_band_absolute=None, class_band_relative=None, taxable_band_absolute=None)


def two_assets(weight: str, target: str, policy: Policy, **changes: Any) -> Book:
    """An account of 10,000,000 dollars in VTI and BND alone, with these weights of VTI."""
    held, rest = Decimal(weight), 1 - Decimal(weight)
    account = make_account(
        make_position("VTI", (str(held * 100_000), "60", OLD)),
        make_position("BND", (str(rest * 125_000), "60", OLD)),
        policy=policy,
        **changes,
    )
    return make_book(account, model=make_model({"VTI": target, "BND": str(1 - Decimal(target))}, "0"))


def test_an_account_on_its_target_has_no_drift():
    drift = measure(make_book(on_target()))
    assert drift.drift_weight[0] == pytest.approx(0, abs=1e-12)
    assert drift.breached.tolist() == [False]


def test_drift_is_half_the_sum_of_deviations_with_cash_as_an_allocation():
    drift = measure(make_book(overweight_equity()))
    # VTI +16, VEA -9, BND -8, cash +1 points
    assert drift.drift_weight[0] == pytest.approx(0.17)
    assert drift.largest_deviation_weight[0] == pytest.approx(0.16)


def test_what_is_in_the_model_and_not_held_counts_as_well_as_what_is_held_and_not_in_the_model():
    account = make_account(make_position("OLD", ("5000", "10", OLD)))
    drift = measure(make_book(account))
    assert drift.drift_weight[0] == pytest.approx(1.0)
    assert drift.rows.position.tolist() == [0, -1, -1, -1]


def test_sweep_funds_are_cash():
    account = make_account(
        make_position("VTI", ("500", "60", OLD)), PositionRow(symbol="SPAXX", quantity=Decimal(50_000))
    )
    drift = measure(make_book(account))
    assert drift.cash_level.weight.tolist() == [0.5]
    assert drift.rows.security.tolist() == [0, 2, 3]


def test_a_withdrawal_that_is_due_is_no_longer_invested():
    drift = measure(make_book(on_target(withdrawals_due=Decimal(2000))))
    assert (drift.value.tolist(), drift.cash_level.weight.tolist()) == ([98_000_000_000], [0.0])


def test_a_reserve_above_the_cash_target_takes_its_place_and_the_rest_shrinks_in_proportion():
    drift = measure(make_book(on_target(cash_reserve=Decimal(51_000))))
    assert drift.cash_level.target[0] == pytest.approx(0.51)
    assert drift.rows.target.tolist() == pytest.approx([0.25, 0.09, 0.15])


@pytest.mark.parametrize(
    ("weight", "target", "absolute", "relative", "breached"),
    [
        pytest.param("0.73", "0.6", None, "0.2", True, id="60 relative 20 triggers above 72"),
        pytest.param("0.72", "0.6", None, "0.2", False, id="at the upper edge nothing triggers"),
        pytest.param("0.48", "0.6", None, "0.2", False, id="at the lower edge nothing triggers"),
        pytest.param("0.4799", "0.6", None, "0.2", True, id="60 relative 20 triggers below 48"),
        pytest.param("0.652", "0.6", "0.05", None, True, id="60 absolute 5 triggers above 65"),
        pytest.param("0.65", "0.6", "0.05", None, False, id="65 is within"),
        pytest.param("0.55", "0.6", "0.05", None, False, id="55 is within"),
        pytest.param("0.5499", "0.6", "0.05", None, True, id="below 55 triggers"),
        pytest.param("0.074", "0.1", None, "0.25", True, id="10 relative 25 triggers below 7.5"),
        pytest.param("0.66", "0.6", "0.05", "0.2", True, id="the edge reached first decides: absolute"),
        pytest.param("0.13", "0.1", "0.05", "0.2", True, id="the edge reached first decides: relative"),
        pytest.param("0.99", "0.6", None, None, False, id="no band is no trigger"),
    ],
)
def test_class_bands(weight, target, absolute, relative, breached):
    policy = replace(
        UNBANDED,
        class_band_absolute=absolute and Decimal(absolute),
        class_band_relative=relative and Decimal(relative),
    )
    level = measure(two_assets(weight, target, policy)).classes
    assert bool(level.breached[0, 0]) is breached


def test_around_a_zero_target_only_the_absolute_band_stands():
    held = make_position("OLD", ("200", "10", OLD)), make_position("VTI", ("960", "60", OLD))
    relative = make_account(*held, policy=replace(UNBANDED, class_band_relative=Decimal("0.2")), account_id="R")
    absolute = make_account(*held, policy=replace(UNBANDED, class_band_absolute=Decimal("0.03")), account_id="A")
    drift = measure(make_book(relative, absolute, model=make_model({"VTI": "1"}, "0")))
    assert drift.breached.tolist() == [False, True]


@pytest.mark.parametrize(
    ("status", "breached"),
    [pytest.param(TaxStatus.TAXABLE, False, id="taxable 7"), pytest.param(TaxStatus.DEFERRED, True, id="ira 5")],
)
def test_the_absolute_class_band_is_wider_where_gains_are_taxed(status, breached):
    policy = replace(UNBANDED, class_band_absolute=Decimal("0.05"), taxable_band_absolute=Decimal("0.07"))
    drift = measure(two_assets("0.66", "0.6", policy, tax_status=status))
    assert drift.breached.tolist() == [breached]


@pytest.mark.parametrize(
    ("band_name", "width", "breached"),
    [
        pytest.param("security_band_absolute", "0.05", True, id="security absolute"),
        pytest.param("security_band_absolute", "0.2", False, id="wide security absolute"),
        pytest.param("security_band_relative", "0.1", True, id="security relative"),
        pytest.param("node_band_absolute", "0.05", True, id="node absolute"),
        pytest.param("node_band_relative", "0.5", False, id="wide node relative"),
        pytest.param("account_band_absolute", "0.16", True, id="account"),
        pytest.param("account_band_absolute", "0.18", False, id="wide account"),
    ],
)
def test_bands_of_the_other_levels(band_name, width, breached):
    changes: dict[str, Any] = {band_name: Decimal(width)}
    account = overweight_equity(policy=replace(UNBANDED, **changes))
    book = make_book(account, model=make_model(VTI="Core", VEA="World", BND="Core"))
    assert measure(book).breached.tolist() == [breached]


def test_a_node_is_measured_over_its_securities():
    book = make_book(overweight_equity(), model=make_model(VTI="Core", VEA="World", BND="Core"))
    nodes = measure(book).nodes
    assert nodes.weight[0].tolist() == pytest.approx([0.88, 0.09])
    assert nodes.target[0].tolist() == pytest.approx([0.80, 0.18])


def test_without_a_price_the_value_is_incomplete_and_with_an_old_one_it_is_flagged():
    unpriced = make_securities(VTI=make_security("VTI", None))
    stale = make_securities(VTI=make_security("VTI", price_age_sessions=2))
    assert measure(make_book(on_target(), securities=unpriced)).value_incomplete.tolist() == [True]
    assert measure(make_book(on_target(), securities=stale)).price_stale.tolist() == [True]


def test_without_a_model_or_value_nothing_is_measured():
    drift = measure(make_book(on_target(model_id=None, account_id="N"), make_account(account_id="E")))
    assert (drift.measured.tolist(), drift.breached.tolist()) == ([False, False], [False, False])
    assert drift.drift_weight.tolist() == [0.0, 0.0]


@given(
    st.decimals("0.01", "0.99", places=4),
    st.decimals("0.01", "0.99", places=2),
    st.decimals("0.01", "0.50", places=2),
    st.sampled_from(BandKind),
)
def test_bands_agree_with_the_exact_rule(weight, target, width, kind):
    name = "class_band_absolute" if kind is BandKind.ABSOLUTE else "class_band_relative"
    level = measure(two_assets(str(weight), str(target), replace(UNBANDED, **{name: width}))).classes
    assert bool(level.breached[0, 0]) == band(target, width, kind).breached_by(weight)


@given(st.permutations(range(4)))
def test_accounts_are_measured_each_on_its_own(order):
    accounts = [
        on_target(account_id="A"),
        overweight_equity(account_id="B"),
        make_account(account_id="C", cash="500"),
        make_account(make_position("OLD", ("5", "10", OLD)), account_id="D"),
    ]
    alone = [measure(make_book(account)).drift_weight[0] for account in accounts]
    together = measure(make_book(*(accounts[place] for place in order))).drift_weight
    assert together.tolist() == pytest.approx([alone[place] for place in order])


def test_many_accounts_take_no_loop():
    rows = [overweight_equity(account_id=f"A{number}") for number in range(2000)]
    book = make_book(*rows)
    measure(book)
    started = time.process_time()
    drift = measure(book)
    assert time.process_time() - started < 0.1
    assert np.allclose(drift.drift_weight, 0.17)
