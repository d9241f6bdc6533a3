"""Schemathesis throws what the description allows, and what it does not, at every door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.config import SchemathesisConfig

from rebalancer.wsgi import application
from tests.trading.api.conftest import ROOT, Keys
from tests.trading.worlds import sell, stage
from tests.worlds import NOW, Birch
from trading.models import BrokerConnection
from trading.services.outbox import send_due

EXAMPLES = 12
# What a valid body may still be answered with: no generator knows our accounts, orders and cursors.
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404", "409", "412", "422"]},
        "missing_required_header": {"expected-statuses": ["400", "428"]},
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "404", "405", "409", "412", "415", "422", "428"]
        },
    },
    "parameters": {"path.firm_slug": "birch"},
}


@pytest.fixture
def kept_open() -> Iterator[None]:
    """The server would close the connection after each request, and with it the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def described(keys: Keys, birch: Birch, line: BrokerConnection, kept_open: None) -> Any:
    line.capabilities = {"always_open": True}
    line.save()
    stage(birch, sell(birch, "VTI", ("VTI-2021-03-03-200", "20"), price="300"))
    send_due(firm_id=birch.firm_id, now=NOW)
    config = SchemathesisConfig.from_dict(CONFIG)
    return schemathesis.openapi.from_wsgi(f"{ROOT}/openapi.json", application, config=config)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(
    ("method", "door"),
    [
        ("POST", "firms/{firm_slug}/batches"),
        ("GET", "firms/{firm_slug}/batches/{batch_id}"),
        ("POST", "firms/{firm_slug}/executions"),
        ("GET", "firms/{firm_slug}/orders"),
        ("GET", "firms/{firm_slug}/orders/{order_id}"),
        ("POST", "firms/{firm_slug}/orders/{order_id}/ack"),
        ("POST", "firms/{firm_slug}/orders/{order_id}/events"),
        ("POST", "firms/{firm_slug}/orders/{order_id}/reject"),
        ("POST", "firms/{firm_slug}/orders:claim"),
    ],
)
def test_no_door_breaks_or_answers_what_it_does_not_say(described: Any, keys: Keys, method: str, door: str, mode: Any):
    operation = described[f"{ROOT}/{door}"][method]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def every_case(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {keys.schwab}"})

    every_case()
