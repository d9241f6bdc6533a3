"""The real simulator as a process of its own, and what tests load into it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from trading.custodians.alpaca import Alpaca, Connection, Flavour
from trading.custodians.protocol import Accepted, OrderKind, OrderRequest, OrderSnapshot, Side, account_id_for

ROOT = Path(__file__).parents[3]
KEY_ID, SECRET = "OPERATOR", "operator-secret"
ACCOUNT = account_id_for("1001")
OTHER_ACCOUNT = account_id_for("2001")
STARTS_WITHIN = 20.0
PRICES = (
    {"symbol": "VTI", "bid": "299.98", "ask": "300.02", "last": "300.00"},
    {"symbol": "BND", "bid": "73.99", "ask": "74.01", "last": "74.00"},
    {"symbol": "WHOLE", "bid": "9.99", "ask": "10.01", "fractionable": False},
)
BOOK = {
    "keys": [{"key_id": "OTHER", "secret": "other-secret"}],
    "prices": PRICES,
    "accounts": [
        {
            "account_number": "1001",
            "cash": "100000.00",
            "positions": [{"symbol": "BND", "qty": "1000", "cost_basis": "70000.00"}],
        },
        {"account_number": "2001", "key_id": "OTHER", "cash": "5000.00"},
    ],
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Simulator:
    """A simulator that can be killed and started again on the same store and port."""

    store: Path
    options: tuple[str, ...] = ("--fill-delay", "5")
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = (
            "--port",
            str(self.port),
            "--store",
            str(self.store),
            "--seed",
            "7",
            "--key-id",
            KEY_ID,
            "--secret",
            SECRET,
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trading.custodians.simulator", *words, *self.options], cwd=ROOT
        )
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the simulator ended while starting"
            try:
                if httpx.get(f"{self.url}/simulator/health", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the simulator did not start")

    def kill(self) -> None:
        """As `kill -9`."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def connection(self, flavour: Flavour = Flavour.BROKER, **changes: Any) -> Connection:
        return Connection(**({"base_url": self.url, "key_id": KEY_ID, "secret": SECRET, "flavour": flavour} | changes))

    def client(self, flavour: Flavour = Flavour.BROKER, **changes: Any) -> Alpaca:
        return Alpaca(self.connection(flavour, **changes))

    def admin(self, method: str, path: str, json: Any = None) -> Any:
        answer = httpx.request(
            method, f"{self.url}/simulator/{path}", json=json, headers=self.connection().headers, trust_env=False
        )
        assert answer.is_success, answer.text
        return answer.json()

    def set_faults(self, *faults: dict[str, Any]) -> None:
        self.admin("PUT", "faults", list(faults))

    def cancel_all(self) -> None:
        for account in self.admin("GET", "accounts"):
            key = {KEY_ID: SECRET, "OTHER": "other-secret"}[account["key_id"]]
            headers = {"APCA-API-KEY-ID": account["key_id"], "APCA-API-SECRET-KEY": key}
            path = f"{self.url}/v1/trading/accounts/{account['id']}/orders"
            assert httpx.delete(path, headers=headers, trust_env=False).status_code == httpx.codes.MULTI_STATUS

    def cash(self, account: str = ACCOUNT) -> Decimal:
        return next(Decimal(one["cash"]) for one in self.admin("GET", "accounts") if one["id"] == account)

    def shares(self, symbol: str, account: str = ACCOUNT) -> Decimal:
        found = next(one for one in self.admin("GET", "accounts") if one["id"] == account)
        return Decimal(found["positions"].get(symbol, "0"))


def make_request(client_order_id: str, **changes: Any) -> OrderRequest:
    """A market buy of ten VTI in the first account, but for the changes."""
    words: dict[str, Any] = {"account": ACCOUNT, "symbol": "VTI", "side": Side.BUY, "quantity": Decimal(10)} | changes
    if "limit_price" in words:
        words["kind"] = OrderKind.LIMIT
    return OrderRequest(client_order_id=client_order_id, **words)


def placed(line: Alpaca, client_order_id: str, **changes: Any) -> OrderSnapshot:
    """The order, which the custodian has accepted."""
    outcome = line.submit(make_request(client_order_id, **changes))
    assert isinstance(outcome, Accepted), outcome
    return outcome.order


def ended(line: Alpaca, order: OrderSnapshot, account: str = ACCOUNT, status: str = "filled") -> OrderSnapshot:
    """The order once it has the status."""
    deadline = time.monotonic() + STARTS_WITHIN
    found: OrderSnapshot | None = order
    while time.monotonic() < deadline:
        found = line.order(account, order.broker_order_id)
        if found and found.status == status:
            return found
        time.sleep(0.01)
    raise AssertionError(f"the order is not {status} but {found}")
