"""A custodian with its keys, and a client that speaks as it does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.trading.worlds import make_connection
from tests.worlds import NOW, Birch
from trading.connections import CUSTODIAN_API
from trading.models import BrokerConnection
from trading.services.custodian_api.keys import SCOPES, create_key, revoke_key

ROOT = "/api/custodian/v1"
PLENTY = {"reads": 1_000_000, "writes": 1_000_000, "batches": 1_000_000}


@dataclass(frozen=True, slots=True)
class Keys:
    """One key of each kind."""

    schwab: str
    schwab_at_both: str
    fidelity: str
    reader: str
    limited: str
    expired: str
    revoked: str


@dataclass(frozen=True, slots=True)
class Api:
    """A custodian at the door of one firm."""

    key: str
    firm: str = "birch"
    client: Client = field(default_factory=Client)

    def path(self, rest: str) -> str:
        return f"{ROOT}/firms/{self.firm}/{rest}"

    def get(self, rest: str, **headers: str) -> Any:
        return self.client.get(self.path(rest), headers=self._headers(headers))

    def post(self, rest: str, body: Any, *, key: str | None = None, **headers: str) -> Any:
        """POST a body, text as it is; under a new idempotency key unless one is given."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        named = {"Idempotency-Key": key or uuid.uuid4().hex, **headers}
        return self.client.post(self.path(rest), content, content_type="application/json", headers=self._headers(named))

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", **{name.replace("_", "-"): text for name, text in more.items()}}


@pytest.fixture(scope="session")
def keys(django_db_setup: None, django_db_blocker: Any) -> Keys:
    """Keys are the operator's: they are there before any test begins, and stay."""
    now = timezone.now()

    def make(custodian: str, *firms: str, scopes: Any = SCOPES, expires_at: Any = None) -> str:
        return create_key(custodian=custodian, firm_slugs=firms, scopes=scopes, at=now, expires_at=expires_at)

    with django_db_blocker.unblock():
        revoked = make("SCHWAB", "birch")
        revoke_key(key_id=revoked.split("_")[1], at=now)
        return Keys(
            schwab=make("SCHWAB", "birch"),
            schwab_at_both=make("SCHWAB", "birch", "cedar"),
            fidelity=make("FIDELITY", "birch"),
            reader=make("SCHWAB", "birch", scopes=["orders:read"]),
            limited=make("SCHWAB", "birch", scopes=["orders:read"]),
            expired=make("SCHWAB", "birch", expires_at=NOW - timedelta(days=1)),
            revoked=revoked,
        )


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Iterator[time_machine.Traveller]:
    """The evening of the day that the reference prices are of; nobody is slowed down."""
    settings.CUSTODIAN_API_LIMITS = PLENTY
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def line(birch: Birch) -> BrokerConnection:
    """Birch's connection to a custodian that fetches its orders."""
    return make_connection(birch, adapter=CUSTODIAN_API, environment="LIVE")


@pytest.fixture
def api(birch: Birch, keys: Keys) -> Api:
    """Schwab at Birch's door, with every scope."""
    return Api(keys.schwab)


def batch(feed: str, *records: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A batch of the day, that foots unless it is told otherwise."""
    return {
        "feed": feed,
        "mode": "snapshot" if feed in ("positions", "lots", "balances") else "delta",
        "as_of": "2026-11-20",
        "record_count": len(records),
        "control_totals": {},
        "records": list(records),
        **changes,
    }


def codes(answer: Any) -> list[tuple[str, str]]:
    """Where a problem points, and the codes it gives there."""
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


def renamed(url: str, database: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
