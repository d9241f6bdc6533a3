"""The two event streams, both read from the store: what is sent is durable, and a slow listener catches up."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from trading.custodians.simulator.clock import first_ulid_of, now_ns, ulid_at, ulid_number, ulid_of
from trading.custodians.simulator.door import exchange_of, key_of, knows
from trading.custodians.simulator.errors import unprocessable
from trading.custodians.simulator.exchange import Exchange
from trading.custodians.simulator.faults import FaultKind
from trading.custodians.simulator.records import Event

EVENTS_A_READ = 500
HEARTBEAT_SECONDS = 5.0


class Dropped(Exception):
    """The connection breaks here."""


@dataclass(slots=True)
class Reader:
    """One listener's place in the events of a key; `until` ends the listening, None never."""

    exchange: Exchange
    key_id: str
    after: str
    until: str | None = None
    account_id: str | None = None

    async def events(self) -> AsyncIterator[list[Event] | None]:
        """Batches of events as they come; None when there has been nothing to say for a while."""
        with self.exchange.listeners.joined() as flag:
            while not self.exchange.listeners.are_dismissed:
                flag.clear()
                batch = self.exchange.store.events_after(self.after, self.key_id, EVENTS_A_READ)
                if batch:
                    self.after = batch[-1].event_id
                    yield [event for event in batch if self._wanted(event)]
                elif self.until and self._is_over():
                    return
                else:
                    try:
                        await asyncio.wait_for(flag.wait(), HEARTBEAT_SECONDS)
                    except TimeoutError:
                        yield None
                if self.until and self.after >= self.until:
                    return

    def _wanted(self, event: Event) -> bool:
        return self.account_id in {None, event.account_id} and (self.until is None or event.event_id <= self.until)

    def _is_over(self) -> bool:
        return self.until is not None and self.until <= ulid_at(now_ns())


def _copies(exchange: Exchange, event: Event) -> int:
    """How often the event is sent, as the faults have it.

    :raises Dropped: where the connection is to break before it
    """
    strikes = exchange.faults.strikes
    if strikes(FaultKind.DROP_STREAM, symbol=event.symbol, subject=event.event_id):
        exchange.save_faults()
        raise Dropped
    if strikes(FaultKind.DUPLICATE_EVENTS, symbol=event.symbol, subject=event.event_id):
        exchange.save_faults()
        return 2
    return 1


def _is_lost(exchange: Exchange, event: Event) -> bool:
    if exchange.faults.strikes(FaultKind.LOSE_EVENTS, symbol=event.symbol, subject=event.event_id):
        exchange.save_faults()
        return True
    return False


def _shuffled(exchange: Exchange, events: list[Event]) -> list[Event]:
    """In the order in which they are sent: one that is struck comes after the one that follows it."""
    events = list(events)
    for place in range(len(events) - 1):
        event = events[place]
        if exchange.faults.strikes(FaultKind.REORDER_EVENTS, symbol=event.symbol, subject=event.event_id):
            exchange.save_faults()
            events[place : place + 2] = events[place + 1], event
    return events


async def _until_dropped(reader: Reader, live_after: str) -> AsyncIterator[str]:
    with contextlib.suppress(Dropped):
        async for text in _server_sent(reader, live_after):
            yield text


async def _server_sent(reader: Reader, live_after: str) -> AsyncIterator[str]:
    yield ": connected\n\n"
    async for batch in reader.events():
        if batch is None:
            yield ": heartbeat\n\n"
            continue
        for event in _shuffled(reader.exchange, batch):
            if event.event_id > live_after and _is_lost(reader.exchange, event):
                yield ": you are reading too slowly, dropped 1 messages\n\n"
                continue
            yield f"data: {event.payload}\n\n" * _copies(reader.exchange, event)


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as bad:
        raise unprocessable(f"invalid {name}: a date is YYYY-MM-DD") from bad


