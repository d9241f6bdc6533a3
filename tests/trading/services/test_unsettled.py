from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pytest

from portfolios.models import CashBalance, Security, Transaction
from portfolios.services.settlement import settle
from rebalancer.engine.calendars import settles_on
from tests.trading.services.test_fitting import MONDAY, OLD_VTI, release, set_cash
from tests.trading.worlds import make_connection, orders, sell, set_execution, stage, statuses
from tests.worlds import TODAY, Birch, Cedar, World, make_lot
from trading.models import PreTradeCheck

THURSDAY = date(2026, 11, 19)


def traded(world: World, kind: str, symbol: str, amount: str, *, on: date = TODAY) -> None:
    """A trade as the books keep it, with the lot that a buy brings; its cash is on its way."""
    signed = Decimal(amount) * (-1 if kind == "BUY" else 1)
    Transaction.objects.for_firm(world.firm_id).create(
        account=world.account, security=Security.objects.get(symbol=symbol), key=f"exec:{uuid.uuid4().int % 10**9}:0",
        kind=kind, trade_on=on, settle_on=settles_on(on), quantity=10, price=100, amount=signed,
    )  # fmt: skip
    if kind == "BUY":
        make_lot(world.firm_id, world.account, symbol, "10", basis=amount, acquired_on=on, key=f"{symbol} new")
    row = CashBalance.objects.for_firm(world.firm_id).get(account=world.account)
    row.unsettled += signed
    row.save()


def sell_new(world: World) -> None:
    make_connection(world)
    stage(world, sell(world, "AGG", ("AGG new", "10"), price="100"))
    release(world)


def test_what_unsettled_proceeds_paid_for_is_sold_when_they_have_settled(birch: Birch, cedar: Cedar) -> None:
    set_cash(birch, "0")
    traded(birch, "SELL", "VTI", "1000")
    traded(birch, "BUY", "AGG", "1000")
    sell_new(birch)
    with cedar.scope():
        traded(cedar, "BUY", "AGG", "1000")
        sell_new(cedar)
        assert statuses(cedar) == ["READY"]
    assert (statuses(birch), orders(birch)[0].status_reason) == (
        ["HELD"],
        "Waits until Monday, 23 November: AGG, bought on Friday, 20 November, was paid with proceeds that settle then. "
        "Selling it before would be a good-faith violation.",
    )
    settle(firm_id=birch.firm_id, today=MONDAY.date(), at=MONDAY)
    release(birch, MONDAY)
    assert statuses(birch) == ["READY"]


def test_lots_held_before_are_free_though_a_newer_one_is_locked(birch: Birch) -> None:
    set_cash(birch, "0")
    traded(birch, "SELL", "AGG", "1000")
    traded(birch, "BUY", "VTI", "1000")
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"))
    release(birch)
    assert statuses(birch) == ["READY"]


@pytest.mark.parametrize(
    ("settled", "status"),
    [pytest.param("1000", "READY", id="settled cash"), pytest.param("400", "HELD", id="too little settled cash")],
)
def test_settled_cash_pays_first(birch: Birch, settled: str, status: str) -> None:
    set_cash(birch, settled)
    traded(birch, "SELL", "VTI", "1000")
    traded(birch, "BUY", "AGG", "1000")
    sell_new(birch)
    assert statuses(birch) == [status]


def test_what_nothing_paid_for_is_not_sold_to_pay_for_itself(birch: Birch) -> None:
    set_cash(birch, "300")
    traded(birch, "BUY", "AGG", "1000")
    sell_new(birch)
    assert (statuses(birch), orders(birch)[0].status_reason) == (
        ["HELD"],
        "Waits until AGG, bought on Friday, 20 November, is paid for: $700.00 are missing. "
        "Selling it before would be free riding.",
    )
    set_cash(birch, "1000", "-1000")
    release(birch)
    assert statuses(birch) == ["READY"]


def test_a_sale_that_pays_for_an_earlier_purchase_waits_for_a_note(birch: Birch) -> None:
    set_cash(birch, "0")
    traded(birch, "BUY", "AGG", "1000", on=THURSDAY)
    settle(firm_id=birch.firm_id, today=TODAY, at=MONDAY)
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"))
    release(birch)
    check = PreTradeCheck.objects.for_firm(birch.firm_id).get(passed=False)
    assert (statuses(birch), check.rule, check.severity) == (["HELD"], "CASH_LIQUIDATION", "NEEDS_NOTE")
    assert check.sentence == (
        "$1,000.00 of the purchase of AGG on Thursday, 19 November is not paid; a sale that pays for it is a cash "
        "liquidation."
    )


def test_a_margin_account_is_under_none_of_these_rules(birch: Birch) -> None:
    set_execution(birch, margin_accounts='["1001"]')
    set_cash(birch, "0")
    traded(birch, "SELL", "VTI", "1000")
    traded(birch, "BUY", "AGG", "1000")
    sell_new(birch)
    assert statuses(birch) == ["READY"]


def test_a_purchase_that_was_taken_back_locks_nothing(birch: Birch) -> None:
    set_cash(birch, "0")
    traded(birch, "BUY", "AGG", "1000")
    bought = Transaction.objects.for_firm(birch.firm_id).get(kind="BUY", account=birch.account)
    Transaction.objects.for_firm(birch.firm_id).create(
        account=birch.account, security=bought.security, key=f"{bought.key}:reversed", kind="BUY", trade_on=TODAY,
        settle_on=bought.settle_on, quantity=-10, price=100, amount=1000,
    )  # fmt: skip
    sell_new(birch)
    assert statuses(birch) == ["READY"]
