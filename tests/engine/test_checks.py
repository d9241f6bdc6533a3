"""Every check can fail: sound decisions are spoiled one way at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from rebalancer.engine.book import Block
from rebalancer.engine.book_rows import PositionRow, WashRow
from rebalancer.engine.checks import BreachCode, Checker, check
from rebalancer.engine.fees import Side
from rebalancer.engine.lots import Relief
from rebalancer.engine.optimiser import solve
from tests.engine.books import (
    FULL,
    OLD,
    RECENT,
    TODAY,
    make_account,
    make_book,
    make_model,
    make_position,
    make_securities,
    make_security,
    overweight_equity,
)

SOLD = "VTI"


def sound(**changes):
    book = make_book(overweight_equity(**changes))
    return book, solve(book)[0]


def codes(book, decision):
    return {breach.code for breach in check(book, decision)}


def spoil(decision, symbol, **changes):
    """One trade changed, and the decision's cash made to close again."""
    trades = tuple(replace(trade, **changes) if trade.symbol == symbol else trade for trade in decision.trades)
    return closed(replace(decision, trades=trades))


def closed(decision):
    flows = [(trade.amount if trade.side is Side.SELL else -trade.amount) - trade.cost for trade in decision.trades]
    cost = sum(trade.cost for trade in decision.trades)
    return replace(decision, cash_after=decision.cash_before + sum(flows), cost=cost)


def resized(book, decision, symbol, quantity):
    """One trade with another quantity, its amount, cost and first lot following."""
    trade = next(trade for trade in decision.trades if trade.symbol == symbol)
    amount = trade.price * quantity
    half = Decimal("0.01") * quantity
    fees = (amount * Decimal("20.60") / 1_000_000).quantize(Decimal("0.01"), "ROUND_CEILING")
    cost = half + (fees if trade.side is Side.SELL else 0)
    return spoil(
        decision,
        symbol,
        quantity=Decimal(quantity),
        amount=amount,
        cost=cost.quantize(Decimal("0.01"), "ROUND_CEILING"),
    )


def test_a_sound_decision_has_no_breach():
    assert codes(*sound()) == set()


@pytest.mark.parametrize(
    ("symbol", "changes", "code"),
    [
        pytest.param("VEA", {"price": Decimal(49)}, "PRICE", id="another price"),
        pytest.param("VEA", {"amount": Decimal("9000.01")}, "AMOUNT", id="a cent more"),
        pytest.param("VEA", {"cost": Decimal("1.79")}, "COST", id="a cent less of costs"),
        pytest.param(SOLD, {"lots": ()}, "LOTS_DO_NOT_SUM", id="no lots"),
    ],
)
def test_a_trade_that_does_not_foot_is_found(symbol, changes, code):
    book, decision = sound()
    assert BreachCode(code) in codes(book, spoil(decision, symbol, **changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"lot_id": "NONE"}, "LOT_UNKNOWN", id="a lot that is not there"),
        pytest.param({"quantity": Decimal(61)}, "LOT_OVERSOLD", id="more than the lot holds"),
        pytest.param({"gain": Decimal(1)}, "LOT_FIGURES", id="another gain"),
        pytest.param({"cost_basis": Decimal(1)}, "LOT_FIGURES", id="another basis"),
        pytest.param({"lot_id": "VTI-2"}, "LOT_OVERSOLD", id="a lot twice"),
    ],
)
def test_a_lot_that_does_not_foot_is_found(changes, code):
    book, decision = sound()
    sale = next(trade for trade in decision.trades if trade.symbol == SOLD)
    picks = tuple(replace(pick, **changes) if pick.lot_id == "VTI-3" else pick for pick in sale.lots)
    assert BreachCode(code) in codes(book, spoil(decision, SOLD, lots=picks))


@pytest.mark.parametrize(
    ("symbol", "quantity", "code"),
    [
        pytest.param(SOLD, 700, "OVERSOLD", id="more than is held"),
        pytest.param(SOLD, 165, "CROSSES_TARGET", id="sold past the target"),
        pytest.param("VEA", 185, "CROSSES_TARGET", id="bought past the target"),
        pytest.param("VEA", 1, "BELOW_MINIMUM", id="below the minimum"),
        pytest.param("VEA", Decimal("179.5"), "FRACTIONAL", id="half a share"),
        pytest.param("VEA", 600_000, "VOLUME_CAP", id="beyond the volume cap"),
        pytest.param("VEA", 300, "NEGATIVE_CASH", id="more than cash pays for"),
        pytest.param("VEA", 0, "PRICE", id="nothing"),
    ],
)
def test_a_trade_of_another_size_is_found(symbol, quantity, code):
    book, decision = sound()
    assert BreachCode(code) in codes(book, resized(book, decision, symbol, quantity))


def test_half_a_share_past_the_target_is_rounding():
    book, decision = sound()
    assert BreachCode.CROSSES_TARGET not in codes(book, resized(book, decision, "VEA", 180))


