"""Who may call, about which firm, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from tests.trading.api.conftest import ROOT, Api, Keys
from tests.worlds import NOW, Birch
from trading.models import BrokerConnection
from trading.services.custodian_api.keys import CannotMakeKey, create_key

POSTS = ("batches", "orders:claim", "orders/ord_1/ack", "orders/ord_1/reject", "orders/ord_1/events", "executions")
READS = ("batches/bat_01ARZ3NDEKTSV4RRFFQ69G5FAV", "orders", "orders/ord_1")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="no key"),
        pytest.param("cust_0000000000000000_" + "x" * 43, id="unknown"),
        pytest.param("cust_\x00", id="nonsense"),
        pytest.param("expired", id="expired"),
        pytest.param("revoked", id="revoked"),
        pytest.param("wrong", id="wrong secret"),
    ],
)
def test_no_door_opens_without_a_key_that_is_in_force(keys: Keys, db: None, key: str):
    known = {"expired": keys.expired, "revoked": keys.revoked, "wrong": keys.schwab[:-4] + "AAAA"}
    for answer in _at_every_door(Api(known.get(key, key))):
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="custodian"')
        assert (answer["Content-Type"], answer.json()["code"]) == ("application/problem+json", "unauthorized")


@pytest.mark.parametrize("firm", ["cedar", "nowhere"])
def test_every_door_of_another_firm_is_not_there(keys: Keys, db: None, firm: str):
    for answer in _at_every_door(Api(keys.schwab, firm)):
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such firm.")


def _at_every_door(api: Api) -> Iterator[Any]:
    for door in READS:
        yield api.get(door)
    for door in POSTS:
        yield api.post(door, {}, If_Match='"1"')


def test_a_key_does_only_what_it_was_granted(birch: Birch, keys: Keys):
    for door in POSTS[1:]:
        answer = Api(keys.reader).post(door, {}, If_Match='"1"')
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    events = AuditEvent.objects.for_firm(birch.firm_id).filter(action="API_CALL").order_by("id")
    actor = f"api:{keys.reader.split('_')[1]}"
    assert [(event.actor, event.payload["status"]) for event in events] == [(actor, 403)] * 5


def test_too_many_calls_in_a_minute_have_to_wait(line: BrokerConnection, keys: Keys, settings: Any, clock: Any):
    key = keys.limited
    clock.move_to(NOW + timedelta(minutes=int(key.split("_")[1], 16) % 10**8, seconds=50))  # a minute of this run alone
    settings.CUSTODIAN_API_LIMITS = {"reads": 2, "writes": 1, "batches": 1}
    answers = [Api(key).get("orders") for _ in range(3)]
    assert [(answer.status_code, answer["RateLimit-Remaining"]) for answer in answers] == [
        (200, "1"), (200, "0"), (429, "0")
    ]  # fmt: skip
    assert (answers[2]["Retry-After"], answers[2]["RateLimit-Limit"], answers[2].json()["code"]) == (
        "10", "2", "rate_limited"
    )  # fmt: skip
    clock.shift(10)
    assert Api(key).get("orders").status_code == 200


def test_a_cache_that_is_away_stops_nobody(api: Api, line: BrokerConnection, settings: Any):
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}
    assert api.get("orders").status_code == 200


def test_anybody_may_ask_for_health_and_description(birch: Birch):
    client = Api("").client
    assert client.get(f"{ROOT}/health").json() == {"status": "ok", "api": "v1"}
    assert client.get(f"{ROOT}/openapi.json").json()["openapi"] == "3.1.0"


def test_a_key_of_nobody_is_not_made(db: None):
    with pytest.raises(CommandError, match="--custodian"):
        call_command("create_api_key")


@pytest.mark.django_db(databases=["default", "owner"])
@pytest.mark.parametrize(
    ("custodian", "firms", "scopes", "why"),
    [
        pytest.param("NOBODY", ["birch"], ["orders:read"], "no custodian NOBODY", id="custodian"),
        pytest.param("SCHWAB", ["oak"], ["orders:read"], "called oak", id="firm"),
        pytest.param("SCHWAB", [], ["orders:read"], "called nothing", id="no firm"),
        pytest.param("SCHWAB", ["birch"], ["all"], "called all", id="scope"),
    ],
)
def test_a_key_names_what_there_is(custodian, firms, scopes, why):
    with pytest.raises(CannotMakeKey, match=why):
        create_key(custodian=custodian, firm_slugs=firms, scopes=scopes, at=NOW, expires_at=None)


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_operator_makes_a_key_that_opens_and_takes_it_back(capsys: pytest.CaptureFixture[str]):
    call_command("create_api_key", custodian="schwab", firm=["birch"])
    key = capsys.readouterr().out.strip()
    call_command("create_api_key", revoke=key.split("_")[1])
    assert capsys.readouterr().out == "revoked\n"
    with pytest.raises(CommandError, match="no key"):
        call_command("create_api_key", revoke=key.split("_")[1])
