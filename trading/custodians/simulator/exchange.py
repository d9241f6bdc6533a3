"""The running simulator: the desk, its faults and its listeners, and the loop that takes due orders on."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trading.custodians.simulator import aftermath, faults, intake
from trading.custodians.simulator.clock import EventIds, Hours, now_ns
from trading.custodians.simulator.desk import Desk
from trading.custodians.simulator.faults import FaultBoard
from trading.custodians.simulator.records import Account, Order
from trading.custodians.simulator.store import Store

STEPS_A_TRANSACTION = 64
LOOK_AROUND_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    port: int
    store: Path
    seed: int
    key_id: str
    secret: str
    host: str
    fill_delay_ms: int
    market_buffer_bps: int
    rate_limit: int
    rate_window_seconds: int
    hours: Hours | None
    faults: str
    text_frames: bool


class Listeners:
    """Who waits for events: each has a flag that is raised when there may be something to read."""

    def __init__(self) -> None:
        self._flags: set[asyncio.Event] = set()
        self.are_dismissed = False

    @contextlib.contextmanager
    def joined(self) -> Iterator[asyncio.Event]:
        flag = asyncio.Event()
        self._flags.add(flag)
        try:
            yield flag
        finally:
            self._flags.discard(flag)

    def wake(self) -> None:
        for flag in self._flags:
            flag.set()

    def dismiss(self) -> None:
        """End every stream: the process is to stop."""
        self.are_dismissed = True
        self.wake()


@dataclass(slots=True)
class Exchange:
    """Everything that the endpoints act upon. It runs on one event loop; nothing awaits within a transaction."""

    options: Options
    store: Store
    desk: Desk
    faults: FaultBoard
    secrets: dict[str, str]
    listeners: Listeners = field(default_factory=Listeners)
    told_positions: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    """By account, what was last told of its positions."""
    away_until_ns: int = 0
    _due: list[tuple[int, str]] = field(default_factory=list)
    _scheduled: set[str] = field(default_factory=set)
    _nudge: asyncio.Event = field(default_factory=asyncio.Event)

    def place(self, account: Account, ticket: intake.Ticket) -> Order:
        """:raises ApiError: if the order is refused"""
        with self.store.transaction():
            order = self.desk.place(account, ticket)
        self.schedule(order.id, 0)
        if order.status == "accepted":
            self.listeners.wake()
        return order

    def cancel(self, orders: list[Order]) -> None:
        """:raises ApiError: if one of them has ended already; then none is cancelled"""
        with self.store.transaction():
            for order in orders:
                self.desk.cancel(order)
        self.listeners.wake()

    def save_faults(self) -> None:
        self.store.set_setting("faults", self.faults.dump())

    def set_hours(self, hours: Hours) -> None:
        self.desk.hours = hours
        self.store.set_setting("hours", hours)
        self.schedule_resting()

    def schedule(self, order_id: str, pause_ns: int) -> None:
        """Take the order on after the pause, unless that is already arranged."""
        if order_id in self._scheduled:
            return
        self._scheduled.add(order_id)
        heapq.heappush(self._due, (now_ns() + pause_ns, order_id))
        self._nudge.set()

    def schedule_resting(self, symbols: frozenset[str] | None = None) -> None:
        """Look again at every open order, or at those in these securities."""
        for row in self.store.rows("SELECT id, symbol FROM orders WHERE is_open ORDER BY seq"):
            if symbols is None or row["symbol"] in symbols:
                self.schedule(row["id"], 0)

    async def run(self) -> None:
        """Take due orders on, for ever."""
        self.schedule_resting()
        was_open = self.desk.is_open()
        while True:
            self._take_due_on()
            later = self._take_later_on()
            pause = (min(self._due[0][0] if self._due else later, later) - now_ns()) / 1e9
            if pause > 0:
                await self._pause(min(pause, LOOK_AROUND_SECONDS))
            else:
                await asyncio.sleep(0)
            is_open = self.desk.is_open()
            if is_open != was_open:
                was_open = is_open
                self._market_turned(is_open=is_open)

    async def _pause(self, seconds: float) -> None:
        self._nudge.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nudge.wait(), seconds)

    def _take_due_on(self) -> None:
        now = now_ns()
        due: list[str] = []
        while self._due and self._due[0][0] <= now and len(due) < STEPS_A_TRANSACTION:
            due.append(heapq.heappop(self._due)[1])
        if not due:
            return
        with self.store.transaction():
            pauses = [self.desk.step(order_id) for order_id in due]
        self._scheduled.difference_update(due)
        for order_id, pause_ns in zip(due, pauses, strict=True):
            if pause_ns is not None:
                self.schedule(order_id, pause_ns)
        self.listeners.wake()

    def _take_later_on(self) -> int:
        """Let befall what is due; gives the time of the next, or of the next look around."""
        due = aftermath.next_due(self.desk)
        if due is not None and due <= now_ns():
            with self.store.transaction():
                aftermath.take_due(self.desk)
            self.listeners.wake()
            due = aftermath.next_due(self.desk)
        return due or now_ns() + int(LOOK_AROUND_SECONDS * 1e9)

    def _market_turned(self, *, is_open: bool) -> None:
        if is_open:
            self.schedule_resting()
            return
        ended = self.store.rows("SELECT id FROM orders WHERE is_open AND expires_ns <= ? ORDER BY seq", now_ns())
        with self.store.transaction():
            for row in ended:
                self.desk.expire(row["id"])
        self.listeners.wake()


def open_exchange(options: Options) -> Exchange:
    """The simulator on its store: as an earlier process left it, or new.

    :raises BadFault: if the command line's faults cannot be understood
    """
    store = Store(options.store)
    store.write("INSERT OR REPLACE INTO keys VALUES (?, ?)", options.key_id, options.secret)
    # What the command line says counts; what was set while running counts when it says nothing.
    given = faults.parse(options.faults)
    board = FaultBoard(options.seed, given or faults.load(store.setting("faults") or "[]"))
    hours = options.hours or Hours(store.setting("hours") or Hours.ALWAYS_OPEN)
    desk = Desk(
        store=store,
        event_ids=EventIds(store.last_event_id(), options.seed),
        seed=options.seed,
        fill_delay_ms=options.fill_delay_ms,
        market_buffer_bps=options.market_buffer_bps,
        hours=hours,
        faults=board,
    )
    secrets = {row["key_id"]: row["secret"] for row in store.rows("SELECT * FROM keys")}
    return Exchange(options, store, desk, board, secrets)
