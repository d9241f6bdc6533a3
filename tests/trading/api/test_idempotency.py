"""The same call twice is carried out once, and answered the same."""

from __future__ import annotations

import os

import psycopg
import pytest
from django.db import connection

from tests.trading.api.conftest import Api, Keys, renamed
from tests.trading.api.test_batches import BALANCES, POSITIONS
from tests.worlds import Birch, Cedar
from trading.models import ApiBatch, ApiCredential, ApiRequest


def test_a_repeat_gets_the_same_answer_and_does_nothing(api: Api, birch: Birch):
    first, again = (api.post("batches", BALANCES, key="k1") for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (first.has_header("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (False, "true")
    assert again["Location"] == first["Location"]
    assert ApiBatch.objects.for_firm(birch.firm_id).count() == 1


def test_a_problem_is_repeated_too(api: Api, birch: Birch):
    first, again = (api.post("batches", {**BALANCES, "record_count": 9}, key="k1") for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (422, 422, first.json())
    assert (again["Idempotent-Replayed"], again["Content-Type"]) == ("true", "application/problem+json")


def test_a_key_stands_for_one_body(api: Api, birch: Birch):
    api.post("batches", BALANCES, key="k1")
    answer = api.post("batches", POSITIONS, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reuse")
    assert ApiBatch.objects.for_firm(birch.firm_id).count() == 1


def test_keys_of_two_firms_paths_and_credentials_do_not_meet(birch: Birch, cedar: Cedar, keys: Keys):
    both = Api(keys.schwab_at_both)
    assert both.post("batches", BALANCES, key="k1").status_code == 201
    assert Api(keys.schwab_at_both, "cedar").post("batches", BALANCES, key="k1").status_code == 201
    assert both.post("orders:claim", {}, key="k1").json() == {"data": []}
    assert not Api(keys.schwab).post("batches", BALANCES, key="k1").has_header("Idempotent-Replayed")


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        pytest.param(None, 428, "idempotency_key_missing", id="missing"),
        pytest.param("", 400, "bad_idempotency_key", id="empty"),
        pytest.param("a b", 400, "bad_idempotency_key", id="space"),
        pytest.param("k" * 256, 400, "bad_idempotency_key", id="too long"),
    ],
)
def test_a_post_needs_a_key(api: Api, birch: Birch, key, status, code):
    named = {} if key is None else {"Idempotency-Key": key}
    headers = {"Authorization": f"Bearer {api.key}", **named}
    answer = api.client.post(api.path("batches"), "{}", content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not ApiRequest.objects.for_firm(birch.firm_id).exists()


def test_a_call_that_is_being_carried_out_has_to_be_waited_for(api: Api, birch: Birch):
    path = api.path("batches")
    credential = ApiCredential.objects.get(key_id=api.key.split("_")[1])
    with psycopg.connect(renamed(os.environ["DATABASE_URL"], connection.settings_dict["NAME"])) as other:
        name = f"{birch.firm_id} {credential.pk} POST {path} k1"
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        answer = api.post("batches", BALANCES, key="k1")
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (409, "request_in_progress", "1")
    assert api.post("batches", BALANCES, key="k1").status_code == 201
