"""Alpaca's JSON, read and written: decimals are strings, moments carry nanoseconds, unknown words are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from trading.custodians.protocol import (
    Balances,
    Fill,
    MarketClock,
    OrderKind,
    OrderRequest,
    OrderSnapshot,
    PositionSnapshot,
    Side,
    TradeEvent,
)

# A correction or a bust is an execution too: it says what became of an earlier one.
EXECUTION_EVENTS = frozenset({"fill", "partial_fill", "trade_bust", "trade_correct"})


class Unreadable(ValueError):
    """A message that is not what the custodian's specification promises."""


def plain(number: Decimal) -> str:
    """The number in plain notation, without an exponent."""
    return f"{number:f}"


def decode(text: str | bytes) -> Any:
    """JSON with exact numbers.

    :raises Unreadable: if it is not JSON
    """
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError as bad:
        raise Unreadable(f"The answer is not JSON: {bad}") from bad


def decode_object(text: str | bytes) -> dict[str, Any]:
    """:raises Unreadable: if it is not a JSON object"""
    found = decode(text)
    if not isinstance(found, dict):
        raise Unreadable(f"The answer is a JSON {type(found).__name__} where an object was promised.")
    return found


def decode_list(text: str | bytes) -> list[Any]:
    """:raises Unreadable: if it is not a JSON array"""
    found = decode(text)
    if not isinstance(found, list):
        raise Unreadable(f"The answer is a JSON {type(found).__name__} where an array was promised.")
    return found


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"The message has no {name}.")
    return value


def _optional_number(message: Mapping[str, Any], name: str) -> Decimal | None:
    value = message.get(name)
    if value is None or value == "":
        return None
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation as bad:
        raise Unreadable(f"The message's {name} is not a number: {value!r}.") from bad
    if not number.is_finite():
        raise Unreadable(f"The message's {name} is not a number: {value!r}.")
    return number


def _number(message: Mapping[str, Any], name: str) -> Decimal:
    number = _optional_number(message, name)
    if number is None:
        raise Unreadable(f"The message has no {name}.")
    return number


def _optional_moment(message: Mapping[str, Any], name: str) -> datetime | None:
    value = message.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as bad:
        raise Unreadable(f"The message's {name} is not a moment: {value!r}.") from bad
    if moment.tzinfo is None:
        raise Unreadable(f"The message's {name} has no time zone: {value!r}.")
    return moment.astimezone(UTC)


def _moment(message: Mapping[str, Any], name: str) -> datetime:
    moment = _optional_moment(message, name)
    if moment is None:
        raise Unreadable(f"The message has no {name}.")
    return moment


def _side(message: Mapping[str, Any]) -> Side:
    try:
        return Side(_text(message, "side").partition("_")[0].upper())
    except ValueError as bad:
        raise Unreadable(f"The message's side is neither buy nor sell: {message['side']!r}.") from bad


def order_body(request: OrderRequest) -> dict[str, str]:
    """The body of the request that places an order."""
    body = {
        "symbol": request.symbol,
        "side": request.side.lower(),
        "type": request.kind.lower(),
        "time_in_force": request.time_in_force.lower(),
        "client_order_id": request.client_order_id,
    }
    if request.quantity is not None:
        body["qty"] = plain(request.quantity)
    if request.notional is not None:
        body["notional"] = plain(request.notional)
    if request.kind is OrderKind.LIMIT and request.limit_price is not None:
        body["limit_price"] = plain(request.limit_price)
    return body


def read_order(message: Mapping[str, Any]) -> OrderSnapshot:
    """:raises Unreadable: if a field that identifies or measures the order is missing or malformed"""
    return OrderSnapshot(
        broker_order_id=_text(message, "id"),
        client_order_id=_text(message, "client_order_id"),
        symbol=_text(message, "symbol"),
        side=_side(message),
        status=_text(message, "status"),
        quantity=_optional_number(message, "qty"),
        notional=_optional_number(message, "notional"),
        filled_quantity=_number(message, "filled_qty"),
        average_price=_optional_number(message, "filled_avg_price"),
        limit_price=_optional_number(message, "limit_price"),
        submitted_at=_optional_moment(message, "submitted_at"),
        updated_at=_optional_moment(message, "updated_at"),
        raw=message,
    )


