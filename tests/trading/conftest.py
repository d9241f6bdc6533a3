"""The simulated custodian as a process of its own, and two firms that trade there."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from portfolios.models import CashBalance, Position
from tests.trading.worlds import make_connection
from tests.worlds import Birch, World
from trading.connections import simulator_credentials
from trading.models import BrokerConnection
from trading.selectors.orders import open_orders
from trading.services.outbox import send_due
from trading.services.streams import pull_events

KEY_ID, SECRET = "OPERATOR", "operator-secret"
PRICES = {"VTI": "300", "ITOT": "130", "VEA": "60", "BND": "74", "AGG": "100"}
PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Exchange:
    """The operator's side of a running simulator."""

    url: str

    def put(self, path: str, body: Any, method: str = "PUT") -> Any:
        headers = {"APCA-API-KEY-ID": KEY_ID, "APCA-API-SECRET-KEY": SECRET}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=10)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def state(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.put("/simulator/state", None, "GET")
        return found


@dataclass(frozen=True, slots=True)
class Market:
    """A firm whose account stands at the simulator as it stands in its books."""

    world: World
    exchange: Exchange
    connection: BrokerConnection

    @property
    def firm_id(self) -> int:
        return self.world.firm_id

    def pull(self) -> Any:
        return pull_events(firm_id=self.firm_id, connection_id=self.connection.pk, now=timezone.now())

    def trade(self, now: Any) -> None:
        """Send and take in until every order has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while open_orders(self.firm_id):
            send_due(firm_id=self.firm_id, now=now, worker="test")
            self.pull()
            assert time.monotonic() < deadline, "orders are still open"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    store: Path = tmp_path_factory.mktemp("simulator") / "store.sqlite3"
    port = _free_port()
    words = ["--port", str(port), "--store", str(store), "--seed", "7", "--key-id", KEY_ID, "--secret", SECRET]
    words += ["--host", "127.0.0.1", "--fill-delay", "5", "--rate-limit", "100000", "--market-buffer-bps", "50"]
    command = [sys.executable, "-m", "trading.custodians.simulator", *words]
    with subprocess.Popen(command) as process:
        try:
            _wait(f"http://127.0.0.1:{port}", process)
            yield Exchange(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the simulator stopped"
        try:
            if httpx.get(f"{url}/simulator/health", timeout=1).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the simulator did not answer")


@pytest.fixture
def market(birch: Birch, exchange: Exchange, settings: Any) -> Iterator[Market]:
    """Birch's account at the simulator, under a number and a key of this test alone."""
    settings.SIMULATOR_URL, settings.SIMULATOR_KEY_ID, settings.SIMULATOR_SECRET = exchange.url, KEY_ID, SECRET
    yield open_market(birch, exchange)
    exchange.put("/simulator/faults", [])


def open_market(world: World, exchange: Exchange) -> Market:
    ref = uuid.uuid4().hex[:12]
    world.account.number = f"N{ref}"
    world.account.save(update_fields=["number"])
    connection = make_connection(world, credentials_ref=ref)
    key_id, secret = simulator_credentials(ref)
    cash = CashBalance.objects.for_firm(world.firm_id).get(account=world.account)
    positions = Position.objects.for_firm(world.firm_id).filter(account=world.account)
    cent = Decimal("0.01")
    exchange.put(
        "/simulator/load",
        {
            "keys": [{"key_id": key_id, "secret": secret}],
            "prices": [
                {"symbol": symbol, "bid": str(Decimal(price) - cent), "ask": str(Decimal(price) + cent)}
                for symbol, price in PRICES.items()
            ],
            "accounts": [
                {
                    "account_number": world.account.number,
                    "key_id": key_id,
                    "cash": str(cash.settled + cash.unsettled),
                    "positions": [
                        {"symbol": symbol, "qty": f"{quantity:f}"}
                        for symbol, quantity in positions.values_list("security__symbol", "quantity")
                    ],
                }
            ],
        },
        "POST",
    )
    return Market(world, exchange, connection)
