from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolios.models import CashBalance, DataProblem, Lot, Position, Security
from portfolios.services import ingest
from tests.portfolios.services.ingest.records import (
    make_account_record,
    make_batch,
    make_cash_record,
    make_lot_record,
    make_position_record,
)
from tests.worlds import TODAY, Birch, Cedar, World, make_account, make_lot

YESTERDAY = TODAY - timedelta(days=1)


def held(world: World, number: str = "1001") -> dict[str, Decimal]:
    rows = Position.objects.for_firm(world.firm_id).filter(account__number=number).order_by("security__symbol")
    return dict(rows.values_list("security__symbol", "quantity"))


def lots(world: World, number: str = "1001") -> dict[str, tuple[Decimal, Decimal | None]]:
    rows = Lot.objects.for_firm(world.firm_id).filter(account__number=number, quantity__gt=0).order_by("lot_key")
    return {key: (quantity, basis) for key, quantity, basis in rows.values_list("lot_key", "quantity", "cost_basis")}


def outcomes(result: ingest.Result) -> list[str]:
    return [one.outcome.value for one in result.records]


def open_problems(world: World) -> list[tuple[str, str]]:
    rows = DataProblem.objects.for_firm(world.firm_id).filter(resolved_at=None).order_by("code", "sentence")
    return list(rows.values_list("code", "sentence"))


def test_a_snapshot_replaces_what_its_account_held_and_leaves_other_accounts_and_firms(
    birch: Birch, cedar: Cedar
) -> None:
    other = make_account(birch.firm_id, birch.household, number="1002")
    make_lot(birch.firm_id, other, "VTI", "7", basis="700")
    result = ingest.apply_positions(
        make_batch(birch), [make_position_record("VTI", "250"), make_position_record("VEA", "5", row_number=2)]
    )
    assert (outcomes(result), result.gone) == (["UNCHANGED", "CREATED"], 1)
    assert (held(birch), held(birch, "1002")) == ({"VEA": Decimal(5), "VTI": Decimal(250)}, {"VTI": Decimal(7)})
    with cedar.scope():
        assert held(cedar) == {"BND": Decimal(150), "VTI": Decimal(250)}


def test_an_account_that_is_named_without_a_position_holds_nothing_any_more(birch: Birch) -> None:
    ingest.apply_positions(make_batch(birch), [], accounts=[make_account_record(account_number="1001")])
    assert (held(birch), lots(birch)) == ({}, {})


def test_the_lots_of_a_position_that_is_gone_stay_if_the_custodian_reported_them_on_that_day(birch: Birch) -> None:
    ingest.apply_lots(make_batch(birch), [make_lot_record("BND", "150", "12000", lot_id="B")])
    ingest.apply_positions(make_batch(birch), [make_position_record("VTI", "250")])
    assert lots(birch) == {"B": (Decimal(150), Decimal(12000))}


def test_a_lot_that_is_gone_keeps_its_row_and_one_that_stays_keeps_its_id(birch: Birch) -> None:
    before = dict(Lot.objects.for_firm(birch.firm_id).values_list("lot_key", "id"))
    stays = "BND-2021-03-03-150"
    result = ingest.apply_lots(make_batch(birch), [make_lot_record("BND", "150", "12000", lot_id=stays)])
    assert (outcomes(result), result.gone) == (["UNCHANGED"], 2)
    assert dict(Lot.objects.for_firm(birch.firm_id).values_list("lot_key", "id")) == before
    gone = Lot.objects.for_firm(birch.firm_id).exclude(lot_key=stays)
    assert set(gone.values_list("quantity", "cost_basis")) == {(Decimal(0), Decimal(0))}


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(YESTERDAY, "REJECTED", id="older is refused"),
        pytest.param(TODAY, "UPDATED", id="the same day corrects"),
        pytest.param(TODAY + timedelta(days=1), "UPDATED", id="newer replaces"),
    ],
)
def test_a_snapshot_is_never_replaced_by_an_older_one(birch: Birch, as_of: date, expected: str) -> None:
    for quantity, day in (("250", TODAY), ("99", as_of)):
        result = ingest.apply_positions(make_batch(birch, as_of=day), [make_position_record("VTI", quantity)])
        cash = ingest.apply_cash(make_batch(birch, as_of=day), [make_cash_record(quantity)])
        taken = ingest.apply_lots(make_batch(birch, as_of=day), [make_lot_record("VTI", quantity)])
    assert [outcomes(one) for one in (result, cash, taken)] == [[expected]] * 3
    left = Decimal(250) if expected == "REJECTED" else Decimal(99)
    assert (held(birch), CashBalance.objects.for_firm(birch.firm_id).get().settled) == ({"VTI": left}, left)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        pytest.param({"symbol": "ZZZZ"}, "UNKNOWN_SECURITY", id="a security that nobody knows"),
        pytest.param({"currency": "EUR"}, "BAD_VALUE", id="another currency"),
        pytest.param({"cusip": "921937835"}, "UNKNOWN_SECURITY", id="a CUSIP of another security"),
        pytest.param({"quantity": "-1"}, "BAD_VALUE", id="a negative lot"),
        pytest.param({"basis": "-1"}, "BAD_VALUE", id="a negative basis"),
        pytest.param({"lot_id": "L" * 65}, "BAD_VALUE", id="an id too long to keep"),
    ],
)
def test_a_lot_that_cannot_be_kept_is_rejected_and_marks_its_account(
    birch: Birch, record: dict[str, Any], code: str
) -> None:
    result = ingest.apply_lots(make_batch(birch), [make_lot_record(**record)])
    assert [(one.outcome.value, one.code) for one in result.records] == [("REJECTED", code)]
    assert open_problems(birch) == [(code, result.records[0].sentence)]