def is_same_order(order: OrderSnapshot, request: OrderRequest) -> bool:
    """Is this the order that the request asks for?"""
    return (order.client_order_id, order.symbol, order.side, order.quantity, order.notional, order.limit_price) == (
        request.client_order_id,
        request.symbol,
        request.side,
        request.quantity,
        request.notional,
        request.limit_price,
    )


def read_activity(message: Mapping[str, Any], account: str) -> Fill:
    """A FILL activity; its id ends in the execution's, which is the one that the stream gives too.

    :raises Unreadable: if it is not one
    """
    exec_id = _text(message, "id").rpartition("::")[2]
    return Fill(
        exec_id=exec_id,
        account=message.get("account_id") or account,
        broker_order_id=_text(message, "order_id"),
        symbol=_text(message, "symbol"),
        side=_side(message),
        quantity=_number(message, "qty"),
        price=_number(message, "price"),
        executed_at=_moment(message, "transaction_time"),
        gross=_optional_number(message, "gross_amount"),
    )


def read_position(message: Mapping[str, Any], account: str) -> PositionSnapshot:
    """:raises Unreadable: if it is not a position"""
    quantity = _number(message, "qty")
    available = _optional_number(message, "qty_available")
    return PositionSnapshot(
        account=account,
        symbol=_text(message, "symbol"),
        quantity=quantity,
        available_quantity=quantity if available is None else available,
        cost_basis=_number(message, "cost_basis"),
        market_value=_number(message, "market_value"),
    )


def read_balances(message: Mapping[str, Any]) -> Balances:
    """:raises Unreadable: if it is not a trading account"""
    return Balances(_text(message, "id"), _number(message, "cash"), _number(message, "buying_power"))


def read_clock(message: Mapping[str, Any]) -> MarketClock:
    """:raises Unreadable: if it is not a market clock"""
    if not isinstance(message.get("is_open"), bool):
        raise Unreadable("The message does not say whether the market is open.")
    return MarketClock(
        at=_moment(message, "timestamp"),
        is_open=message["is_open"],
        next_open_at=_moment(message, "next_open"),
        next_close_at=_moment(message, "next_close"),
    )


def _settle_on(message: Mapping[str, Any]) -> date | None:
    value = message.get("settle_date")
    try:
        return date.fromisoformat(value) if value else None
    except (TypeError, ValueError) as bad:
        raise Unreadable(f"The event's settle_date is not a date: {value!r}.") from bad


def _execution(message: Mapping[str, Any], order: OrderSnapshot, account: str) -> Fill | None:
    if message.get("event") not in EXECUTION_EVENTS:
        return None
    price = _optional_number(message, "price")
    return Fill(
        exec_id=_text(message, "execution_id"),
        account=account,
        broker_order_id=order.broker_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=_number(message, "qty"),
        price=Decimal(0) if price is None and message["event"] == "trade_bust" else _number(message, "price"),
        executed_at=_moment(message, "timestamp"),
        settle_on=_settle_on(message),
        previous_exec_id=message.get("previous_execution_id"),
        gross=_optional_number(message, "gross_amount"),
    )


def read_event(message: Mapping[str, Any], text: str, account: str = "") -> TradeEvent:
    """A trade event of either stream. The WebSocket's events name neither an id nor an account.

    :raises Unreadable: if it is not a trade event
    """
    inner = message.get("order")
    if not isinstance(inner, dict):
        raise Unreadable("The event has no order.")
    order = read_order(inner)
    account = message.get("account_id") or account
    occurred_at = _optional_moment(message, "timestamp") or _optional_moment(message, "at") or order.updated_at
    if occurred_at is None:
        raise Unreadable("The event does not say when it happened.")
    return TradeEvent(
        event_id=message.get("event_id") or message.get("execution_id") or "",
        account=account,
        kind=_text(message, "event"),
        order=order,
        execution=_execution(message, order, account),
        occurred_at=occurred_at,
        payload=message,
        text=text,
    )
