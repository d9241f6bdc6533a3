"""Twenty thousand approved orders on their way to the simulated custodian, without faults and without a rate limit.

The floor is a bare loop that inserts as many rows of an order's size, each committed by itself: nobody writes down
orders one by one any faster.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from accounts.tenancy import firm_scope
from rebalancer.embedded.services import LOOPBACK, PYTHON, free_port
from rebalancer.embedded.state import CHECKOUT
from trading.benchmarks.rows import Row
from trading.benchmarks.scratch import scratch_database
from trading.benchmarks.trading_firms import TradingFirm, custodian_book, make_world, prepare, stage_together
from trading.benchmarks.wire import approved_to_answered
from trading.models import Execution
from trading.selectors.orders import open_orders
from trading.services.outbox import send_due
from trading.services.streams import pull_events

ORDERS = 20_000
FLOOR_ROWS = 2_000
GOAL_A_SECOND = 300.0
GOAL_SECONDS_WHEN_IDLE = 2.0
STARTS_WITHIN_SECONDS = 20.0


def measure() -> Iterator[Row]:
    """Orders a second: staged, sent (checked, claimed, submitted, answered), filled; each beside the floor."""
    with scratch_database(), tempfile.TemporaryDirectory(prefix="bench-") as place, _custodian(Path(place)):
        firms = make_world(seed=7, orders=ORDERS)
        _ask("POST", "load", custodian_book(firms))
        floor = _floor()
        yield Row("orders", "floor: single rows inserted and committed", floor, "rows/s")
        idle = approved_to_answered(firms)
        yield Row("orders", "approved to answered when idle, p95", idle, "s", at_most=GOAL_SECONDS_WHEN_IDLE)
        staged = _staged(firms)
        yield Row("orders", "approved and staged", ORDERS / staged, "orders/s")
        sent = _sent(firms)
        yield Row("orders", "checked, sent and answered", ORDERS / sent, "orders/s")
        whole = ORDERS / (staged + sent)
        yield Row("orders", "staged, checked and sent", whole, "orders/s", at_least=GOAL_A_SECOND)
        yield Row("orders", "staged, checked and sent, beside the floor", whole / floor, "x floor")
        filled, executions = _filled(firms)
        yield Row("orders", "fills taken into orders, lots and cash", executions / filled, "executions/s")


def _floor() -> float:
    """Rows a second."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE floor (id bigint PRIMARY KEY, content text)")
        begun = time.perf_counter()
        for number in range(FLOOR_ROWS):
            cursor.execute("INSERT INTO floor VALUES (%s, %s)", [number, "x" * 300])
        return FLOOR_ROWS / (time.perf_counter() - begun)


def _staged(firms: list[TradingFirm]) -> float:
    """Seconds that making the orders of approved proposals takes, as approving many makes them: a process a firm."""
    chance = Random(7)  # noqa: S311 - a measurement, not a secret
    count, at = ORDERS // len(firms), timezone.now()
    made = {
        firm.firm_id: [one.pk for one in prepare(firm, orders=count, chance=chance, at=at, mixed=False)]
        for firm in firms
    }
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")  # what autovacuum has long done where proposals wait for approval
    return _by_firm(_stage, [(_place(firm_id), proposals) for firm_id, proposals in made.items()])


def _sent(firms: list[TradingFirm]) -> float:
    """Seconds until nothing is due, with one sending process a firm, as two workers would."""
    return _by_firm(_send, [(_place(firm.firm_id), None) for firm in firms])


def _by_firm(act: Callable[[Any], object], work: Sequence[Any]) -> float:
    """Seconds that a process for each firm takes, side by side."""
    connections.close_all()
    with ProcessPoolExecutor(len(work)) as workers:
        list(workers.map(_ready, work))
        begun = time.perf_counter()
        list(workers.map(act, work))
        return time.perf_counter() - begun


def _filled(firms: list[TradingFirm]) -> tuple[float, int]:
    """Seconds until every order has ended, and how many executions there were."""
    begun = time.perf_counter()
    for firm in firms:
        left = _open(firm) + 1
        while 0 < _open(firm) < left:
            left = _open(firm)
            pull_events(firm_id=firm.firm_id, connection_id=firm.connection_id, now=timezone.now())
    seconds = time.perf_counter() - begun
    left_open = sum(map(_open, firms))
    if left_open:
        raise RuntimeError(f"{left_open} orders never ended.")
    return seconds, sum(_executions(firm) for firm in firms)


def _open(firm: TradingFirm) -> int:
    with firm_scope(firm.firm_id):
        return open_orders(firm.firm_id)


def _executions(firm: TradingFirm) -> int:
    with firm_scope(firm.firm_id):
        return Execution.objects.for_firm(firm.firm_id).count()


Place = tuple[int, str, str]
"""A firm, the custodian's address and the name of the database."""


def _place(firm_id: int) -> Place:
    return firm_id, settings.SIMULATOR_URL, str(connections["default"].settings_dict["NAME"])


def _ready(_: object) -> int:
    """Wait a little, so that each process of the pool is started and takes one part of the work."""
    time.sleep(0.2)
    return os.getpid()


def _stage(work: tuple[Place, Sequence[int]]) -> None:
    (firm_id, _, connections["default"].settings_dict["NAME"]), proposals = work
    stage_together(firm_id, proposals, at=timezone.now())


def _send(work: tuple[Place, None]) -> int:
    firm_id, settings.SIMULATOR_URL, connections["default"].settings_dict["NAME"] = work[0]
    return send_due(firm_id=firm_id, now=timezone.now(), worker=f"bench-{os.getpid()}")


@contextmanager
def _custodian(place: Path) -> Iterator[None]:
    """The simulator as a process of its own; the settings say where it is."""
    before, settings.SIMULATOR_URL = settings.SIMULATOR_URL, f"http://{LOOPBACK}:{free_port()}"
    options = {
        "--port": settings.SIMULATOR_URL.rpartition(":")[2],
        "--store": str(place / "custodian.sqlite3"),
        "--seed": "7",
        "--key-id": settings.SIMULATOR_KEY_ID,
        "--secret": settings.SIMULATOR_SECRET,
        "--rate-limit": "100000000",
    }
    words = [f"{name}={value}" for name, value in options.items()]
    command = [PYTHON, "-m", "trading.custodians.simulator", *words, "--always-open"]
    with subprocess.Popen(command, cwd=CHECKOUT) as process:
        try:
            _wait_for(process)
            yield
        finally:
            process.terminate()
            settings.SIMULATOR_URL = before


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{settings.SIMULATOR_URL}/simulator/health", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The simulated custodian did not start.")


def _ask(method: str, path: str, content: Any) -> None:
    headers = {"APCA-API-KEY-ID": settings.SIMULATOR_KEY_ID, "APCA-API-SECRET-KEY": settings.SIMULATOR_SECRET}
    url = f"{settings.SIMULATOR_URL}/simulator/{path}"
    httpx.request(method, url, json=content, headers=headers, trust_env=False, timeout=60).raise_for_status()
