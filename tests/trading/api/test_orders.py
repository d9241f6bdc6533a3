"""Orders that a custodian fetches: what it sees, leases, acknowledges and refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.trading.api.conftest import Api, Keys
from tests.trading.worlds import buy, make_connection, orders, sell, stage, statuses
from tests.worlds import NOW, Birch, Cedar
from trading.connections import CUSTODIAN_API
from trading.models import BrokerConnection, Order, OrderCommand, TradingHalt
from trading.selectors.custodian_api import CLIENT_ID_PREFIX, STATES, order_id_of
from trading.services.construction import names
from trading.services.orders import cancel_order
from trading.services.outbox import send_due

OLD, NEW = "VTI-2021-03-03-200", "VTI-2026-03-02-50"


@pytest.fixture
def released(birch: Birch, line: BrokerConnection) -> list[Order]:
    """Two sales that the custodian may fetch."""
    line.capabilities = {"always_open": True}
    line.save()
    bonds = "BND-2021-03-03-150"
    stage(
        birch, sell(birch, "VTI", (NEW, "50"), (OLD, "5"), price="300"), sell(birch, "BND", (bonds, "10"), price="74")
    )
    assert send_due(firm_id=birch.firm_id, now=NOW) == 0
    assert statuses(birch) == ["READY", "READY"]
    return orders(birch)


def _claim(api: Api, **asked: Any) -> list[dict[str, Any]]:
    answer = api.post("orders:claim", asked)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_the_ids_are_those_of_the_pipeline():
    assert CLIENT_ID_PREFIX == names.CLIENT_ID_PREFIX
    assert order_id_of("RB-01ARZ3NDEKTSV4RRFFQ69G5FAV") == "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_custodian_sees_what_was_released_to_it(api: Api, released: list[Order]):
    body = api.get("orders?state=released").json()
    assert [(order["id"], order["side"], order["quantity"], order["state"]) for order in body["data"]] == [
        (order_id_of(order.client_order_id), "sell", quantity, "released")
        for order, quantity in zip(released, ["55", "10"], strict=True)
    ]
    assert body["data"][0]["lots"] == [
        {"custodian_lot_id": NEW, "quantity": "50", "open_date": "2026-03-02"},
        {"custodian_lot_id": OLD, "quantity": "5", "open_date": "2021-03-03"},
    ]
    assert (body["next_cursor"], body["has_more"]) == (None, False)


def test_orders_that_were_not_released_are_not_there(api: Api, birch: Birch, line: BrokerConnection):
    (order,) = stage(birch, buy("VEA", "10", price="60"))
    order_id = order_id_of(order.client_order_id)
    assert api.get("orders").json()["data"] == []
    assert api.get(f"orders/{order_id}").status_code == 404
    assert api.post(f"orders/{order_id}/ack", {"custodian_order_id": "C"}, If_Match='"1"').status_code == 404


def test_another_custodian_and_another_firm_see_no_order(birch: Birch, cedar: Cedar, keys: Keys, released: list[Order]):
    order_id = order_id_of(released[0].client_order_id)
    with cedar.scope():
        make_connection(cedar, adapter=CUSTODIAN_API)
    for stranger in (Api(keys.fidelity), Api(keys.schwab_at_both, "cedar")):
        assert stranger.get("orders").json()["data"] == []
        assert stranger.get(f"orders/{order_id}").status_code == 404
        assert _claim(stranger) == []
        for door, body in (
            ("ack", {"custodian_order_id": "C"}),
            ("reject", {"code": "X", "text": "no"}),
            ("events", {"event_id": "1", "type": "working", "occurred_at": "2026-11-20T15:00:00Z"}),
        ):
            answer = stranger.post(f"orders/{order_id}/{door}", body, If_Match='"2"')
            assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert statuses(birch) == ["READY", "READY"]


def test_pages_follow_each_other_and_miss_nothing(api: Api, released: list[Order]):
    first = api.get("orders?limit=1").json()
    second = api.get(f"orders?limit=1&cursor={first['next_cursor']}").json()
    assert [page["has_more"] for page in (first, second)] == [True, False]
    assert [page["data"][0]["id"] for page in (first, second)] == [order_id_of(o.client_order_id) for o in released]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("cursor=made-up", "bad_cursor", id="made up"),
        pytest.param("cursor=%00", "bad_cursor", id="NUL"),
        pytest.param("cursor={cursor}x", "bad_cursor", id="changed"),
        pytest.param("cursor={cursor}&state=filled", "bad_cursor", id="of another question"),
        pytest.param("limit=0", "invalid_parameter", id="limit too small"),
        pytest.param("limit=1001", "invalid_parameter", id="limit too big"),
        pytest.param("limit=ten", "invalid_parameter", id="limit no number"),
        pytest.param("limit=1&limit=2", "invalid_parameter", id="twice"),
        pytest.param("state=staged", "invalid_parameter", id="unknown state"),
        pytest.param("colour=red", "invalid_parameter", id="unknown parameter"),
    ],
)
def test_a_wrong_parameter_is_a_problem(api: Api, released: list[Order], query: str, code: str):
    cursor = api.get("orders?limit=1").json()["next_cursor"]
    answer = api.get("orders?" + query.format(cursor=cursor))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_every_state_can_be_asked_for(api: Api, released: list[Order]):
    found = {state: len(api.get(f"orders?state={state}").json()["data"]) for state in STATES}
    assert found == {state: 2 if state == "released" else 0 for state in STATES}


def test_queries_do_not_grow_with_the_orders(api: Api, released: list[Order]):
    counts = []
    for limit in (1, 2):
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get(f"orders?limit={limit}").json()["data"]) == limit
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_order_has_an_etag_and_is_not_sent_again_unchanged(api: Api, released: list[Order]):
    path = f"orders/{order_id_of(released[0].client_order_id)}"
    answer = api.get(path)
    assert answer["ETag"] == f'"{answer.json()["version"]}"'
    assert api.get(path, If_None_Match=answer["ETag"]).status_code == 304


def test_a_claim_leases_each_order_once(api: Api, birch: Birch, released: list[Order]):
    assert [len(_claim(api, max=1)), len(_claim(api)), len(_claim(api))] == [1, 1, 0]
    assert statuses(birch) == ["SUBMITTING", "SUBMITTING"]
    assert send_due(firm_id=birch.firm_id, now=NOW) == 0


def test_a_lease_that_runs_out_releases_the_same_order_again(api: Api, birch: Birch, released: list[Order], clock: Any):
    first = _claim(api, lease_seconds=30)
    clock.shift(31)
    assert send_due(firm_id=birch.firm_id, now=NOW + timedelta(seconds=31)) == 0
    assert statuses(birch) == ["READY", "READY"]
    again = _claim(api)
    assert [order["id"] for order in again] == [order["id"] for order in first]
    late = api.post(f"orders/{first[0]['id']}/ack", {"custodian_order_id": "C1"}, If_Match=f'"{first[0]["version"]}"')
    assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")


def test_what_is_halted_is_not_handed_out(api: Api, birch: Birch, released: list[Order]):
    TradingHalt.objects.for_firm(birch.firm_id).create(
        level="HALTED", reason="Stop.", raised_by="x", raised_at=NOW, security=released[0].security
    )
    assert [order["symbol"] for order in _claim(api)] == ["BND"]
    assert statuses(birch) == ["HELD", "SUBMITTING"]


def test_an_acknowledged_order_carries_the_custodians_id(api: Api, birch: Birch, released: list[Order]):
    order = _claim(api)[0]
    answer = api.post(f"orders/{order['id']}/ack", {"custodian_order_id": "C1"}, If_Match=f'"{order["version"]}"')
    body = answer.json()
    assert (answer.status_code, answer["ETag"]) == (200, f'"{order["version"] + 1}"')
    assert (body["state"], body["custodian_order_id"], body["lease_expires_at"]) == ("acknowledged", "C1", None)
    assert orders(birch)[0].broker_order_id == "C1"
    assert OrderCommand.objects.for_firm(birch.firm_id).get(order=released[0]).status == "DONE"


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        pytest.param(None, 428, "if_match_missing", id="missing"),
        pytest.param('"1"', 412, "version_mismatch", id="stale"),
        pytest.param('W/"3"', 412, "version_mismatch", id="weak"),
        pytest.param("three", 400, "bad_if_match", id="no ETag"),
        pytest.param("*", 412, "version_mismatch", id="any"),
    ],
)
@pytest.mark.parametrize(
    ("door", "body"), [("ack", {"custodian_order_id": "C"}), ("reject", {"code": "X", "text": "no"})]
)
def test_an_answer_to_an_order_names_its_version(api: Api, released: list[Order], door, body, if_match, status, code):
    order = _claim(api)[0]
    headers = {} if if_match is None else {"If_Match": if_match}
    answer = api.post(f"orders/{order['id']}/{door}", body, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_a_leased_order_is_acknowledged_and_an_id_is_one_orders(api: Api, released: list[Order]):
    free = api.get("orders").json()["data"][0]
    not_leased = api.post(f"orders/{free['id']}/ack", {"custodian_order_id": "C"}, If_Match=f'"{free["version"]}"')
    assert (not_leased.status_code, not_leased.json()["code"]) == (409, "order_not_leased")
    first, second = _claim(api)
    for order, expected in ((first, 200), (second, 409)):
        said = {"custodian_order_id": "C1"}
        answer = api.post(f"orders/{order['id']}/ack", said, If_Match=f'"{order["version"]}"')
        assert answer.status_code == expected


def test_a_refused_order_ends_with_the_custodians_reason(api: Api, birch: Birch, released: list[Order]):
    order = _claim(api)[0]
    said = {"code": "NO_SHARES", "text": "Not enough shares."}
    answer = api.post(f"orders/{order['id']}/reject", said, If_Match=f'"{order["version"]}"')
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    assert orders(birch)[0].status_reason == "NO_SHARES: Not enough shares."


def test_a_cancel_that_we_ask_for_is_seen_and_ends_with_the_event(api: Api, birch: Birch, released: list[Order]):
    order = _claim(api)[0]
    api.post(f"orders/{order['id']}/ack", {"custodian_order_id": "C1"}, If_Match=f'"{order["version"]}"')
    cancel_order(firm_id=birch.firm_id, order_id=released[0].pk, by="ann@example.com", at=NOW)
    assert send_due(firm_id=birch.firm_id, now=NOW) == 0
    assert api.get(f"orders/{order['id']}").json()["cancel_requested"] is True
    event = {"event_id": "e1", "type": "canceled", "occurred_at": "2026-11-20T21:00:00Z", "cum_quantity": "0"}
    answer = api.post(f"orders/{order['id']}/events", event).json()
    assert (answer["result"], answer["order"]["state"], answer["order"]["cancel_requested"]) == (
        "created", "canceled", False
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("working", "working"),
        ("done_for_day", "acknowledged"),
        ("expired", "expired"),
        ("cancel_rejected", "acknowledged"),
    ],
)
def test_events_move_the_order(api: Api, released: list[Order], kind: str, state: str):
    order = _claim(api)[0]
    api.post(f"orders/{order['id']}/ack", {"custodian_order_id": "C1"}, If_Match=f'"{order["version"]}"')
    event = {"event_id": "e1", "type": kind, "occurred_at": "2026-11-20T21:00:00Z"}
    first, again, other = (
        api.post(f"orders/{order['id']}/events", {**event, **change}) for change in ({}, {}, {"reason": "otherwise"})
    )
    assert (first.json()["result"], again.json()["result"]) == ("created", "unchanged")
    assert (first.json()["order"]["state"], other.status_code) == (state, 409)