def _just_before(event_id: str) -> str:
    try:
        return ulid_of(max(ulid_number(event_id) - 1, 0))
    except ValueError as bad:
        raise unprocessable("an event id is a ULID") from bad


def _bounds(request: Request, newest: str) -> tuple[str, str | None]:
    """After which event the listener begins and with which it ends; the event of `since_id` itself is sent again."""
    query = request.query_params
    if query.get("since") and query.get("since_id"):
        raise unprocessable("since and since_id can't be used at the same time")
    if query.get("until", "") > "" and not query.get("since"):
        raise unprocessable("since is required if until is specified")
    if query.get("until_id") and not query.get("since_id"):
        raise unprocessable("since_id is required if until_id is specified")
    until = query.get("until_id")
    if query.get("until"):
        until = first_ulid_of(_day(query["until"], "until") + timedelta(days=1))
    if query.get("since_id"):
        return _just_before(query["since_id"]), until
    return (first_ulid_of(_day(query["since"], "since")) if query.get("since") else newest), until


async def trade_events(request: Request) -> Response:
    """`GET /v2/events/trades`: from a cursor or a day or from now, for as long as the listener stays."""
    exchange = exchange_of(request)
    newest = exchange.store.last_event_id()
    after, until = _bounds(request, newest)
    reader = Reader(exchange, key_of(request), after, until)
    return StreamingResponse(_until_dropped(reader, newest), media_type="text/event-stream")


async def trade_updates(socket: WebSocket) -> None:
    """`/stream`: the account of the key, from now on, after `authenticate` and `listen`."""
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect, Dropped):
        exchange = exchange_of(socket)
        key_id = await _authenticated(socket, exchange)
        account = exchange.store.first_account(key_id) if key_id else None
        if key_id and account and await _asked_to_listen(socket, exchange):
            reader = Reader(exchange, key_id, exchange.store.last_event_id(), account_id=account.id)
            await _tell_updates(socket, reader)
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close()


async def _say(socket: WebSocket, exchange: Exchange, stream: str, data: dict[str, object]) -> None:
    text = json.dumps({"stream": stream, "data": data}, separators=(",", ":"))
    if exchange.options.text_frames:
        await socket.send_text(text)
    else:
        await socket.send_bytes(text.encode())


async def _hear(socket: WebSocket) -> dict[str, object]:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    try:
        heard = json.loads(message.get("text") or message.get("bytes") or "")
    except ValueError:
        return {}
    return heard if isinstance(heard, dict) else {}


async def _authenticated(socket: WebSocket, exchange: Exchange) -> str | None:
    heard = await _hear(socket)
    data = heard.get("data") if heard.get("action") == "authenticate" else heard
    given = data if isinstance(data, dict) else {}
    key_id = str(given.get("key_id") or given.get("key") or "")
    known = knows(exchange, key_id, str(given.get("secret_key") or given.get("secret") or ""))
    status = "authorized" if known else "unauthorized"
    await _say(socket, exchange, "authorization", {"status": status, "action": "authenticate"})
    return key_id if known else None


async def _asked_to_listen(socket: WebSocket, exchange: Exchange) -> bool:
    while True:
        heard = await _hear(socket)
        data = heard.get("data")
        if heard.get("action") == "listen" and isinstance(data, dict):
            streams = [name for name in data.get("streams") or [] if name == "trade_updates"]
            await _say(socket, exchange, "listening", {"streams": streams})
            if streams:
                return True


async def _tell_updates(socket: WebSocket, reader: Reader) -> None:
    """Send until the listener goes away, which only reading from it shows."""
    gone = asyncio.ensure_future(_until_gone(socket))
    try:
        async for batch in reader.events():
            for event in batch or []:
                payload = json.loads(event.payload)
                for name in ("event_id", "account_id", "at"):
                    del payload[name]
                for _ in range(_copies(reader.exchange, event)):
                    await _say(socket, reader.exchange, "trade_updates", payload)
            if gone.done():
                return
    finally:
        gone.cancel()


async def _until_gone(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await _hear(socket)
