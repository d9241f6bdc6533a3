"""What is constructed is what a custodian takes: dollars of a fund, and limits between pennies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.trading.conftest import Market
from tests.trading.services.test_fitting import release
from tests.trading.worlds import buy, cash, held, orders, stage
from tests.worlds import NOW
from trading.models import BrokerConnection, Order


def quote(market: Market, symbol: str, price: str, **more: object) -> None:
    row = {"symbol": symbol, "bid": price, "ask": price, **more}
    market.exchange.put("/simulator/prices", {"prices": [row]}, "POST")


def test_a_fund_bought_for_dollars_ends_with_its_shares_and_takes_no_cent_more(market: Market) -> None:
    rows = BrokerConnection.objects.for_firm(market.firm_id)
    rows.update(capabilities={"always_open": True, "fund_dollars": True})
    quote(market, "VTSAX", "144", last="144", at_nav=True)
    stage(market.world, buy("VTSAX", "10.345", price="145"))
    market.trade(NOW)
    (order,) = orders(market.world)
    assert (order.status, order.needs_review, order.cum_quantity) == ("FILLED", False, Decimal("10.416805"))
    assert held(market.world)["VTSAX"] == Decimal("10.416805")
    assert sum(cash(market.world)) == Decimal("2000.00") - Decimal("1500.02")


@pytest.mark.parametrize(("increment", "status"), [("0.005", "FILLED"), ("0.01", "REJECTED")])
def test_a_limit_between_pennies_is_taken_where_the_step_is_half_of_one(
    market: Market, increment: str, status: str
) -> None:
    quote(market, "VEA", "60", increment=increment)
    stage(market.world, buy("VEA", "3", price="60"))
    release(market.world)
    Order.objects.for_firm(market.firm_id).update(limit_price=Decimal("60.055"))
    market.trade(NOW)
    assert orders(market.world)[0].status == status