def test_cash_that_does_not_close_is_found():
    book, decision = sound()
    assert codes(book, replace(decision, cash_after=decision.cash_after + Decimal("0.01"))) == {"CASH_DOES_NOT_CLOSE"}


@pytest.mark.parametrize("field", ["gain_short", "gain_long", "tax", "cost"])
def test_totals_that_do_not_foot_are_found(field):
    book, decision = sound()
    assert codes(book, replace(decision, **{field: Decimal("123.45")})) == {"TOTALS"}


def test_a_symbol_traded_twice_is_found():
    book, decision = sound()
    assert "TWICE" in codes(book, closed(replace(decision, trades=(*decision.trades, decision.trades[-1]))))


def against(decision, account, **book):
    """What the same decision breaches in another book."""
    return codes(make_book(account, **book), decision)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"block": Block.FROZEN}, "NOT_ALLOWED", id="a blocked account"),
        pytest.param({"model_id": None}, "NOT_ALLOWED", id="no model"),
        pytest.param({"cash_reserve": Decimal(1999)}, "RESERVE_SPENT", id="the reserve is spent"),
        pytest.param({"policy": replace(FULL, price_max_age_sessions=0)}, None, id="a price of today"),
    ],
)
def test_what_the_account_forbids_is_found(changes, code):
    _, decision = sound()
    expected = set() if code is None else {code}
    assert expected <= against(decision, overweight_equity(**changes))


@pytest.mark.parametrize(
    ("symbol", "flags", "code"),
    [
        pytest.param("VEA", {"no_buy": True}, "BANNED_BUY", id="no buy"),
        pytest.param("VTI", {"no_sell": True}, "BANNED_SALE", id="no sell"),
        pytest.param("VEA", {"hold": True}, "NOT_TRADABLE", id="hold"),
    ],
)
def test_what_a_restriction_forbids_is_found(symbol, flags, code):
    _, decision = sound()
    account = overweight_equity()
    positions = tuple(replace(row, **flags) if row.symbol == symbol else row for row in account.positions)
    assert against(decision, replace(account, positions=positions)) == {code}


def test_a_sale_without_all_lots_is_found():
    _, decision = sound()
    account = overweight_equity()
    short = PositionRow(symbol="VTI", quantity=Decimal(660), lots=account.positions[0].lots[1:])
    assert "BANNED_SALE" in against(decision, replace(account, positions=(short, *account.positions[1:])))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"price_age_sessions": 2}, id="stale"),
        pytest.param({"tradable": False}, id="halted"),
    ],
)
def test_a_security_that_cannot_be_traded_is_found(changes):
    _, decision = sound()
    rows = make_securities(VEA=make_security("VEA", "50", asset_class="International equity", **changes))
    assert against(decision, overweight_equity(), securities=rows) == {"NOT_TRADABLE"}


def test_a_trade_away_from_the_target_is_found():
    _, decision = sound()
    model = make_model({"VTI": "0.90", "BND": "0.08"}, "0.02")
    assert "AWAY_FROM_TARGET" in against(decision, overweight_equity(), model=model)


@pytest.mark.parametrize(
    ("wash", "code"),
    [
        pytest.param({"wash_group": "VEA", "sold_at_loss_on": TODAY - timedelta(days=30)}, "BANNED_BUY", id="sold"),
        pytest.param({"wash_group": "VTI", "bought_on": TODAY - timedelta(days=30)}, "WASHED_LOSS", id="bought"),
    ],
)
def test_a_wash_sale_is_found(wash, code):
    _, decision = sound()
    assert against(decision, overweight_equity(), wash=[WashRow(household="A1", **wash)]) == {code}
    older = {key: value - timedelta(days=1) if key.endswith("_on") else value for key, value in wash.items()}
    assert against(decision, overweight_equity(), wash=[WashRow(household="A1", **older)]) == set()


def test_a_loss_beside_a_recent_purchase_elsewhere_in_the_household_is_found():
    _, decision = sound()
    other = make_account(make_position("VTI", ("1", "100", RECENT)), account_id="A2", household="A1")
    assert codes(make_book(overweight_equity(), other), decision) == {"WASHED_LOSS"}


def test_a_buy_against_a_loss_of_the_same_run_is_found_between_accounts():
    seller = overweight_equity(account_id="S", household="H")
    buyer = make_account(cash="50000", account_id="B", household="H")
    apart = [solve(make_book(replace(row, household="")))[0] for row in (seller, buyer)]
    together = Checker(make_book(seller, buyer)).check_all(apart)
    assert {account_id: {breach.code for breach in found} for account_id, found in together.items()} == {
        "B": {BreachCode.BANNED_BUY}
    }


def test_a_sale_for_missing_cash_may_go_past_the_target():
    account = make_account(
        make_position("VTI", ("500", "60", OLD)), cash="-40000", policy=replace(FULL, relief=Relief.FIFO)
    )
    book = make_book(account, model=make_model({"VTI": "0.98"}, "0.02"))
    assert codes(book, solve(book)[0]) == set()