def test_a_security_is_found_by_its_cusip_where_the_symbol_is_the_custodians_own(birch: Birch) -> None:
    ingest.apply_positions(make_batch(birch), [make_position_record("VTI US", "3", cusip="922908769")])
    assert held(birch) == {"VTI": Decimal(3)}


def test_a_holding_that_stands_twice_is_taken_once(birch: Birch) -> None:
    twice = [make_position_record("VTI", "3"), make_position_record("VTI", "4", row_number=2)]
    result = ingest.apply_positions(make_batch(birch), twice)
    assert outcomes(result) == ["UPDATED", "REJECTED"]


def test_another_firms_account_is_unknown(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        make_account(cedar.firm_id, cedar.household, number="7777")
    result = ingest.apply_positions(make_batch(birch), [make_position_record(account_number="7777")])
    assert [(one.code, result.account_ids) for one in result.records] == [("UNKNOWN_ACCOUNT", frozenset())]
    with cedar.scope():
        assert held(cedar, "7777") == {}


@pytest.mark.parametrize(
    ("others", "found"),
    [
        pytest.param([], True, id="one account ends so"),
        pytest.param(["92001"], False, id="two accounts end so"),
    ],
)
def test_a_masked_number_means_the_only_account_that_ends_so(birch: Birch, others: list[str], found: bool) -> None:
    for number in ["82001", *others]:
        make_account(birch.firm_id, birch.household, number=number)
    batch = make_batch(birch, masked=frozenset({"...2001"}))
    result = ingest.apply_positions(batch, [make_position_record(account_number="...2001")])
    assert outcomes(result) == (["CREATED"] if found else ["REJECTED"])


def test_a_number_at_two_custodians_needs_the_custodians_name(birch: Birch) -> None:
    make_account(birch.firm_id, birch.household, number="1001", custodian="FIDELITY")
    result = ingest.apply_cash(make_batch(birch, custodian=""), [make_cash_record("5")])
    assert [(one.code, one.sentence) for one in result.records] == [
        ("UNKNOWN_ACCOUNT", "2 custodians have an account 1001; say which custodian's it is.")
    ]


@pytest.mark.parametrize(
    ("settled", "expected"),
    [
        pytest.param("100", ("80", "20"), id="a total that the split makes leaves the split"),
        pytest.param("101", ("101", "0"), id="another total replaces it"),
    ],
)
def test_a_total_alone_does_not_undo_a_split_of_the_same_day(
    birch: Birch, settled: str, expected: tuple[str, str]
) -> None:
    ingest.apply_cash(make_batch(birch), [make_cash_record("80", "20")])
    ingest.apply_cash(make_batch(birch), [make_cash_record(settled, is_split=False)])
    balance = CashBalance.objects.for_firm(birch.firm_id).get()
    assert (balance.settled, balance.unsettled) == tuple(map(Decimal, expected))


def test_cash_of_another_currency_is_not_counted_as_dollars(birch: Birch) -> None:
    result = ingest.apply_cash(make_batch(birch), [make_cash_record("999", currency="EUR")])
    assert outcomes(result) == ["REJECTED"]
    assert CashBalance.objects.for_firm(birch.firm_id).get().settled == Decimal(2000)


def test_a_thousand_lots_take_no_more_queries_than_one(birch: Birch, django_assert_max_num_queries) -> None:
    symbols = list(Security.objects.values_list("symbol", flat=True))
    records = [make_lot_record(symbols[n % 5], "1", lot_id=f"L{n}", row_number=n) for n in range(1000)]
    with django_assert_max_num_queries(12):
        result = ingest.apply_lots(make_batch(birch), records)
    assert set(outcomes(result)) == {"CREATED"}
