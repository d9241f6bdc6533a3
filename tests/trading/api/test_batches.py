"""Bulk ingest: whole or not at all, once, in order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, AuditEvent
from portfolios.models import CashBalance, FeedFile, FirmPrice, Transaction
from tests.trading.api.conftest import Api, Keys, batch, codes
from tests.trading.worlds import held, lots_held
from tests.worlds import Birch, Cedar
from trading.models import ApiBatch

POSITION = {"account": "1001", "symbol": "VTI", "quantity": "10", "market_value": "3000.00"}
POSITIONS = batch("positions", POSITION, control_totals={"quantity": "10", "market_value": "3000"})
LOT = {
    "account": "1001", "symbol": "VTI", "custodian_lot_id": "L1", "open_date": "2024-01-05", "quantity": "10.5",
    "cost_basis": "2100.25",
}  # fmt: skip
LOTS = batch("lots", LOT, control_totals={"quantity": "10.5", "cost_basis": "2100.25"})
BALANCE = {"account": "1001", "settled": "1500.25", "unsettled": "-20"}
BALANCES = batch("balances", BALANCE, control_totals={"amount": "1480.25"})
MOVEMENT = {
    "account": "1001", "custodian_transaction_id": "T1", "kind": "DIVIDEND", "trade_date": "2026-11-19",
    "settle_date": "2026-11-20", "symbol": "VTI", "amount": "12.34",
}  # fmt: skip
MOVEMENTS = batch("transactions", MOVEMENT, control_totals={"quantity": "0", "amount": "12.34"})
PRICES = batch("prices", {"symbol": "VTI", "close": "301.5", "bid": "301.49", "ask": "301.51"})
ACCOUNTS = batch("accounts", {"account": "7001", "name": "New Roth", "registration": "ROTH_IRA"})


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(ACCOUNTS, id="accounts"),
        pytest.param(POSITIONS, id="positions"),
        pytest.param(LOTS, id="lots"),
        pytest.param(BALANCES, id="balances"),
        pytest.param(MOVEMENTS, id="transactions"),
        pytest.param(PRICES, id="prices"),
    ],
)
def test_a_batch_is_applied_and_can_be_read_again(api: Api, sent):
    answer = api.post("batches", sent)
    assert (answer.status_code, answer["Location"]) == (201, api.path(f"batches/{answer.json()['id']}"))
    again = api.get(f"batches/{answer.json()['id']}")
    assert (again.status_code, again.json()) == (200, answer.json())


def test_what_a_batch_says_is_in_the_books(api: Api, birch: Birch):
    for sent in (POSITIONS, LOTS, BALANCES, MOVEMENTS, PRICES, ACCOUNTS):
        assert api.post("batches", sent).status_code == 201
    cash = CashBalance.objects.for_firm(birch.firm_id).get(account=birch.account)
    assert held(birch) == {"VTI": Decimal(10)}
    assert lots_held(birch) == [("VTI", Decimal("10.5"), Decimal("2100.25"))]
    assert (cash.settled, cash.unsettled) == (Decimal("1500.25"), Decimal(-20))
    assert Transaction.objects.for_firm(birch.firm_id).get().amount == Decimal("12.34")
    assert FirmPrice.objects.for_firm(birch.firm_id).get().close == Decimal("301.5")
    assert Account.objects.for_firm(birch.firm_id).get(number="7001").custodian.code == "SCHWAB"


def test_batches_stand_among_the_files(api: Api, birch: Birch):
    api.post("batches", BALANCES)
    api.post("batches", batch("balances", {**BALANCE, "account": "nobody"}, control_totals={"amount": "1480.25"}))
    rows = FeedFile.objects.for_firm(birch.firm_id).order_by("id")
    assert [(row.layout, row.name, row.status) for row in rows] == [
        ("api_balances", "SCHWAB balances 2026-11-20 #1", "APPLIED"),
        ("api_balances", "SCHWAB balances 2026-11-20", "REFUSED"),
    ]


def test_a_snapshot_empties_an_account_that_it_names_and_says_nothing_of(api: Api, birch: Birch):
    totals = {"quantity": "0", "market_value": "0"}
    answer = api.post("batches", batch("positions", accounts=["1001"], control_totals=totals))
    assert (answer.status_code, answer.json()["outcomes"]["removed"], held(birch)) == (201, 2, {})


@pytest.mark.parametrize(
    ("sent", "status", "expected"),
    [
        pytest.param({**POSITIONS, "record_count": 2}, 422, [("/record_count", "control_total")], id="count"),
        pytest.param(
            {**POSITIONS, "control_totals": {"quantity": "11", "market_value": "3000"}},
            422,
            [("/control_totals/quantity", "control_total")],
            id="total",
        ),
        pytest.param(
            batch(
                "positions",
                POSITION,
                {**POSITION, "symbol": "NOPE"},
                {**POSITION, "account": "9"},
                control_totals={"quantity": "30", "market_value": "9000"},
            ),
            422,
            [("/records/1", "unknown_security"), ("/records/2", "unknown_account")],
            id="unknown security and account",
        ),
        pytest.param(
            {**POSITIONS, "accounts": ["1001", "9"]}, 422, [("/accounts/1", "unknown_account")], id="account is unknown"
        ),
        pytest.param({**POSITIONS, "as_of": "2026-11-21"}, 422, [("/as_of", "future_date")], id="tomorrow"),
        pytest.param(
            batch("positions", {**POSITION, "quantity": 10}), 422,
            [("/control_totals/quantity", "missing"), ("/control_totals/market_value", "missing"),
             ("/records/0/quantity", "string_type")],
            id="a number instead of a decimal string",
        ),
        pytest.param(
            {**BALANCES, "colour": "red"}, 422, [("/colour", "extra_forbidden")], id="a field that nobody knows"
        ),
        pytest.param({**BALANCES, "mode": "delta"}, 422, [("/mode", "literal_error")], id="a mode the feed has not"),
    ],
)  # fmt: skip
def test_a_bad_batch_changes_nothing_and_says_where_it_is_bad(api: Api, birch: Birch, sent, status, expected):
    before = held(birch)
    answer = api.post("batches", sent)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert codes(answer) == expected
    assert (held(birch), ApiBatch.objects.for_firm(birch.firm_id).count()) == (before, 0)


def test_the_same_batch_again_is_the_one_that_is_there(api: Api, birch: Birch):
    first = api.post("batches", {**BALANCES, "sequence": 4})
    second = api.post("batches", {**BALANCES, "sequence": 4})
    third = api.post("batches", BALANCES)
    assert [(answer.status_code, answer.json()["id"]) for answer in (second, third)] == [(200, first.json()["id"])] * 2
    assert ApiBatch.objects.for_firm(birch.firm_id).count() == 1


def test_a_batch_with_a_lower_number_is_refused(api: Api, birch: Birch):
    other = batch("balances", {**BALANCE, "settled": "7"}, control_totals={"amount": "-13"})
    api.post("batches", {**BALANCES, "sequence": 4})
    assert api.post("batches", {**other, "sequence": 4}).json()["code"] == "sequence_too_low"
    assert api.post("batches", {**other, "sequence": 3}).status_code == 409
    assert api.post("batches", {**other, "sequence": 5}).status_code == 201
    assert api.post("batches", {**BALANCES, "sequence": 6}).status_code == 201
    assert CashBalance.objects.for_firm(birch.firm_id).get(account=birch.account).settled == Decimal("1500.25")


def test_a_transaction_is_the_same_for_ever(api: Api, birch: Birch):
    other = {**MOVEMENT, "amount": "99"}
    api.post("batches", MOVEMENTS)
    late = {**MOVEMENTS, "as_of": "2026-11-19"}
    assert api.post("batches", late).json()["outcomes"]["unchanged"] == 1
    answer = api.post("batches", batch("transactions", other, control_totals={"quantity": "0", "amount": "99"}))
    assert (answer.status_code, codes(answer)) == (409, [("/records/0", "conflict")])
    assert Transaction.objects.for_firm(birch.firm_id).get().amount == Decimal("12.34")


def test_an_older_day_does_not_replace_a_newer_one(api: Api):
    api.post("batches", BALANCES)
    answer = api.post("batches", {**BALANCES, "as_of": "2026-11-19"})
    assert codes(answer) == [("/records/0", "older_than_stored")]


def test_another_custodian_and_another_firm_find_nothing(api: Api, birch: Birch, cedar: Cedar, keys: Keys):
    batch_id = api.post("batches", BALANCES).json()["id"]
    assert api.get(f"batches/{batch_id}").status_code == 200
    assert Api(keys.fidelity).get(f"batches/{batch_id}").status_code == 404
    assert Api(keys.schwab_at_both, "cedar").get(f"batches/{batch_id}").status_code == 404
    assert codes(Api(keys.fidelity).post("batches", BALANCES)) == [("/records/0", "unknown_account")]


def test_a_batch_of_one_firm_leaves_the_other_alone(birch: Birch, cedar: Cedar, keys: Keys):
    assert Api(keys.schwab_at_both).post("batches", POSITIONS).status_code == 201
    with cedar.scope():
        assert held(cedar) == {"VTI": Decimal(250), "BND": Decimal(150)}


def test_a_key_needs_the_scope_of_the_feed(keys: Keys, birch: Birch):
    answer = Api(keys.reader).post("batches", BALANCES)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_a_batch_is_in_the_audit_trail_with_its_request(api: Api, birch: Birch):
    answer = api.post("batches", BALANCES, X_Request_Id="day-7")
    events = AuditEvent.objects.for_firm(birch.firm_id).filter(action="API_CALL").order_by("id")
    assert answer["X-Request-Id"] == "day-7"
    assert [(event.subject_id, event.payload["status"], event.payload["custodian"]) for event in events] == [
        ("day-7", 201, "SCHWAB")
    ]


def _queries(api: Api, sent: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert api.post("batches", sent).status_code == 201
    return len(queries)


def test_queries_do_not_grow_with_the_records(api: Api, birch: Birch):
    def prices(day: str, *symbols: str) -> Any:
        return batch("prices", *({"symbol": symbol, "close": "50"} for symbol in symbols), as_of=day)

    _queries(api, prices("2026-11-17", "VTI"))
    assert _queries(api, prices("2026-11-18", "VTI")) == _queries(api, prices("2026-11-19", "VTI", "VEA", "BND", "AGG"))
