"""Alpaca, over its Broker API (many client accounts under one credential) or its Trading API (one account).

A thin client of our own: every wait has a limit, an order is never posted twice blindly, numbers stay decimal, and
the rate budget of every answer is kept for the sender's limiter.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from trading.custodians import alpaca_wire as wire
from trading.custodians.alpaca_outcomes import (
    DUPLICATE_CLIENT_ORDER_ID,
    error_of,
    outcome_of_answer,
    outcome_of_failure,
    rate_of,
)
from trading.custodians.protocol import (
    Accepted,
    AllocateOutcome,
    AllocationRequest,
    Ambiguous,
    AmbiguousReason,
    Balances,
    CancelOutcome,
    CancelRequested,
    Capabilities,
    Fill,
    MarketClock,
    NotSent,
    OrderRequest,
    OrderSnapshot,
    PositionSnapshot,
    QueryFailed,
    RateLimit,
    RefusalReason,
    Refused,
    Scope,
    SubmitOutcome,
    TimeInForce,
)

Wire = TypeVar("Wire")
Found = TypeVar("Found")

ORDERS_A_PAGE = 500
ACTIVITIES_A_PAGE = 100


class Flavour(StrEnum):
    BROKER = "BROKER"
    TRADING = "TRADING"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and as whom. Timeouts are in seconds; `read` is the longest wait for an answer to a request."""

    base_url: str
    key_id: str
    secret: str
    flavour: Flavour = Flavour.BROKER
    connect_timeout: float = 3.0
    read_timeout: float = 10.0
    silence_timeout: float = 30.0  # of an event stream, before it is taken for dead

    @property
    def headers(self) -> dict[str, str]:
        """The broker's interface asks for HTTP Basic, the other for headers of Alpaca's own."""
        if self.flavour is Flavour.BROKER:
            pair = base64.b64encode(f"{self.key_id}:{self.secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret}

    @property
    def timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self.read_timeout, connect=self.connect_timeout)

    def in_account(self, account: str, rest: str) -> str:
        """The path of something that belongs to an account."""
        if self.flavour is Flavour.TRADING:
            return f"/v2{rest}"
        return f"/v1/trading/accounts/{quote(account, safe='')}{rest}"


CAPABILITIES: Mapping[Flavour, Capabilities] = {
    flavour: Capabilities(
        client_id_lookup=True,
        client_id_scope=Scope.ACCOUNT,
        replay_cursor=flavour is Flavour.BROKER,
        notional=True,
        fractional_tif=frozenset({TimeInForce.DAY}),
        lots_on_order=False,
        blocks=False,
        allocations=False,
        human_release=False,
    )
    for flavour in Flavour
}


