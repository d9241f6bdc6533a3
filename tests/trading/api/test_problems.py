"""Whatever comes in, the answer is one of ours: never a broken server, always a problem that says what is wrong."""

from __future__ import annotations

import json

import pytest

from tests.trading.api.conftest import ROOT, Api
from tests.trading.api.test_batches import BALANCE, BALANCES
from tests.worlds import Birch
from trading.api import bodies

NUL = json.dumps({**BALANCES, "records": [{**BALANCE, "account": "1\x00"}]})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(" ", 400, "malformed_json", id="empty"),
        pytest.param("{", 400, "malformed_json", id="cut off"),
        pytest.param(b'{"feed": "\xff"}', 400, "malformed_json", id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", 400, "malformed_json", id="byte order mark"),
        pytest.param('{"feed": "\\ud800"}', 400, "malformed_json", id="half a character"),
        pytest.param("[" * 100_000, 400, "malformed_json", id="deep"),
        pytest.param('{"a":' * 5_000 + "1" + "}" * 5_000, 400, "malformed_json", id="deep objects"),
        pytest.param("[]", 422, "invalid_body", id="list"),
        pytest.param("null", 422, "invalid_body", id="null"),
        pytest.param('"text"', 422, "invalid_body", id="text"),
        pytest.param('{"feed": "weather"}', 422, "invalid_body", id="unknown feed"),
        pytest.param('{"feed": NaN}', 422, "invalid_body", id="NaN"),
        pytest.param('{"feed": "prices", "record_count": ' + "9" * 5000 + "}", 400, "malformed_json", id="huge number"),
        pytest.param('{"feed": "prices", "record_count": 1e999}', 422, "invalid_body", id="infinite"),
        pytest.param('{"feed": "prices", "a\\u0000b": 1}', 422, "invalid_body", id="NUL in a name"),
        pytest.param(NUL, 422, "invalid_body", id="NUL in a value"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(api: Api, body, status, code):
    answer = api.post("batches", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_problem_has_all_its_parts(api: Api):
    answer = api.post("batches", '{"feed": "prices"}', X_Request_Id="r-1")
    body = answer.json()
    missing = [{"pointer": f"/{name}", "code": "missing", "detail": "Field required."} for name in
               ("as_of", "record_count", "mode", "records")]  # fmt: skip
    assert body == {
        "type": "urn:rebalancer:problem:invalid_body",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "4 things in the body are not as they should be; nothing was done.",
        "instance": api.path("batches"),
        "code": "invalid_body",
        "request_id": "r-1",
        "errors": missing,
    }


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"Content-Type": "text/plain"}, 415, "unsupported_media_type", id="text"),
        pytest.param(
            {"Content-Type": "application/json; charset=latin-1"}, 415, "unsupported_media_type", id="latin-1"
        ),
        pytest.param({"Content-Encoding": "gzip"}, 415, "unsupported_encoding", id="gzip"),
        pytest.param({"Content-Length": "52428801"}, 413, "too_large", id="51 MB announced"),
        pytest.param({"Content-Length": "", "Transfer-Encoding": "chunked"}, 411, "length_required", id="chunked"),
    ],
)
def test_a_body_of_another_kind_is_a_problem(api: Api, headers, status, code):
    answer = api.post("batches", BALANCES, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_may_be_big(api: Api):
    answer = api.post("batches", " " * (bodies.MAX_BODY_BYTES - 5000) + json.dumps(BALANCES))
    assert answer.status_code == 201


def test_thousands_of_bad_records_are_named_as_far_as_is_of_use(api: Api):
    rows = [{**BALANCE, "account": f"x{number}"} for number in range(1500)]
    wrong = {**BALANCES, "records": rows, "record_count": 1500, "control_totals": {"amount": "2220375"}}
    body = api.post("batches", wrong).json()
    assert (body["detail"], len(body["errors"])) == (
        "1500 of 1500 records cannot be taken; nothing of the batch was applied.", 1000
    )  # fmt: skip


@pytest.mark.parametrize(
    "path", ["", "nothing", "firms", "firms/birch", "firms/birch/", "firms/birch/nothing", "firms/%00/orders"]
)
def test_what_is_not_there_is_a_problem(birch: Birch, path: str):
    for method in ("get", "post", "delete"):
        answer = getattr(Api("").client, method)(f"{ROOT}/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["orders/%00", "orders/ord_%00", "orders/ord_x%27", "batches/bat_%00", "batches/x"])
def test_ids_that_cannot_be_are_not_there(api: Api, path: str):
    assert api.get(path).status_code == 404


def test_a_method_that_a_door_does_not_know_is_a_problem(api: Api):
    answer = api.client.delete(api.path("orders"), headers={"Authorization": f"Bearer {api.key}"})
    assert (answer.status_code, answer["Allow"], answer.json()["code"]) == (405, "GET", "method_not_allowed")


def test_a_request_id_that_cannot_be_kept_is_replaced(api: Api):
    answer = api.get("orders", X_Request_Id="x" * 65)
    assert answer["X-Request-Id"].startswith("req_")
