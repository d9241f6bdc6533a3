"""The simulator's answers against the published OpenAPI documents, which are not part of this repository."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.trading.custodians.running import ACCOUNT, Simulator, ended, make_request, placed
from trading.custodians.alpaca import Alpaca
from trading.custodians.simulator.records import ZERO
from trading.custodians.simulator.render import plain, stamp

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

REFERENCE = os.environ.get("REBALANCER_REFERENCE_DIR")
DOCUMENTS = Path(REFERENCE or "/nowhere") / "specs" / "alpaca"
needs_documents = pytest.mark.skipif(
    not DOCUMENTS.is_dir(), reason="REBALANCER_REFERENCE_DIR does not name a directory with specs/alpaca"
)
BROKER, TRADING = "broker.openapi.yaml", "trading.openapi.yaml"


@cache
def components(document: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DOCUMENTS / document).read_text(), Loader=loader)["components"]


def problems(document: str, schema: str, found: Any) -> list[str]:
    """What of the answer the document does not allow."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": components(document)}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(root, format_checker=checker)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)]


@needs_documents
@pytest.mark.parametrize(
    ("document", "schema", "path", "is_list"),
    [
        (BROKER, "Order", f"/v1/trading/accounts/{ACCOUNT}/orders?status=all", True),
        (BROKER, "Position", f"/v1/trading/accounts/{ACCOUNT}/positions", True),
        (BROKER, "TradeAccount", f"/v1/trading/accounts/{ACCOUNT}/account", False),
        (BROKER, "TradeActivity", "/v1/accounts/activities/FILL", True),
        (BROKER, "Account", f"/v1/accounts/{ACCOUNT}", False),
        (BROKER, "legacy_clock", "/v1/clock", False),
        (BROKER, "legacy_calendar_day", "/v1/calendar?start=2026-11-20&end=2026-12-31", True),
        (TRADING, "Order", "/v2/orders?status=all", True),
        (TRADING, "Position", "/v2/positions", True),
        (TRADING, "Account", "/v2/account", False),
        (TRADING, "TradingActivities", "/v2/account/activities/FILL", True),
        (TRADING, "Assets", "/v2/assets/VTI", False),
        (TRADING, "legacy_clock", "/v2/clock", False),
    ],
)
def test_an_answer_has_the_published_shape(simulator: Simulator, line: Alpaca, document, schema, path, is_list):
    if line.find_by_client_order_id(ACCOUNT, "SHAPE") is None:
        ended(line, placed(line, "SHAPE"))
    answer = httpx.get(simulator.url + path, headers=simulator.connection().headers, trust_env=False).json()
    assert answer
    assert [problem for one in (answer if is_list else [answer]) for problem in problems(document, schema, one)] == []


@needs_documents
def test_every_event_has_the_published_shape(simulator: Simulator, line: Alpaca):
    ended(line, placed(line, "EVENTS"))
    address = f"{simulator.url}/v2/events/trades?since=2026-01-01&until=2026-01-02"
    headers = simulator.connection().headers
    assert httpx.get(address, headers=headers, trust_env=False).text == ": connected\n\n"
    with httpx.stream("GET", f"{simulator.url}/v2/events/trades?since=2026-01-01", headers=headers) as answer:
        for text in answer.iter_lines():
            if not text.startswith("data: "):
                continue
            event = json.loads(text.removeprefix("data: "))
            assert problems(BROKER, "TradeUpdateEventV2", event) == []
            if (event["event"], event["order"]["client_order_id"]) == ("fill", "EVENTS"):
                return
    raise AssertionError("the stream ended")


@needs_documents
def test_a_refusal_has_the_published_shape(simulator: Simulator):
    path = f"{simulator.url}/v1/trading/accounts/{ACCOUNT}/orders"
    body = {"symbol": "VTI", "side": "buy", "type": "market", "time_in_force": "day", "qty": "100000"}
    answer = httpx.post(path, json=body, headers=simulator.connection().headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, 40310000)
    assert problems(BROKER, "Error", answer.json()) == []


def test_a_duplicate_id_is_refused_in_the_known_words(simulator: Simulator, line: Alpaca):
    placed(line, "KNOWN")
    path = f"{simulator.url}/v1/trading/accounts/{ACCOUNT}/orders"
    request = make_request("KNOWN")
    body = {"symbol": request.symbol, "side": "buy", "type": "market", "time_in_force": "day", "qty": "10"}
    answer = httpx.post(
        path, json=body | {"client_order_id": "KNOWN"}, headers=simulator.connection().headers, trust_env=False
    )
    assert (answer.status_code, answer.json()) == (
        422,
        {"code": 40010001, "message": "client_order_id must be unique"},
    )


def test_moments_keep_their_nanoseconds():
    assert stamp(1_800_000_000_123_456_789) == "2027-01-15T08:00:00.123456789Z"


def test_numbers_are_plain():
    assert [plain(ZERO), plain(ZERO + 1000), plain(ZERO + 1 / (ZERO + 8))] == ["0", "1000", "0.125"]
