from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.cost_benefit import volumes, weighed, worth_trading
from rebalancer.engine.drift import measure
from rebalancer.engine.market_impact import market_impact
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import Distance, Frequency, Policy, Preset
from rebalancer.engine.triggers import evaluate
from tests.engine.books import (
    OLD,
    RECENT,
    make_account,
    make_book,
    make_model,
    make_position,
    on_target,
    overweight_equity,
)

WEIGHED = Policy(cost_benefit=True, calendar_frequency=Frequency.NONE)
LAST = date(2026, 6, 1)


def seventy_thirty(policy: Policy = WEIGHED, basis: str = "100") -> Any:
    """100,000 dollars, 70 % in VTI against a target of 60 %, and the decision to trade back."""
    account = make_account(
        make_position("VTI", ("700", basis, OLD)), make_position("BND", ("375", "80", OLD)), policy=policy
    )
    book = make_book(account, model=make_model({"VTI": "0.6", "BND": "0.4"}, "0"))
    return solve(book)[0], book


def test_ten_points_of_one_class_against_the_rest_are_worth_half_gamma_sigma_squared_x_squared():
    decision, book = seventy_thirty()
    (vti,) = (trade for trade in decision.trades if trade.side == "SELL")
    left = 0.1 - float(vti.amount) / 100_000
    found = worth_trading(decision, WEIGHED, volumes(book))
    # ½ · 4 · 0.15² · 1 year · 100,000 · (0.1² − x'²); what the buys could not spend stays in cash
    assert found.benefit == pytest.approx(0.5 * 4 * 0.0225 * 100_000 * (0.01 - left**2), rel=1e-3)
    assert found.worth


def test_the_cost_is_tax_and_trading_cost_and_the_impact_of_each_order():
    decision, book = seventy_thirty(basis="60")
    found = worth_trading(decision, WEIGHED, volumes(book))
    impact = sum(
        float(trade.amount)
        * market_impact(
            part_of_volume=float(trade.quantity) / 1_000_000, days=1, turnover_days=1, sigma=0.15 / 252**0.5
        ).temporary
        for trade in decision.trades
    )
    assert decision.tax > 900
    assert impact > 0
    assert found.cost == pytest.approx(float(decision.tax + decision.cost) + impact)
    assert worth_trading(decision, WEIGHED, {}).cost == pytest.approx(float(decision.tax + decision.cost))


@pytest.mark.parametrize(
    ("basis", "horizon", "worth"),
    [
        pytest.param("100", "1", True, id="no gain"),
        pytest.param("60", "1", False, id="tax of 952 dollars against 45 a year"),
        pytest.param("60", "30", True, id="over thirty years"),
        pytest.param("100", "0.001", False, id="hardly any time"),
        pytest.param("140", "0.001", True, id="a loss pays for it"),
    ],
)
def test_a_rebalance_is_worth_making_when_its_worth_over_the_horizon_exceeds_its_cost(basis, horizon, worth):
    policy = replace(WEIGHED, horizon_years=Decimal(horizon))
    decision, book = seventy_thirty(policy, basis)
    found = worth_trading(decision, policy, volumes(book))
    assert found.worth is worth
    assert found.sentence.endswith("they are worth making." if worth else "they are not made.")


def test_the_sentence_tells_what_stands_against_what():
    policy = replace(WEIGHED, horizon_years=Decimal(2))
    decision, _ = seventy_thirty(policy, "60")
    assert worth_trading(decision, policy, {}).sentence == (
        f"Over 2 years the trades would be worth $89.99 in less risk and would cost "
        f"${float(decision.tax + decision.cost):,.2f} (${decision.tax:,.2f} tax, ${decision.cost:,.2f} spread and "
        "fees, $0.00 impact): they are not made."
    )


def test_risk_is_reckoned_by_the_covariance_where_the_policy_measures_risk():
    policy = replace(WEIGHED, distance=Distance.RISK)
    decision, _ = seventy_thirty(policy)
    known = {("US equity", "US equity"): 0.0324, ("US bonds", "US bonds"): 0.0025}
    found = worth_trading(decision, policy, {}, covariance=known)
    assert found.benefit == pytest.approx(0.5 * 4 * 100_000 * 0.01 * (0.0324 + 0.0025), rel=1e-3)
    by_weights = worth_trading(decision, WEIGHED, {}, covariance=known)
    assert by_weights == worth_trading(decision, WEIGHED, {})


@given(st.decimals(min_value="0.1", max_value=20, places=1), st.decimals(min_value="0.1", max_value=20, places=1))
def test_worth_grows_in_proportion_to_risk_aversion_and_horizon(aversion, years):
    decision, _ = seventy_thirty()
    one = worth_trading(decision, WEIGHED, {}).benefit
    policy = replace(WEIGHED, risk_aversion=aversion, horizon_years=years)
    assert worth_trading(decision, policy, {}).benefit == pytest.approx(one * float(aversion * years) / 4)


@pytest.mark.parametrize(
    ("account", "asked"),
    [
        pytest.param(overweight_equity(policy=WEIGHED), True, id="outside a band"),
        pytest.param(overweight_equity(policy=replace(WEIGHED, cost_benefit=False)), False, id="a policy without it"),
        pytest.param(overweight_equity(policy=replace(WEIGHED, trigger=Preset.THRESHOLD)), False, id="threshold"),
        pytest.param(overweight_equity(policy=WEIGHED, model_changed_on=RECENT), False, id="the model has changed"),
        pytest.param(overweight_equity(policy=WEIGHED, withdrawals_due=Decimal(9000)), False, id="cash is called for"),
        pytest.param(
            overweight_equity(
                policy=replace(WEIGHED, calendar_frequency=Frequency.DATES, calendar_on=(date(2026, 11, 20),))
            ),
            False,
            id="on its date",
        ),
        pytest.param(on_target(policy=WEIGHED), False, id="inside its bands"),
    ],
)
def test_only_trades_that_a_band_alone_asks_for_are_weighed(account, asked):
    book = make_book(replace(account, last_rebalanced_on=LAST))
    assert weighed(book, evaluate(book, measure(book))).tolist() == [asked]
