"""From a stored connection to an adapter that can speak: addresses and credentials come from the settings."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from trading.custodians.alpaca import Connection, Flavour
from trading.custodians.alpaca_stream import BrokerStream
from trading.custodians.protocol import Custodian, EventStream, account_id_for
from trading.custodians.simulated import SimulatedCustodian

SIMULATOR = "SIMULATOR"
CUSTODIAN_API = "CUSTODIAN_API"
"""A custodian that fetches its orders through our API: nothing is ever sent to it."""
SILENCE_SECONDS = 30.0


class NoAdapter(RuntimeError):
    """The connection names an adapter that this installation does not have, or has no address for."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is needed to reach a custodian for one firm; the row it was read from can be let go."""

    firm_id: int
    connection_id: int
    adapter: str
    credentials_ref: str
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    @property
    def always_open(self) -> bool:
        """Does it trade at any hour? Only the simulator does."""
        return bool(self.capabilities.get("always_open"))

    @property
    def charges_fees(self) -> bool:
        """Does the custodian take the regulatory fees of a sale from the account?"""
        return bool(self.capabilities.get("charges_fees", self.adapter != SIMULATOR))

    @property
    def block_account(self) -> str:
        """The custodian's id of the account in which blocks are traded; empty where there are none."""
        number = self.capabilities.get("block_account", "")
        return self.account(number) if number else ""

    def account(self, number: str) -> str:
        """The custodian's own id of an account."""
        return account_id_for(number)


def takes_blocks(adapter: str, capabilities: Mapping[str, Any]) -> bool:
    """Does the custodian trade for several accounts in one order? Only where an account for that is named."""
    return adapter == SIMULATOR and bool(capabilities.get("block_account"))


def takes_parts(adapter: str, capabilities: Mapping[str, Any]) -> bool:
    """Does the custodian take orders for parts of a share? Only the simulator, unless the connection says so."""
    return bool(capabilities.get("fractional", adapter == SIMULATOR))


def takes_parts_under_limit(adapter: str, capabilities: Mapping[str, Any]) -> bool:
    """Does it take parts of a share in limit orders too? Only the simulator does, unless the connection says so."""
    return takes_parts(adapter, capabilities) and bool(capabilities.get("fractional_limit", adapter == SIMULATOR))


def takes_dollars_of_funds(adapter: str, capabilities: Mapping[str, Any]) -> bool:
    """Does it take purchases of mutual funds in dollars? Where the connection says so; our API counts in shares."""
    return adapter != CUSTODIAN_API and bool(capabilities.get("fund_dollars"))


def simulator_credentials(ref: str) -> tuple[str, str]:
    """Key id and secret of one firm at the simulator, derived from the operator's: each firm has a key of its own."""
    secret = hmac.new(settings.SIMULATOR_SECRET.encode(), ref.encode(), hashlib.sha256).hexdigest()
    return f"{settings.SIMULATOR_KEY_ID}-{ref}", secret


def open_line(line: Line) -> Custodian:
    """An adapter for orders and queries; close it after use.

    :raises NoAdapter: if the adapter is unknown or has no address
    """
    return SimulatedCustodian(_connection(line))


def open_stream(line: Line, *, silence_seconds: float = SILENCE_SECONDS) -> EventStream:
    """The custodian's stream of trade events; after so long a silence it ends.

    :raises NoAdapter: if the adapter is unknown or has no address
    """
    return BrokerStream(replace(_connection(line), silence_timeout=silence_seconds))


def _connection(line: Line) -> Connection:
    if line.adapter != SIMULATOR:
        raise NoAdapter(f"There is no adapter called {line.adapter}.")
    if not settings.SIMULATOR_URL:
        raise NoAdapter("SIMULATOR_URL is not set: there is no simulated custodian to talk to.")
    key_id, secret = simulator_credentials(line.credentials_ref)
    return Connection(
        base_url=settings.SIMULATOR_URL,
        key_id=key_id,
        secret=secret,
        flavour=Flavour.BROKER,
        read_timeout=settings.CUSTODIAN_ANSWER_SECONDS,
    )
