"""Decisions rule by rule, on accounts of round numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from rebalancer.engine.book import Block, TaxStatus
from rebalancer.engine.book_rows import LotRow, PositionRow
from rebalancer.engine.lots import Relief
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import Policy, Preset, RebalanceTo
from rebalancer.engine.triggers import MODES, Mode
from tests.engine.books import (
    FULL,
    OLD,
    THIS_YEAR,
    decide,
    make_account,
    make_book,
    make_model,
    make_position,
    make_securities,
    make_security,
    on_target,
    overweight_equity,
    reasons,
    trades,
)


def lots_sold(decision):
    return {pick.lot_id: int(pick.quantity) for trade in decision.trades for pick in trade.lots}


def in_mode(account, mode, **book):
    return solve(make_book(account, **book), modes=[MODES.index(mode)])[0]


def test_overweights_are_sold_and_underweights_bought_to_the_target():
    decision = decide(overweight_equity())
    assert trades(decision) == {"VTI": -160, "BND": 100, "VEA": 180}
    assert decision.drift_before == pytest.approx(0.17)
    assert decision.drift_after < 0.0002


def test_the_lots_with_the_least_tax_go_first():
    decision = decide(overweight_equity())
    assert lots_sold(decision) == {"VTI-3": 60, "VTI-2": 100}
    assert (decision.gain_short, decision.gain_long) == (Decimal("500.00"), Decimal("-1200.00"))
    assert decision.tax == Decimal("-81.60")


@pytest.mark.parametrize(
    ("relief", "lots"),
    [
        pytest.param(Relief.FIFO, {"VTI-1": 160}, id="fifo"),
        pytest.param(Relief.LIFO, {"VTI-2": 160}, id="lifo"),
        pytest.param(Relief.HIFO, {"VTI-3": 60, "VTI-2": 100}, id="hifo"),
        pytest.param(Relief.LOFO, {"VTI-1": 160}, id="lofo"),
    ],
)
def test_the_policy_chooses_the_relief_method(relief, lots):
    assert lots_sold(decide(overweight_equity(policy=replace(FULL, relief=relief)))) == lots


def test_trades_say_why_in_a_sentence():
    sentences = {trade.symbol: trade.sentence for trade in decide(overweight_equity()).trades}
    assert sentences == {
        "VTI": "Sells 160 VTI (2 lots, long- and short-term) because the weight of US equity is 66.0 % against a "
        "target of 50.0 %.",
        "BND": "Buys 100 BND because the weight of US bonds is 22.0 % against a target of 30.0 %.",
        "VEA": "Buys 180 VEA because the weight of International equity is 9.0 % against a target of 18.0 %.",
    }


def test_a_single_lot_is_named_by_its_date():
    decision = decide(overweight_equity(policy=replace(FULL, relief=Relief.FIFO)))
    assert decision.trades[0].sentence.startswith("Sells 160 VTI (lot of 3 Mar 2021, long-term) because")


def test_cash_closes_to_the_cent_with_costs_reserved():
    decision = decide(overweight_equity())
    assert [(trade.amount, trade.cost) for trade in decision.trades] == [
        (Decimal("16000.00"), Decimal("1.93")),  # half a spread of two cents, and 33 cents of fees rounded up
        (Decimal("8000.00"), Decimal("1.00")),
        (Decimal("9000.00"), Decimal("1.80")),
    ]
    assert (decision.cash_before, decision.cash_after, decision.cost) == (3000, Decimal("1995.27"), Decimal("4.73"))


def test_before_and_after_foot_by_class_and_security():
    decision = decide(overweight_equity())
    assert [(line.name, round(line.before_weight, 4), round(line.after_weight, 4)) for line in decision.classes] == [
        ("US equity", 0.66, 0.5),
        ("International equity", 0.09, 0.18),
        ("US bonds", 0.22, 0.3),
        ("Cash", 0.03, 0.02),
    ]
    assert sum(line.before_amount for line in decision.classes) == decision.value
    assert sum(line.after_amount for line in decision.classes) == decision.value - decision.cost
    assert [(line.symbol, int(line.quantity_before), int(line.quantity_after)) for line in decision.securities] == [
        ("VTI", 660, 500),
        ("VEA", 180, 360),
        ("BND", 275, 375),
    ]


def test_on_target_nothing_is_traded_and_every_holding_says_so():
    decision = decide(on_target())
    assert (decision.trades, reasons(decision)) == ((), dict.fromkeys(("VTI", "VEA", "BND"), "ON_TARGET"))


def test_excess_cash_buys_underweights_before_anything_is_sold():
    decision = in_mode(on_target(cash="12000"), Mode.INVEST_CASH)
    assert trades(decision) == {"BND": 38, "VEA": 36, "VTI": 50}
    assert {trade.reason for trade in decision.trades} == {"INVEST_CASH"}


def test_investing_only_never_sells_what_is_overweight():
    decision = in_mode(overweight_equity(cash="13000"), Mode.INVEST_CASH)
    assert all(quantity > 0 for quantity in trades(decision).values())
    assert reasons(decision)["VTI"] == "CASH_ONLY"


def test_the_deepest_shortfalls_are_filled_first():
    account = make_account(
        make_position("VTI", ("500", "60", OLD)), make_position("VEA", ("300", "40", OLD)), cash="5000"
    )
    decision = in_mode(account, Mode.INVEST_CASH)
    assert trades(decision) == {"BND": 45}


def test_a_new_account_in_cash_only_buys():
    decision = decide(make_account(cash="100000"))
    assert trades(decision) == {"BND": 375, "VEA": 360, "VTI": 500}


def test_a_deficit_and_the_reserve_are_raised_first():
    decision = in_mode(on_target(cash="-350", cash_reserve=Decimal(200)), Mode.RAISE_CASH)
    assert decision.cash_after >= 200
    assert {trade.reason for trade in decision.trades} == {"RAISE_CASH"}


def test_a_withdrawal_is_raised_by_sales_of_what_is_overweight_then_by_least_tax():
    decision = in_mode(on_target(withdrawals_due=Decimal(12_000)), Mode.RAISE_CASH)
    assert all(quantity < 0 for quantity in trades(decision).values())
    assert decision.cash_after - 12_000 >= 0
    assert decision.trades[0].sentence == (
        "Sells 42 BND (lot of 3 Mar 2021, long-term) because $10,000.00 of cash is missing for a withdrawal that is "
        "due."
    )


def test_within_the_lower_threshold_nothing_is_sold_for_the_reserve():
    account = on_target(cash_reserve=Decimal(2500), reserve_threshold=Decimal(500))
    assert in_mode(account, Mode.RAISE_CASH).trades == ()


def test_cash_that_cannot_be_raised_is_said():
    account = make_account(make_position("VTI", ("10", "60", OLD), no_sell=True), cash="-500")
    decision = in_mode(account, Mode.RAISE_CASH)
    assert (decision.trades, reasons(decision)[None]) == ((), "CASH_NOT_RAISED")


def test_what_the_model_does_not_hold_is_sold():
    account = make_account(
        make_position("OLD", ("1000", "10", OLD)), make_position("VTI", ("800", "60", OLD)), cash="0"
    )
    decision = decide(account)
    assert trades(decision)["OLD"] == -1000
    assert {trade.symbol: trade.reason for trade in decision.trades}["OLD"] == "OFF_MODEL"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"model_id": None}, "NO_MODEL", id="no model"),
        pytest.param({"block": Block.FROZEN}, "BLOCKED", id="frozen"),
        pytest.param({"block": Block.DATA_PROBLEM}, "DATA_PROBLEM", id="data problem"),
        pytest.param({"withdrawals_due": Decimal(200_000)}, "NO_VALUE", id="nothing left"),
    ],
)
def test_an_account_that_may_not_be_looked_at_is_left_alone(changes, reason):
    decision = decide(overweight_equity(**changes))
    assert (decision.trades, reasons(decision)) == ((), {None: reason})


def test_an_unpriced_holding_stops_the_rebalance_but_not_raising_cash():
    securities = make_securities(VEA=make_security("VEA", None))
    assert reasons(decide(overweight_equity(), securities=securities)) == {None: "VALUE_INCOMPLETE"}
    raised = in_mode(overweight_equity(cash="-500"), Mode.RAISE_CASH, securities=securities)
    assert raised.cash_after >= 0
    assert "VEA" not in trades(raised)


@pytest.mark.parametrize(
    ("security", "reason"),
    [
        pytest.param(make_security("VTI", price_age_sessions=2, asset_class="US equity"), "STALE_PRICE", id="stale"),
        pytest.param(make_security("VTI", tradable=False, asset_class="US equity"), "NOT_TRADABLE", id="halted"),
    ],
)
def test_a_security_that_cannot_be_traded_is_not(security, reason):
    decision = decide(overweight_equity(), securities=make_securities(VTI=security))
    assert "VTI" not in trades(decision)
    assert reasons(decision)["VTI"] == reason


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        pytest.param({"no_sell": True}, "NO_SELL", id="no sell"),
        pytest.param({"hold": True}, "HELD", id="hold"),
    ],
)
def test_a_restricted_security_is_not_sold_and_others_are_bought_with_the_cash_there_is(flags, reason):
    account = overweight_equity()
    held = replace(account.positions[0], **flags)
    decision = decide(replace(account, positions=(held, *account.positions[1:])))
    assert reasons(decision)["VTI"] == reason
    assert all(quantity > 0 for quantity in trades(decision).values())
    assert decision.cash_after >= 0


def test_what_may_not_be_bought_is_not_paid_for_by_sales():
    account = overweight_equity()
    barred = PositionRow(symbol="VEA", quantity=Decimal(180), lots=account.positions[1].lots, no_buy=True)
    decision = decide(replace(account, positions=(account.positions[0], barred, account.positions[2])))
    assert trades(decision) == {"VTI": -70, "BND": 100}
    assert (reasons(decision)["VEA"], reasons(decision)["VTI"]) == ("NO_BUY", "NOTHING_TO_BUY")


@pytest.mark.parametrize(
    "position",
    [
        pytest.param(PositionRow(symbol="VTI", quantity=Decimal(660)), id="no lots"),
        pytest.param(make_position("VTI", LotRow("L", OLD, Decimal(660), None)), id="no basis"),
    ],
)
def test_without_all_lots_and_their_basis_nothing_is_sold(position):
    account = replace(overweight_equity(), positions=(position, *overweight_equity().positions[1:]))
    decision = decide(account)
    assert "VTI" not in trades(decision)
    assert reasons(decision)["VTI"] == "BASIS_PENDING"


def test_an_order_stays_within_the_share_of_volume():
    securities = make_securities(VTI=make_security("VTI", adv_shares=1000, asset_class="US equity"))
    decision = decide(overweight_equity(), securities=securities)
    assert trades(decision)["VTI"] == -50
    assert reasons(decision)["VTI"] == "VOLUME_CAP"


def test_trades_below_the_minimum_are_not_made():
    account = on_target(cash="2300", policy=replace(FULL, minimum_trade_amount=Decimal(500)))
    decision = decide(account)
    assert decision.trades == ()


def test_less_than_a_share_is_not_traded_and_fractions_are_where_they_may_be():
    securities = [replace(row, fractional=True) for row in make_securities()]
    account = on_target(cash="2150.50", policy=replace(FULL, minimum_trade_amount=Decimal(1)))
    whole = decide(account)
    fractions = decide(replace(account, policy=replace(account.policy, whole_shares=False)), securities=securities)
    assert all(trade.quantity % 1 == 0 for trade in whole.trades)
    assert any(trade.quantity % 1 for trade in fractions.trades)
    assert fractions.drift_after < whole.drift_after


def test_orders_are_multiples_of_the_lot_size():
    securities = make_securities(BND=make_security("BND", "80", asset_class="US bonds", lot_size=25))
    assert trades(decide(overweight_equity(), securities=securities))["BND"] % 25 == 0


@pytest.mark.parametrize(
    ("minimum", "traded"),
    [pytest.param("0.329", True, id="trades exceed it"), pytest.param("0.33", False, id="trades do not")],
)
def test_hybrid_trades_only_if_the_trades_together_exceed_the_minimum(minimum, traded):
    policy = Policy(trigger=Preset.HYBRID, minimum_trades_weight=Decimal(minimum))
    decision = decide(overweight_equity(policy=policy))
    assert bool(decision.trades) is traded
    assert (None in reasons(decision)) is not traded


@pytest.mark.parametrize(
    ("to", "shares"),
    [
        pytest.param(RebalanceTo.TARGET, 500, id="to the target"),
        pytest.param(RebalanceTo.EDGE, 570, id="to the edge of the band"),
        pytest.param(RebalanceTo.INNER, 535, id="half-way between"),
    ],
)
def test_a_rebalance_goes_as_far_as_the_policy_says(to, shares):
    policy = replace(FULL, rebalance_to=to, class_band_relative=None)
    account = make_account(
        make_position("VTI", ("660", "60", OLD)),
        make_position("VEA", ("180", "40", OLD)),
        make_position("BND", ("295", "70", OLD)),
        cash="1400",
        policy=policy,
    )
    after = {line.symbol: int(line.quantity_after) for line in decide(account).securities}
    assert after["VTI"] == shares
    assert after["VEA"] > 180


def test_in_an_account_that_is_not_taxed_gains_are_not_counted():
    decision = decide(overweight_equity(tax_status=TaxStatus.EXEMPT))
    assert (decision.gain_short, decision.gain_long, decision.tax) == (0, 0, 0)


def test_several_overweights_are_sold_at_the_least_tax_where_not_all_is_needed():
    dear, cheap = make_position("OLD", ("1000", "19", OLD)), make_position("ITOT", ("400", "10", THIS_YEAR))
    account = make_account(dear, cheap, make_position("VTI", ("600", "60", OLD)), cash="2000")
    barred = [PositionRow(symbol="VEA", quantity=Decimal(0), no_buy=True)]
    decision = decide(replace(account, positions=(*account.positions, *barred)))
    assert trades(decision)["OLD"] == -1000
    assert -trades(decision).get("ITOT", 0) < 400


def test_the_model_may_leave_everything_in_cash():
    decision = decide(on_target(), model=make_model({"VTI": "0"}, "1"))
    assert trades(decision) == {"BND": -375, "VEA": -360, "VTI": -500}