class Alpaca:
    """The adapter. One instance keeps a pool of connections and may be shared by the threads of a process."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._rate: RateLimit | None = None
        self._http = httpx.Client(
            base_url=connection.base_url, headers=connection.headers, timeout=connection.timeout, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES[self.connection.flavour]

    @property
    def rate(self) -> RateLimit | None:
        """The budget as the last answer stated it; None before the first answer."""
        return self._rate

    def submit(self, request: OrderRequest) -> SubmitOutcome:
        """Place the order, once. An id that is already taken by this very order adopts that order."""
        path = self.connection.in_account(request.account, "/orders")
        answer = self.send("POST", path, json=wire.order_body(request))
        if not isinstance(answer, httpx.Response):
            return answer
        if answer.is_success:
            return _accepted(answer, request)
        if error_of(answer).code == DUPLICATE_CLIENT_ORDER_ID and "client_order_id" in error_of(answer).message:
            return self._adopt(request)
        return outcome_of_answer(answer)

    def _adopt(self, request: OrderRequest) -> SubmitOutcome:
        try:
            order = self.find_by_client_order_id(request.account, request.client_order_id)
        except QueryFailed as failed:
            return Ambiguous(AmbiguousReason.LOOKUP_FAILED, str(failed))
        if order is None:
            return Ambiguous(AmbiguousReason.LOOKUP_FAILED, "The id is taken, and no order with it is found.")
        if not wire.is_same_order(order, request):
            return Ambiguous(
                AmbiguousReason.DIFFERENT_ORDER, f"The id belongs to {order.broker_order_id}, another order."
            )
        return Accepted(order, adopted=True)

    def cancel(self, account: str, broker_order_id: str) -> CancelOutcome:
        """Ask for the order to be cancelled."""
        answer = self.send("DELETE", self._order_path(account, broker_order_id))
        if not isinstance(answer, httpx.Response):
            return answer
        return CancelRequested() if answer.is_success else outcome_of_answer(answer, cancelling=True)

    def allocate(self, request: AllocationRequest) -> AllocateOutcome:
        """Alpaca gives every order to one account, so there is nothing to share out."""
        return Refused(RefusalReason.INVALID, "", f"{request.broker_order_id} is of one account: there are no blocks.")

    def find_by_client_order_id(self, account: str, client_order_id: str) -> OrderSnapshot | None:
        """The order with our id; None when the custodian says that there is none.

        :raises QueryFailed: when it could not be asked
        """
        path = self.connection.in_account(account, "/orders:by_client_order_id")
        return self._order_or_none(path, {"client_order_id": client_order_id})

    def order(self, account: str, broker_order_id: str) -> OrderSnapshot | None:
        """The order with the custodian's id; None when the custodian says that there is none.

        :raises QueryFailed: when it could not be asked
        """
        return self._order_or_none(self._order_path(account, broker_order_id), {})

    def open_orders(self, account: str, since: datetime | None = None) -> list[OrderSnapshot]:
        """Every open order of the account submitted after `since`, oldest first.

        :raises QueryFailed: when they could not be asked for
        """
        found: dict[str, OrderSnapshot] = {}
        query = {"status": "open", "limit": str(ORDERS_A_PAGE), "direction": "asc"}
        after = since.astimezone(UTC).isoformat() if since else None
        while True:
            page = self._get(
                self.connection.in_account(account, "/orders"), query | ({"after": after} if after else {})
            )
            raw = _read(wire.decode_list, page)
            orders = [_read(wire.read_order, one) for one in raw]
            new = [order for order in orders if order.broker_order_id not in found]
            found.update((order.broker_order_id, order) for order in new)
            if len(orders) < ORDERS_A_PAGE or not new:
                return list(found.values())
            after = str(raw[-1]["submitted_at"])

    def fills(self, since: datetime, account: str | None = None) -> Iterator[Fill]:
        """Executions after `since`, oldest first, of one account or of all that the credential sees.

        :raises QueryFailed: when they could not be asked for
        """
        broker = self.connection.flavour is Flavour.BROKER
        path = f"{'/v1/accounts' if broker else '/v2/account'}/activities/FILL"
        query = {"after": since.astimezone(UTC).isoformat(), "direction": "asc", "page_size": str(ACTIVITIES_A_PAGE)}
        if broker and account:
            query["account_id"] = account
        while True:
            page = _read(wire.decode_list, self._get(path, query))
            for activity in page:
                yield _read(lambda one: wire.read_activity(one, account or ""), activity)
            if len(page) < ACTIVITIES_A_PAGE:
                return
            query["page_token"] = page[-1]["id"]

    def positions(self, account: str) -> list[PositionSnapshot]:
        """:raises QueryFailed: when they could not be asked for: that is not the same as holding nothing"""
        page = self._get(self.connection.in_account(account, "/positions"), {})
        return [_read(lambda one: wire.read_position(one, account), one) for one in _read(wire.decode_list, page)]

    def balances(self, account: str) -> Balances:
        """:raises QueryFailed: when they could not be asked for"""
        page = self._get(self.connection.in_account(account, "/account"), {})
        return _read(lambda text: wire.read_balances(wire.decode_object(text)), page)

    def clock(self) -> MarketClock:
        """:raises QueryFailed: when it could not be asked for"""
        page = self._get("/v2/clock" if self.connection.flavour is Flavour.TRADING else "/v1/clock", {})
        return _read(lambda text: wire.read_clock(wire.decode_object(text)), page)

    def _order_path(self, account: str, broker_order_id: str) -> str:
        return self.connection.in_account(account, f"/orders/{quote(broker_order_id, safe='')}")

    def _order_or_none(self, path: str, query: Mapping[str, str]) -> OrderSnapshot | None:
        answer = self._ask(path, query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return _read(lambda text: wire.read_order(wire.decode_object(text)), _content(answer))

    def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        return _content(self._ask(path, query))

    def _ask(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        try:
            answer = self._http.get(path, params=query)
        except httpx.RequestError as failed:
            raise QueryFailed(f"GET {path}: {str(failed) or type(failed).__name__}") from failed
        self._rate = rate_of(answer) or self._rate
        return answer

    def send(self, method: str, path: str, json: Any = None) -> httpx.Response | NotSent | Ambiguous:
        """Ask for something to be done: the answer, or what its absence means."""
        try:
            answer = self._http.request(method, path, json=json)
        except httpx.RequestError as failed:
            return outcome_of_failure(failed)
        self._rate = rate_of(answer) or self._rate
        return answer


def _accepted(answer: httpx.Response, request: OrderRequest) -> Accepted | Ambiguous:
    try:
        order = wire.read_order(wire.decode_object(answer.content))
    except wire.Unreadable as bad:
        return Ambiguous(AmbiguousReason.UNREADABLE, str(bad))
    if not wire.is_same_order(order, request):
        return Ambiguous(
            AmbiguousReason.DIFFERENT_ORDER, f"The answer is about {order.broker_order_id}, another order."
        )
    return Accepted(order)


def _content(answer: httpx.Response) -> bytes:
    if not answer.is_success:
        raise QueryFailed(f"GET {answer.url.path}: {answer.status_code} {error_of(answer).message}")
    return answer.content


def _read(read: Callable[[Wire], Found], message: Wire) -> Found:
    try:
        return read(message)
    except wire.Unreadable as bad:
        raise QueryFailed(str(bad)) from bad
