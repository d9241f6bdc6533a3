"""The routes. Broker paths name the account; Trading paths mean the account of the key."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from trading.custodians.simulator import accounts, admin, allocations, orders, streams
from trading.custodians.simulator.door import Door, refuse
from trading.custodians.simulator.errors import ApiError
from trading.custodians.simulator.exchange import Exchange


def _order_routes(prefix: str) -> list[BaseRoute]:
    return [
        Route(f"{prefix}/orders", orders.place, methods=["POST"]),
        Route(f"{prefix}/orders", orders.list_orders, methods=["GET"]),
        Route(f"{prefix}/orders", orders.cancel_all, methods=["DELETE"]),
        Route(f"{prefix}/orders:by_client_order_id", orders.by_client_order_id, methods=["GET"]),
        Route(f"{prefix}/orders/{{order_id}}", orders.show, methods=["GET"]),
        Route(f"{prefix}/orders/{{order_id}}", orders.cancel, methods=["DELETE"]),
        Route(f"{prefix}/orders/{{order_id}}", orders.replace, methods=["PATCH"]),
        Route(f"{prefix}/positions", accounts.list_positions, methods=["GET"]),
        Route(f"{prefix}/positions/{{symbol}}", accounts.show_position, methods=["GET"]),
        Route(f"{prefix}/account", accounts.trading_account, methods=["GET"]),
    ]


def _common_routes(prefix: str) -> list[BaseRoute]:
    return [
        Route(f"{prefix}/clock", accounts.clock, methods=["GET"]),
        Route(f"{prefix}/calendar", accounts.calendar, methods=["GET"]),
        Route(f"{prefix}/assets", accounts.list_assets, methods=["GET"]),
        Route(f"{prefix}/assets/{{symbol}}", accounts.show_asset, methods=["GET"]),
    ]


ROUTES: list[BaseRoute] = [
    *_order_routes("/v1/trading/accounts/{account_id}"),
    *_order_routes("/v2"),
    *_common_routes("/v1"),
    *_common_routes("/v2"),
    Route("/v1/allocations", allocations.allocate, methods=["POST"]),
    Route("/v1/accounts", accounts.list_accounts, methods=["GET"]),
    Route("/v1/accounts/activities", accounts.list_activities, methods=["GET"]),
    Route("/v1/accounts/activities/{activity_type}", accounts.list_activities, methods=["GET"]),
    Route("/v1/accounts/{account_id}", accounts.show_account, methods=["GET"]),
    Route("/v2/account/activities", accounts.list_activities, methods=["GET"]),
    Route("/v2/account/activities/{activity_type}", accounts.list_activities, methods=["GET"]),
    Route("/v2/events/trades", streams.trade_events, methods=["GET"]),
    WebSocketRoute("/stream", streams.trade_updates),
    Route("/simulator/health", admin.health, methods=["GET"]),
    Route("/simulator/load", admin.load, methods=["POST"]),
    Route("/simulator/split", admin.split, methods=["POST"]),
    Route("/simulator/prices", admin.set_prices, methods=["POST"]),
    Route("/simulator/accounts", admin.list_accounts, methods=["GET"]),
    Route("/simulator/state", admin.state, methods=["GET"]),
    Route("/simulator/record", admin.record, methods=["GET"]),
    Route("/simulator/faults", admin.show_faults, methods=["GET"]),
    Route("/simulator/faults", admin.set_faults, methods=["PUT"]),
    Route("/simulator/clock", admin.set_clock, methods=["PUT"]),
]


async def _refuse(_: Request, error: Exception) -> Response:
    return refuse(error) if isinstance(error, ApiError) else Response(status_code=500)


async def _no_such_thing(_: Request, error: Exception) -> Response:
    """A path or a method that this market does not have, in the words of the API."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return refuse(ApiError(status, status * 100_000 + 10_000, str(getattr(error, "detail", "")).lower()))


def _stop_unless_cancelled(market: asyncio.Task[None]) -> None:
    if not market.cancelled():
        signal.raise_signal(signal.SIGTERM)


def make_app(exchange: Exchange) -> Starlette:
    """The application; it takes orders on for as long as it runs. A market that stops takes the process with it."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        market = asyncio.create_task(exchange.run())
        market.add_done_callback(_stop_unless_cancelled)
        try:
            yield
        finally:
            market.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await market
            exchange.store.close()

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Door, exchange=exchange)],
        exception_handlers={ApiError: _refuse, HTTPException: _no_such_thing},
        lifespan=lifespan,
    )
    app.state.exchange = exchange
    return app
