"""Alpaca's trade events: server-sent events with a replay cursor (Broker), and the WebSocket without one (Trading).

The cursor is why an adviser's pipeline listens to the first: a fill that happened while nobody listened comes again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Self

import httpx
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from trading.custodians import alpaca_wire as wire
from trading.custodians.alpaca import Connection
from trading.custodians.alpaca_outcomes import error_of
from trading.custodians.protocol import Heartbeat, StreamEnded, StreamLostData, StreamRefused, TradeEvent

# Comment lines are the only sign that a server-sent stream lost something.
LOSS_COMMENTS = ("dropped", "reading too slowly", "internal server error")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_TIME_CHARS = 10
ULID_RANDOM_CHARS = 16


def rewound(event_id: str, by: timedelta) -> str:
    """A cursor that lies so much time before the event: ULIDs sort by time only approximately.

    :raises ValueError: if it is no ULID
    """
    milliseconds = 0
    for char in event_id[:ULID_TIME_CHARS].upper():
        milliseconds = milliseconds * 32 + CROCKFORD.index(char)
    milliseconds = max(0, milliseconds - by // timedelta(milliseconds=1))
    digits = [CROCKFORD[milliseconds >> shift & 31] for shift in range(45, -1, -5)]
    return "".join(digits) + "0" * ULID_RANDOM_CHARS


def read_event_stream(lines: Iterable[str]) -> Iterator[TradeEvent | Heartbeat]:
    """The events in the lines of a server-sent stream; other comments and empty events are signs of life.

    :raises StreamLostData: where a comment says that messages were dropped
    :raises StreamEnded: where a message cannot be read
    """
    data: list[str] = []
    for line in lines:
        if line.startswith(":"):
            if any(word in line.lower() for word in LOSS_COMMENTS):
                raise StreamLostData(line.removeprefix(":").strip())
            yield Heartbeat()
        elif line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield _event("\n".join(data))
            data.clear()


def _event(text: str) -> TradeEvent:
    try:
        return wire.read_event(wire.decode_object(text), text)
    except wire.Unreadable as bad:
        raise StreamEnded(f"An event cannot be read: {bad}") from bad


class BrokerStream:
    """`GET /v2/events/trades` of the Broker API: every account of the credential, replayed from a cursor."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        timeout = httpx.Timeout(connection.silence_timeout, connect=connection.connect_timeout)
        self._http = httpx.Client(
            base_url=connection.base_url, headers=connection.headers, timeout=timeout, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def events(self, since_id: str | None = None, since: date | None = None) -> Iterator[TradeEvent | Heartbeat]:
        """Connect and listen, from an event on (it comes again), or from the start of a day, or from now.

        :raises StreamEnded: when the stream breaks, ends or falls silent
        :raises StreamLostData: when the custodian says that it dropped messages
        :raises StreamRefused: when the credentials or the address are wrong
        """
        query = {"since_id": since_id} if since_id else {"since": since.isoformat()} if since else {}
        try:
            with self._http.stream("GET", "/v2/events/trades", params=query) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                yield Heartbeat()
                yield from read_event_stream(answer.iter_lines())
        except httpx.RequestError as broken:
            raise StreamEnded(str(broken) or type(broken).__name__) from broken
        raise StreamEnded("The custodian closed the stream.")


def _refusal(answer: httpx.Response) -> StreamEnded | StreamRefused:
    text = f"{answer.status_code} {error_of(answer).message}"
    waiting_helps = answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
    return StreamEnded(text) if waiting_helps else StreamRefused(text)


class TradingStream:
    """`/stream` of the Trading API: one account, no cursor. What was missed has to be fetched as orders and fills."""

    def __init__(self, connection: Connection, account: str) -> None:
        self.connection = connection
        self.account = account

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def events(self, since_id: str | None = None, since: date | None = None) -> Iterator[TradeEvent | Heartbeat]:
        """Connect, sign in and listen from now on.

        :raises ValueError: if a cursor is given: this stream cannot go back
        :raises StreamEnded: when the stream breaks, ends or falls silent
        :raises StreamRefused: when the credentials or the address are wrong
        """
        if since_id or since:
            raise ValueError("This stream has no replay: read the orders and the fills since then.")
        address = self.connection.base_url.replace("http", "ws", 1) + "/stream"
        try:
            with connect(address, open_timeout=self.connection.connect_timeout, proxy=None) as socket:
                socket.send(json.dumps(self._credentials()))
                yield from self._heard(socket)  # whoever is refused is told so before the door is shut
                socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
                while True:
                    yield from self._heard(socket)
        except InvalidHandshake as refused:
            raise StreamRefused(str(refused)) from refused
        except (WebSocketException, OSError) as broken:  # a silence is a TimeoutError, which is an OSError
            raise StreamEnded(str(broken) or type(broken).__name__) from broken

    def _heard(self, socket: ClientConnection) -> Iterator[TradeEvent | Heartbeat]:
        message = socket.recv(timeout=self.connection.silence_timeout)
        yield from self._read(message if isinstance(message, str) else message.decode())

    def _credentials(self) -> dict[str, object]:
        return {
            "action": "authenticate",
            "data": {"key_id": self.connection.key_id, "secret_key": self.connection.secret},
        }

    def _read(self, text: str) -> Iterator[TradeEvent | Heartbeat]:
        try:
            message = wire.decode_object(text)
            data = message.get("data") or {}
            if message.get("stream") == "trade_updates":
                yield wire.read_event(data, text, self.account)
                return
        except wire.Unreadable as bad:
            raise StreamEnded(f"An event cannot be read: {bad}") from bad
        if message.get("stream") == "authorization" and data.get("status") != "authorized":
            raise StreamRefused("The custodian does not know these credentials.")
        yield Heartbeat()
