"""Stoplight's Prism between a client and the simulator: both keep to Alpaca's specification as it is published.

How to run it stands in docs/simulator.md: neither the program nor the specification comes with this project.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.trading.custodians.running import ACCOUNT, KEY_ID, SECRET, STARTS_WITHIN, Simulator, free_port, make_request
from trading.custodians.alpaca import Alpaca, Flavour
from trading.custodians.protocol import Accepted, Refused

PRISM, REFERENCE = os.environ.get("REBALANCER_PRISM", ""), os.environ.get("REBALANCER_REFERENCE_DIR", "")
SPECS = {flavour: Path(REFERENCE, "specs", "alpaca", f"{flavour.lower()}.openapi.yaml") for flavour in Flavour}
CONTRADICTS_ITSELF = (
    "must match exactly one schema in oneOf",  # an activity is of either kind, and the two kinds exclude nothing
    "Response body must be string",  # of a refusal, whose example beside it is an object
    "Unable to match the returned status code",  # refusals that the one document lists and the other leaves out
)

pytestmark = [
    pytest.mark.skipif(not PRISM, reason="REBALANCER_PRISM does not name Prism's program"),
    pytest.mark.skipif(not SPECS[Flavour.BROKER].is_file(), reason="REBALANCER_REFERENCE_DIR has no specs/alpaca"),
]


@dataclass(frozen=True, slots=True)
class Proxy:
    """Prism on its port; what it finds wrong stands in the headers of its answers and in its log."""

    flavour: Flavour
    url: str
    log: Path

    def violations_of_requests(self) -> list[str]:
        return [
            line for line in self.log.read_text().splitlines() if "Violation: request" in line and "route" not in line
        ]


@pytest.fixture(params=list(Flavour))
def proxy(request: Any, simulator: Simulator, tmp_path: Path) -> Iterator[Proxy]:
    port, log = free_port(), tmp_path / "prism.log"
    words = [PRISM, "proxy", str(SPECS[request.param]), simulator.url, "-p", str(port), "-h", "127.0.0.1"]
    with log.open("w") as told, subprocess.Popen(words, stdout=told, stderr=subprocess.STDOUT) as process:
        try:
            found = Proxy(request.param, f"http://127.0.0.1:{port}", log)
            _wait(found.url)
            yield found
        finally:
            process.terminate()


def _wait(url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("Prism did not start")


def test_our_client_asks_as_the_specification_says(proxy: Proxy, simulator: Simulator) -> None:
    with Alpaca(simulator.connection(proxy.flavour, base_url=proxy.url)) as line:
        bought = line.submit(make_request(f"whole-{proxy.flavour}"))
        assert isinstance(bought, Accepted)
        assert isinstance(line.submit(make_request(f"part-{proxy.flavour}", quantity=Decimal("0.5"))), Accepted)
        assert isinstance(
            line.submit(make_request(f"dollars-{proxy.flavour}", quantity=None, notional=Decimal("150.25"))), Accepted
        )
        resting = line.submit(make_request(f"rests-{proxy.flavour}", limit_price=Decimal("100.01")))
        assert isinstance(resting, Accepted)
        assert isinstance(line.submit(make_request(f"dear-{proxy.flavour}", quantity=Decimal(2_000_000))), Refused)
        assert line.find_by_client_order_id(ACCOUNT, resting.order.client_order_id) is not None
        assert line.order(ACCOUNT, resting.order.broker_order_id) is not None
        assert [order.broker_order_id for order in line.open_orders(ACCOUNT)][-1] == resting.order.broker_order_id
        line.cancel(ACCOUNT, resting.order.broker_order_id)
        assert {position.symbol for position in line.positions(ACCOUNT)} >= {"BND"}
        assert line.balances(ACCOUNT).cash > 0
        since = line.clock().at - timedelta(days=1)
        assert {fill.symbol for fill in line.fills(since)} == {"VTI"}
    assert proxy.violations_of_requests() == []


def test_the_simulator_answers_as_the_specification_says(proxy: Proxy) -> None:
    account = "/v2" if proxy.flavour is Flavour.TRADING else f"/v1/trading/accounts/{ACCOUNT}"
    common = "/v2" if proxy.flavour is Flavour.TRADING else "/v1"
    order = {"symbol": "VTI", "side": "buy", "type": "market", "time_in_force": "day"}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{account}/orders", {"json": {**order, "qty": "2", "client_order_id": "seen"}}),
        ("POST", f"{account}/orders", {"json": {**order, "qty": "2", "client_order_id": "seen"}}),
        ("POST", f"{account}/orders", {"json": {**order, "notional": "100.5"}}),
        ("POST", f"{account}/orders", {"json": {**order, "qty": "2000000"}}),
        ("GET", f"{account}/orders", {"params": {"status": "all", "limit": "50", "direction": "asc"}}),
        ("GET", f"{account}/orders:by_client_order_id", {"params": {"client_order_id": "seen"}}),
        ("DELETE", f"{account}/orders", {}),
        ("GET", f"{account}/positions", {}),
        ("GET", f"{account}/positions/BND", {}),
        ("GET", f"{account}/account", {}),
        ("GET", f"{common}/clock", {}),
        ("GET", f"{common}/calendar", {"params": {"start": "2026-11-20T00:00:00Z", "end": "2026-12-01T00:00:00Z"}}),
        ("GET", f"{common}/assets", {}),
        ("GET", f"{common}/assets/VTI", {}),
        ("GET", "/v1/accounts" if common == "/v1" else "/v2/account/activities/FILL", {}),
        ("GET", "/v1/accounts/activities/FILL" if common == "/v1" else "/v2/account/activities/FILL", {}),
    ]
    found = {}
    with httpx.Client(base_url=proxy.url, auth=(KEY_ID, SECRET), trust_env=False, timeout=20) as client:
        headers = {"APCA-API-KEY-ID": KEY_ID, "APCA-API-SECRET-KEY": SECRET}
        for method, path, more in asked:
            answer = client.request(method, path, headers=headers, **more)
            assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR
            wrong = [one["message"] for one in json.loads(answer.headers.get("sl-violations", "[]"))]
            found[method, path] = [why for why in wrong if not any(known in why for known in CONTRADICTS_ITSELF)]
    assert not {place: why for place, why in found.items() if why}
