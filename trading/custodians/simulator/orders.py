"""Orders: placed, looked up, listed, cancelled, in both flavours of the API (`/v1/trading/accounts/{id}` and `/v2`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from trading.custodians.simulator import intake, render
from trading.custodians.simulator.clock import nanoseconds
from trading.custodians.simulator.door import account_of, body_of, exchange_of, refuse, reply
from trading.custodians.simulator.errors import ApiError, not_found, too_many_requests, unprocessable
from trading.custodians.simulator.exchange import Exchange
from trading.custodians.simulator.faults import FaultKind
from trading.custodians.simulator.records import Order

MOST_ORDERS = 500
ORDERS_BY_DEFAULT = 50
STATUS_FILTERS: Mapping[str, str] = {"open": "is_open", "closed": "NOT is_open", "all": "1"}
DIRECTIONS = frozenset({"asc", "desc"})
CURSORS = (("before_order_id", "<"), ("after_order_id", ">"))
TIMED_OUT = ApiError(504, 50410000, "upstream request timeout")


async def place(request: Request) -> Response:
    exchange = exchange_of(request)
    ticket = intake.read_ticket(await body_of(request))
    account = account_of(request)
    _fail_before(exchange, ticket)
    order = exchange.place(account, ticket)
    hang = exchange.faults.strikes(FaultKind.HANG, symbol=ticket.symbol, subject=ticket.client_order_id)
    if hang:
        exchange.save_faults()
        await asyncio.sleep(hang.seconds)
    if _strikes(exchange, FaultKind.ACCEPT_THEN_504, ticket):
        return refuse(TIMED_OUT)
    return reply(render.order_json(order))


def _strikes(exchange: Exchange, kind: FaultKind, ticket: intake.Ticket) -> bool:
    if not exchange.faults.strikes(kind, symbol=ticket.symbol, subject=ticket.client_order_id):
        return False
    exchange.save_faults()
    return True


def _fail_before(exchange: Exchange, ticket: intake.Ticket) -> None:
    """:raises ApiError: if a fault keeps the order from being accepted"""
    if _strikes(exchange, FaultKind.RATE_LIMIT, ticket):
        raise too_many_requests()
    if _strikes(exchange, FaultKind.REFUSE, ticket):
        raise unprocessable(f"asset {ticket.symbol} is not tradable")
    if _strikes(exchange, FaultKind.LOSE_THEN_504, ticket):
        raise TIMED_OUT


def _order_of(request: Request) -> Order:
    account, order_id = account_of(request), request.path_params["order_id"]
    order = exchange_of(request).store.order(order_id)
    if order is None or order.account_id != account.id:
        raise not_found(f"order not found for {order_id}")
    return order


async def show(request: Request) -> Response:
    return reply(render.order_json(_order_of(request)))


async def by_client_order_id(request: Request) -> Response:
    wanted = request.query_params.get("client_order_id")
    if not wanted:
        raise unprocessable("client_order_id is required")
    order = exchange_of(request).store.order_by_client_id(account_of(request).id, wanted)
    if order is None:
        raise not_found(f"order not found for {wanted}")
    return reply(render.order_json(order))


async def cancel(request: Request) -> Response:
    exchange_of(request).cancel([_order_of(request)])
    return Response(status_code=204)


async def replace(request: Request) -> Response:
    """Refused: an order is cancelled and another one placed.

    :raises ApiError: always
    """
    order = _order_of(request)
    raise unprocessable(f"order {order.id} cannot be replaced: this market takes cancels and new orders")


async def cancel_all(request: Request) -> Response:
    exchange = exchange_of(request)
    orders = exchange.store.open_orders(account_of(request).id)
    exchange.cancel(orders)
    return reply([{"id": order.id, "status": 200} for order in orders], 207)


def moment_of(text: str, name: str) -> int:
    """A day or a moment in a query, in nanoseconds; a day means its midnight UTC.

    :raises ApiError: if it is neither
    """
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as bad:
        raise unprocessable(f"invalid {name}") from bad
    return nanoseconds(at if at.tzinfo else at.replace(tzinfo=UTC))


def whole_number(request: Request, name: str, default: int, most: int) -> int:
    """:raises ApiError: if the query's number is not one from 1 to the most"""
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise unprocessable(f"{name} must be between 1 and {most}")
    return int(text)


def direction_of(request: Request) -> str:
    """:raises ApiError: if the query's direction is neither asc nor desc"""
    direction = request.query_params.get("direction", "desc")
    if direction not in DIRECTIONS:
        raise unprocessable("direction must be asc or desc")
    return direction


def _place_of(request: Request, order_id: str, account_id: str) -> int:
    """Where the order of a cursor stands in the order of arrival.

    :raises ApiError: if the account has no such order, or the query narrows by moments too
    """
    if request.query_params.get("after") or request.query_params.get("until"):
        raise unprocessable("order id cursors cannot be combined with after or until")
    store = exchange_of(request).store
    row = store.one("SELECT seq FROM orders WHERE id = ? AND account_id = ?", order_id, account_id)
    if row is None:
        raise unprocessable("invalid order id cursor")
    return int(row["seq"])


async def list_orders(request: Request) -> Response:
    query, account = request.query_params, account_of(request)
    status = STATUS_FILTERS.get(query.get("status", "open"))
    if status is None:
        raise unprocessable("status must be open, closed or all")
    where, values = ["account_id = ?", status], [account.id]
    for name, operator in (("after", ">"), ("until", "<")):
        if query.get(name):
            where.append(f"submitted_ns {operator} {moment_of(query[name], name)}")
    for name, operator in CURSORS:
        if query.get(name):
            where.append(f"seq {operator} {_place_of(request, query[name], account.id)}")
    symbols = [symbol for symbol in query.get("symbols", "").split(",") if symbol]
    if symbols:
        where.append(f"symbol IN ({', '.join('?' * len(symbols))})")
        values += symbols
    if query.get("side"):
        where.append("side = ?")
        values.append(query["side"])
    limit, direction = whole_number(request, "limit", ORDERS_BY_DEFAULT, MOST_ORDERS), direction_of(request)
    sql = f"SELECT * FROM orders WHERE {' AND '.join(where)} ORDER BY seq {direction} LIMIT {limit}"
    return reply([render.order_json(Order.of(row)) for row in exchange_of(request).store.rows(sql, *values)])
