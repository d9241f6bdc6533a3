"""What every request meets first: who asks, how much budget is left, and how answers and refusals are written."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading.custodians.simulator.errors import ApiError, bad_request, not_found, too_many_requests, unauthorized
from trading.custodians.simulator.exchange import Exchange
from trading.custodians.simulator.faults import FaultKind
from trading.custodians.simulator.records import Account

OPEN_PATHS = frozenset({"/simulator/health"})
ADMIN_PREFIX = "/simulator/"
OUTAGE = ApiError(503, 50310000, "service unavailable")


def reply(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")


def refuse(error: ApiError) -> Response:
    return reply(error.body, error.status)


def exchange_of(connection: HTTPConnection) -> Exchange:
    found: Exchange = connection.app.state.exchange
    return found


def key_of(request: Request) -> str:
    key_id: str = request.scope["key_id"]
    return key_id


async def body_of(request: Request) -> Any:
    """:raises ApiError: if the body is not JSON"""
    try:
        return json.loads(await request.body(), parse_float=str)
    except ValueError as bad:
        raise bad_request("request body format error") from bad


def account_of(request: Request) -> Account:
    """The account in the path; without one, the key's own (its first).

    :raises ApiError: if the key has no such account
    """
    store, key_id = exchange_of(request).store, key_of(request)
    named = request.path_params.get("account_id")
    account = store.account(named, key_id) if named else store.first_account(key_id)
    if account is None:
        raise not_found("account not found")
    return account


def knows(exchange: Exchange, key_id: str, secret: str) -> bool:
    """Are these the credentials of somebody?"""
    expected = exchange.secrets.get(key_id)
    return expected is not None and secrets.compare_digest(expected.encode(), secret.encode())


def _credentials(headers: dict[bytes, bytes]) -> tuple[str, str]:
    key_id, secret = headers.get(b"apca-api-key-id"), headers.get(b"apca-api-secret-key")
    if key_id and secret:
        return key_id.decode("latin-1"), secret.decode("latin-1")
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


class Door:
    """Outermost middleware: authenticates, counts requests a window and key, and says so in every answer's headers."""

    def __init__(self, app: ASGIApp, exchange: Exchange) -> None:
        self._app = app
        self._exchange = exchange
        self._limit = exchange.options.rate_limit
        self._window = exchange.options.rate_window_seconds
        self._windows: dict[str, tuple[int, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        key_id, secret = _credentials(dict(scope["headers"]))
        is_operator = key_id == self._exchange.options.key_id
        if not knows(self._exchange, key_id, secret) or (scope["path"].startswith(ADMIN_PREFIX) and not is_operator):
            await refuse(unauthorized())(scope, receive, self._with_budget(send, 0, self._next_window()))
            return
        scope["key_id"] = key_id
        used, reset = self._count(key_id)
        send_with_budget = self._with_budget(send, used, reset)
        if not is_operator and self._is_away(key_id):
            await refuse(OUTAGE)(scope, receive, send_with_budget)
            return
        if used > self._limit:
            await refuse(too_many_requests())(scope, receive, send_with_budget)
            return
        await self._app(scope, receive, send_with_budget)

    def _with_budget(self, send: Send, used: int, reset: int) -> Send:
        async def send_with_budget(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._budget(used, reset)]
            await send(message)

        return send_with_budget

    def _next_window(self) -> int:
        return (int(time.time()) // self._window + 1) * self._window

    def _is_away(self, key_id: str) -> bool:
        """Does an outage last, or begin with this request?"""
        exchange, now = self._exchange, time.time_ns()
        if now >= exchange.away_until_ns:
            fault = exchange.faults.strikes(FaultKind.OUTAGE, symbol="", subject=key_id)
            if fault is None:
                return False
            exchange.save_faults()
            exchange.away_until_ns = now + int(fault.seconds * 1e9)
        return True

    def _count(self, key_id: str) -> tuple[int, int]:
        window = int(time.time()) // self._window
        since, used = self._windows.get(key_id, (window, 0))
        used = used + 1 if since == window else 1
        self._windows[key_id] = (window, used)
        return used, self._next_window()

    def _budget(self, used: int, reset: int) -> list[tuple[bytes, bytes]]:
        left = max(self._limit - used, 0)
        names = (b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset")
        return [(name, str(value).encode()) for name, value in zip(names, (self._limit, left, reset), strict=True)]
