"""Alpaca's own client library against the simulator: what it asks for, it can read."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from alpaca.broker.client import BrokerClient
from alpaca.broker.requests import GetAccountActivitiesRequest
from alpaca.broker.requests import MarketOrderRequest as AccountMarketOrder
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import ActivityType, OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetCalendarRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
)
from alpaca.trading.stream import TradingStream

from tests.trading.custodians.running import ACCOUNT, KEY_ID, SECRET, STARTS_WITHIN, Simulator

RESTING = 100.01
"""A limit at which nobody sells."""


@pytest.fixture
def trading(simulator: Simulator) -> Any:
    return TradingClient(KEY_ID, SECRET, url_override=simulator.url)


@pytest.fixture
def broker(simulator: Simulator) -> Any:
    return BrokerClient(KEY_ID, SECRET, url_override=simulator.url)


def market(side: OrderSide = OrderSide.BUY, **what: Any) -> MarketOrderRequest:
    return MarketOrderRequest(**{"symbol": "VTI", "side": side, "time_in_force": TimeInForce.DAY, **what})


def resting(**more: Any) -> LimitOrderRequest:
    what = {"symbol": "VTI", "qty": 2, "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY}
    return LimitOrderRequest(**{**what, "limit_price": RESTING, **more})


def until(trading: Any, order_id: Any, status: OrderStatus) -> Any:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        found: Any = trading.get_order_by_id(order_id)
        if found.status is status:
            return found
        time.sleep(0.01)
    raise AssertionError(f"the order is not {status}")


def test_account_clock_calendar_and_assets(trading: Any) -> None:
    account = trading.get_account()
    assert (account.account_number, account.cash) == ("1001", "100000")
    clock = trading.get_clock()
    assert clock.next_open < clock.next_close or clock.is_open
    days = trading.get_calendar(GetCalendarRequest(start="2026-11-24", end="2026-11-30"))
    assert [str(day.date) for day in days] == ["2026-11-24", "2026-11-25", "2026-11-27", "2026-11-30"]
    assert {asset.symbol for asset in trading.get_all_assets()} >= {"VTI", "BND", "WHOLE"}
    assert trading.get_asset("WHOLE").fractionable is False


@pytest.mark.parametrize("what", [{"qty": 2}, {"qty": 0.5}, {"notional": 150.25}])
def test_a_market_order_fills_and_is_held(trading: Any, what: dict[str, Any]) -> None:
    order = trading.submit_order(market(**what))
    filled = until(trading, order.id, OrderStatus.FILLED)
    assert float(filled.filled_qty) > 0
    position = trading.get_open_position("VTI")
    assert float(position.qty) >= float(filled.filled_qty)
    assert {one.symbol for one in trading.get_all_positions()} == {"BND", "VTI"}


def test_a_resting_order_is_found_listed_and_cancelled(trading: Any) -> None:
    name = uuid.uuid4().hex
    order = trading.submit_order(resting(client_order_id=name))
    assert trading.get_order_by_client_id(name).id == order.id
    listed = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN, symbols=["VTI"], limit=5))
    assert [one.id for one in listed] == [order.id]
    trading.cancel_order_by_id(order.id)
    until(trading, order.id, OrderStatus.CANCELED)


def test_all_are_cancelled_with_an_answer_for_each(trading: Any) -> None:
    orders = [trading.submit_order(resting()) for _ in range(2)]
    answers = trading.cancel_orders()
    assert {(one.id, one.status) for one in answers} == {(order.id, 200) for order in orders}


@pytest.mark.parametrize(
    ("order", "status", "words"),
    [
        (market(qty=2_000_000), 403, "insufficient buying power"),
        (market(OrderSide.SELL, symbol="BND", qty=2_000_000), 403, "insufficient qty available"),
        (market(symbol="WHOLE", qty=0.5), 403, "not fractionable"),
        (market(symbol="NOBODY", qty=1), 422, "not found"),
    ],
)
def test_a_refusal_is_told_as_alpaca_tells_it(trading: Any, order: MarketOrderRequest, status: int, words: str) -> None:
    with pytest.raises(APIError, match=words) as refused:
        trading.submit_order(order)
    assert refused.value.status_code == status


def test_an_order_that_could_meet_ones_own_is_a_wash_trade(trading: Any) -> None:
    trading.submit_order(market(qty=3))
    trading.submit_order(resting())
    with pytest.raises(APIError, match="wash trade"):
        trading.submit_order(market(OrderSide.SELL, qty=1))


def test_an_id_is_taken_once_and_no_order_is_replaced(trading: Any) -> None:
    name = uuid.uuid4().hex
    order = trading.submit_order(resting(client_order_id=name))
    with pytest.raises(APIError, match="client_order_id must be unique"):
        trading.submit_order(resting(client_order_id=name))
    with pytest.raises(APIError, match="cannot be replaced") as refused:
        trading.replace_order_by_id(order.id, ReplaceOrderRequest(qty=3))
    assert refused.value.status_code == 422


def test_the_broker_sees_its_accounts_orders_and_fills(broker: Any) -> None:
    assert "1001" in {account.account_number for account in broker.list_accounts()}
    assert broker.get_account_by_id(ACCOUNT).account_number == "1001"
    assert broker.get_trade_account_by_id(ACCOUNT).last_cash is not None
    what: dict[str, Any] = {"symbol": "BND", "qty": 1, "side": OrderSide.SELL, "time_in_force": TimeInForce.DAY}
    order = broker.submit_order_for_account(ACCOUNT, AccountMarketOrder(**what))
    assert broker.get_order_for_account_by_id(ACCOUNT, order.id).id == order.id
    fills = GetAccountActivitiesRequest(account_id=ACCOUNT, activity_types=[ActivityType.FILL])
    deadline = time.monotonic() + STARTS_WITHIN
    while order.id not in {one.order_id for one in broker.get_account_activities(fills)}:
        assert time.monotonic() < deadline, "the fill is not listed"
    assert {one.symbol for one in broker.get_all_positions_for_account(ACCOUNT)} >= {"BND"}


@pytest.fixture
def told(simulator: Simulator) -> Iterator[list[Any]]:
    """What the stream of trade updates tells."""
    found: list[Any] = []

    async def hear(update: Any) -> None:
        found.append(update)

    stream: Any = TradingStream(KEY_ID, SECRET, url_override=f"ws://127.0.0.1:{simulator.port}/stream")
    stream.subscribe_trade_updates(hear)
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTS_WITHIN
    while not stream._running:
        assert time.monotonic() < deadline, "the stream does not open"
        time.sleep(0.01)
    yield found
    asyncio.run_coroutine_threadsafe(stream.stop_ws(), stream._loop).result(STARTS_WITHIN)
    thread.join(STARTS_WITHIN)


def test_the_stream_tells_of_an_order_and_its_fill(trading: Any, told: list[Any]) -> None:
    order = trading.submit_order(market(qty=1))
    deadline = time.monotonic() + STARTS_WITHIN
    while "fill" not in {update.event for update in told if update.order.id == order.id}:
        assert time.monotonic() < deadline, [update.event for update in told]
        time.sleep(0.01)
    fill = next(update for update in told if update.event == "fill" and update.order.id == order.id)
    assert (fill.qty, fill.order.symbol) == (1.0, "VTI")
