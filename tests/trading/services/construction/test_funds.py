"""Mutual funds: dollars to the cent, a cut-off, the shares told when the price is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.models import FundTerms, Security
from portfolios.selectors.market_rules import DEFAULT_TERMS, Terms
from portfolios.services.policies import publish_policy
from rebalancer.engine.calendars import is_session, session_hours
from tests.trading.services.test_fitting import MONDAY, release, set_cash
from tests.trading.worlds import (
    buy,
    cash,
    filled,
    held,
    make_connection,
    orders,
    sell,
    set_execution,
    stage,
    statuses,
    take_in,
    told,
)
from tests.worlds import NOW, Birch, Cedar, World, make_birch, make_lot
from trading.models import Execution, OrderCommand, PreTradeCheck, TradingHalt
from trading.services.construction.funds import cut_off, too_late_because
from trading.services.deliveries import Said
from trading.services.outbox import claim
from trading.services.overfills import stop_overfilled

EARLY, LATE = time(15, 45), time(16, 0)
NEW_YORK_AFTERNOON = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)  # Monday, 15:50


@pytest.mark.parametrize(
    ("terms", "at", "sentence"),
    [
        pytest.param(DEFAULT_TERMS, datetime(2026, 11, 23, 13, 0, tzinfo=UTC), "", id="before the open already"),
        pytest.param(DEFAULT_TERMS, datetime(2026, 11, 23, 21, 0, tzinfo=UTC), "", id="at the close still"),
        pytest.param(DEFAULT_TERMS, datetime(2026, 11, 23, 21, 0, 1, tzinfo=UTC),
                     "The cut-off of VTSAX was at 16:00; the order goes for the price of Tuesday, 24 November.",
                     id="a second later"),
        pytest.param(Terms(EARLY), NEW_YORK_AFTERNOON,
                     "The cut-off of VTSAX was at 15:45; the order goes for the price of Tuesday, 24 November.",
                     id="an earlier cut-off"),
        pytest.param(Terms(EARLY), datetime(2026, 11, 27, 17, 46, tzinfo=UTC),
                     "The cut-off of VTSAX was at 12:45 on this half day; "
                     "the order goes for the price of Monday, 30 November.", id="after Thanksgiving"),
        pytest.param(Terms(EARLY), datetime(2026, 11, 26, 15, 0, tzinfo=UTC),
                     "VTSAX is priced on trading days only; the order goes for the price of Friday, 27 November.",
                     id="Thanksgiving"),
        pytest.param(Terms(EARLY), datetime(2026, 7, 6, 19, 46, tzinfo=UTC),
                     "The cut-off of VTSAX was at 15:45; the order goes for the price of Tuesday, 07 July.",
                     id="summer time"),
    ],
)  # fmt: skip
def test_an_order_after_the_cut_off_goes_for_the_next_price(terms: Terms, at: datetime, sentence: str) -> None:
    assert too_late_because("VTSAX", terms, at) == sentence


@given(st.dates(date(2025, 1, 1), date(2030, 12, 31)).filter(is_session), st.times(time(9, 30), time(16, 0)))
def test_no_cut_off_is_after_the_close(day: date, at: time) -> None:
    opens_at, closes_at = session_hours(day)
    assert cut_off(Terms(at.replace(second=0, microsecond=0)), opens_at) <= closes_at


def line(world: World, **capabilities: bool) -> None:
    publish_policy(firm_id=world.firm_id, toml="guards.order_price_maximum_sessions = 5", by="ann@example.com", at=NOW)
    make_connection(world, capabilities=capabilities)


def test_a_purchase_is_for_dollars_and_ends_with_the_shares_that_its_price_makes(birch: Birch) -> None:
    line(birch, fund_dollars=True)
    (order,) = stage(birch, buy("VTSAX", "10.345", price="145"))
    assert (order.kind, order.limit_price, order.notional) == ("MARKET", None, Decimal("1500.02"))
    release(birch, MONDAY)
    assert not PreTradeCheck.objects.for_firm(birch.firm_id).filter(passed=False).exists()
    (claimed,) = claim(firm_id=birch.firm_id, worker="test", now=MONDAY)
    assert (claimed.request.quantity, claimed.request.notional) == (None, Decimal("1500.02"))
    take_in(order, told(order, Said.WORKING, "n"))
    fill = filled(order, "x1", "10.416806", "144")
    take_in(order, told(order, Said.EXECUTION, "x1", execution=fill.execution, cum_quantity=Decimal("10.416806"),
                        word="fill"))  # fmt: skip
    (order,) = orders(birch)
    assert (order.status, order.cum_quantity, order.needs_review) == ("FILLED", Decimal("10.416806"), False)
    assert held(birch)["VTSAX"] == Decimal("10.416806")
    assert cash(birch) == (Decimal("2000.00"), Decimal("-1500.02"))
    assert stop_overfilled(firm_id=birch.firm_id, order_ids=[order.pk], at=NOW) == 0
    assert not TradingHalt.objects.for_firm(birch.firm_id).exists()


@pytest.mark.parametrize("shares", ["10.2", "10.345", "10.4"])
def test_executions_do_not_end_an_order_in_dollars_before_its_custodian_says_so(birch: Birch, shares: str) -> None:
    line(birch, fund_dollars=True)
    (order,) = stage(birch, buy("VTSAX", "10.345", price="145"))
    release(birch, MONDAY)
    claim(firm_id=birch.firm_id, worker="test", now=MONDAY)
    part = filled(order, "x1", shares, "144")
    take_in(order, told(order, Said.EXECUTION, "x1", execution=part.execution, word="partial_fill"))
    assert statuses(birch) == ["PARTIALLY_FILLED"]
    take_in(order, told(order, Said.WORKING, "end", word="filled", cum_quantity=Decimal(shares), seconds=1))
    assert statuses(birch) == ["FILLED"]


def test_where_a_custodian_takes_no_dollars_a_fund_is_ordered_in_shares(birch: Birch, cedar: Cedar) -> None:
    line(birch)
    with cedar.scope():
        line(cedar, fund_dollars=True)
        assert [order.notional for order in stage(cedar, buy("VTSAX", "2", price="145"))] == [Decimal("290.00")]
    (order,) = stage(birch, buy("VTSAX", "10.345", price="145"))
    assert (order.notional, order.quantity) == (None, Decimal("10.345"))


def test_a_sale_names_its_shares_and_its_buys_wait_over_night_for_it(birch: Birch) -> None:
    set_execution(birch, sells_maximum_minutes="5")
    make_lot(birch.firm_id, birch.account, "VTSAX", "20.5", basis="2000")
    make_connection(birch, capabilities={"always_open": True, "fund_dollars": True})
    set_cash(birch, "0")
    stage(birch, sell(birch, "VTSAX", ("VTSAX-2021-03-03-20.5", "20.5"), price="145"), buy("VEA", "40", price="60"))
    assert [(order.quantity, order.notional, order.parts) for order in orders(birch)][0] == (Decimal("20.5"), None, 1)
    release(birch)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    release(birch, NOW.replace(hour=22))
    assert statuses(birch) == ["SUBMITTING", "HELD"]
    assert orders(birch)[1].status_reason == "Waits for the sales of this account, which pay for it."


@pytest.mark.usefixtures("own_database")
def test_the_custodian_s_terms_hold_its_funds_and_settle_them() -> None:
    world = make_birch()
    with world.scope():
        FundTerms.objects.using("owner").create(
            security=Security.objects.get(symbol="VTSAX"), custodian=world.account.custodian, cut_off_at=EARLY,
            settle_days=2, source="test",
        )  # fmt: skip
        line(world, fund_dollars=True)
        (order,) = stage(world, buy("VTSAX", "10", price="145"))
        release(world, NEW_YORK_AFTERNOON)
        (order,) = orders(world)
        assert (order.status, order.status_reason) == (
            "HELD",
            "The cut-off of VTSAX was at 15:45; the order goes for the price of Tuesday, 24 November.",
        )
        release(world, datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
        assert statuses(world) == ["READY"]
        assert OrderCommand.objects.for_firm(world.firm_id).count() == 1
        claim(firm_id=world.firm_id, worker="test", now=MONDAY.replace(day=24))
        report = filled(order, "x1", "10", "145").execution
        assert report is not None
        take_in(order, told(order, Said.EXECUTION, "x1", execution=replace(report, settle_on=None)))
        assert Execution.objects.for_firm(world.firm_id).get().settle_on == date(2026, 11, 24)
