"""Listening to custodians: events are read in a thread of their own and taken in in batches, from a cursor that is
stored with what was taken in, so that nothing is lost between two connections."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from accounts.tenancy import firm_scope
from trading.connections import Line, open_stream
from trading.custodians.alpaca_stream import rewound
from trading.custodians.protocol import EventStream, Heartbeat, StreamEnded, StreamRefused, TradeEvent
from trading.models import BrokerConnection
from trading.services.breaker import stream_accepted
from trading.services.catching_up import Behind, catch_up, fall_behind, is_behind
from trading.services.deliveries import from_event
from trading.services.inbox import Tally, receive
from trading.services.lines import line_of, lines_of

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.3
"""After this long without an event a catch-up is at its end."""
OVERLAP = timedelta(minutes=5)
"""How far before the last event a replay begins: event ids sort by time only approximately."""
BATCH = 200
PAUSE_SECONDS = (0.2, 0.5, 1, 2, 5, 10, 30)

Item = TradeEvent | Heartbeat | Exception


class NoSuchConnection(LookupError):
    """The firm has no such connection."""


def connection_ids(*, firm_id: int) -> list[int]:
    return [line.connection_id for line in lines_of(firm_id)]


def pull_events(*, firm_id: int, connection_id: int, now: datetime) -> Tally:
    """Take in what happened since the cursor, and stop when there is no more.

    :raises NoSuchConnection: if the firm has no such connection
    :raises StreamEnded: if the custodian cannot be reached
    :raises StreamRefused: if it refuses our credentials
    :raises QueryFailed: if the line was behind and the custodian could not be asked; it stays behind then
    """
    line, cursor = _line_and_cursor(firm_id, connection_id)
    total = Tally()
    connected = False
    try:
        with open_stream(line, silence_seconds=QUIET_SECONDS) as stream:
            for batch in _batches(stream, _Place().resume(cursor), now):
                if not connected:
                    stream_accepted(firm_id=firm_id, connection_id=connection_id)
                connected = True
                total.add(_take_in(line, batch, now))
    except StreamEnded:
        if not connected:
            raise
    if is_behind(firm_id=firm_id, connection_id=connection_id):
        total.add(catch_up(firm_id=firm_id, connection_id=connection_id, now=now))
    return total


def listen(
    *, firm_id: int, connection_id: int, stop: threading.Event, clock: Callable[[], datetime], after: Callable[[], None]
) -> None:
    """Listen until told to stop; connect again after a pause whenever the stream ends.

    Whenever it begins anew, the line counts as behind until what happened meanwhile was asked for and taken in.

    `after` is called when events of ours were taken in: the place to wake whoever waits for them.
    """
    failures, place = 0, _Place()
    while not stop.is_set():
        try:
            fall_behind(firm_id=firm_id, connection_id=connection_id, at=clock())
            line, cursor = _line_and_cursor(firm_id, connection_id)
            behind = Behind(firm_id, connection_id)
            with open_stream(line) as stream:
                for batch in _batches(stream, place.resume(cursor), clock(), stop):
                    failures = 0
                    place.heard(batch)
                    if _take_in(line, batch, clock()).applied + behind.look(clock()):
                        after()
        except (StreamEnded, StreamRefused) as why:
            if stop.is_set():
                return
            pause = PAUSE_SECONDS[min(failures, len(PAUSE_SECONDS) - 1)]
            logger.warning("connection %s: %s; again in %s s", connection_id, why, pause)
            failures += 1
            stop.wait(pause)


def _line_and_cursor(firm_id: int, connection_id: int) -> tuple[Line, str]:
    with firm_scope(firm_id):
        row = BrokerConnection.objects.for_firm(firm_id).filter(pk=connection_id).first()
    if row is None:
        raise NoSuchConnection(connection_id)
    return line_of(row), row.cursor


def _take_in(line: Line, batch: list[TradeEvent], at: datetime) -> Tally:
    deliveries = [from_event(event, no_fees=not line.charges_fees) for event in batch]
    return receive(
        firm_id=line.firm_id, connection_id=line.connection_id, deliveries=deliveries, at=at, moves_cursor=True
    )


@dataclass(slots=True)
class _Place:
    """How far a listener has heard, and up to where it is going over the past."""

    newest: str = ""
    goal: str = ""

    def heard(self, batch: Sequence[TradeEvent]) -> None:
        self.newest = max([self.newest, *(event.event_id for event in batch)])

    def resume(self, cursor: str) -> str:
        """Where to go on: some time before the cursor.

        A connection that broke while it was going over that time goes on where it was: one that always went back anew
        would never arrive where connections break often.
        """
        if not cursor or cursor < self.goal:
            return cursor
        self.goal = self.newest
        return rewound(cursor, OVERLAP)


def _batches(
    stream: EventStream, since_id: str, now: datetime, stop: threading.Event | None = None
) -> Iterator[list[TradeEvent]]:
    """Events as they come, several at once where they come fast; a sign of life is an empty batch.

    The first connection ever begins with the day before, since the custodian's day and ours may differ.
    """
    items: queue.Queue[Item] = queue.Queue(maxsize=BATCH * 10)
    since = None if since_id else timezone.localdate(now) - timedelta(days=1)
    reader = threading.Thread(target=_read, args=(stream, since_id or None, since, items), daemon=True)
    reader.start()
    while stop is None or not stop.is_set():
        with suppress(queue.Empty):
            first = items.get(timeout=1)
            batch = [first, *_more(items)]
            ends = [item for item in batch if isinstance(item, Exception)]
            if len(batch) > len(ends):
                yield [item for item in batch if isinstance(item, TradeEvent)]
            if ends:
                raise ends[0]


def _more(items: queue.Queue[Item]) -> Iterator[Item]:
    with suppress(queue.Empty):
        for _ in range(BATCH):
            yield items.get_nowait()


def _read(stream: EventStream, since_id: str | None, since: date | None, items: queue.Queue[Item]) -> None:
    try:
        for item in stream.events(since_id=since_id, since=since):
            items.put(item)
    except (StreamEnded, StreamRefused) as end:
        items.put(end)
