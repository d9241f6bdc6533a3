from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account, Client, Household
from portfolios.models import DataProblem, ModelAssignment
from portfolios.services import ingest
from tests.portfolios.services.ingest.records import make_account_record, make_batch
from tests.worlds import Birch, Cedar, World


def take(world: World, *records: Any, **options: Any) -> list[tuple[str, str]]:
    result = ingest.apply_accounts(make_batch(world), list(records), **options)
    return [(one.outcome.value, one.code) for one in result.records]


def account(world: World, number: str = "2002") -> Account:
    return Account.objects.for_firm(world.firm_id).select_related("household", "client").get(number=number)


def open_codes(world: World) -> list[str]:
    rows = DataProblem.objects.for_firm(world.firm_id).filter(resolved_at=None)
    return list(rows.values_list("code", flat=True))


def test_a_new_account_opens_with_its_household_client_adviser_and_model(birch: Birch, cedar: Cedar) -> None:
    record = make_account_record(adviser_email=birch.adviser.email.upper(), model_code="GROWTH")
    assert take(birch, record) == [("CREATED", "")]
    opened = account(birch)
    assert (opened.household.name, opened.household.adviser_id) == ("Two", birch.adviser.id)
    assert (opened.client and opened.client.name, opened.tax_status) == ("Ann Two", "TAXABLE")
    followed = ModelAssignment.objects.for_firm(birch.firm_id).filter(household=opened.household)
    assert [row.target_model_id for row in followed] == [birch.model.pk]
    with cedar.scope():
        assert not Account.objects.for_firm(cedar.firm_id).filter(number="2002").exists()


def test_the_same_list_again_changes_nothing(birch: Birch) -> None:
    record = make_account_record(model_code="GROWTH")
    take(birch, record)
    assert take(birch, record) == [("UNCHANGED", "")]
    assert ModelAssignment.objects.for_firm(birch.firm_id).filter(household__external_id="H-2").count() == 1


def test_what_a_custodian_leaves_blank_stays_as_it_is(birch: Birch) -> None:
    take(birch, make_account_record(registration="ROTH_IRA"))
    blank = {"registration": "", "household_id": "", "household_name": "", "client_id": "", "client_name": ""}
    assert take(birch, make_account_record(name="A new name", **blank)) == [("UPDATED", "")]
    kept = account(birch)
    assert (kept.name, kept.registration, kept.household.external_id) == ("A new name", "ROTH_IRA", "H-2")
    assert kept.client == Client.objects.for_firm(birch.firm_id).get(external_id="H-2-1")


@pytest.mark.parametrize(
    ("household", "expected"),
    [
        pytest.param("", "UNASSIGNED", id="where the unassigned are collected"),
        pytest.param("HH-Alder", "HH-Alder", id="in the household that was named"),
    ],
)
def test_an_account_of_which_only_the_number_is_known_waits_for_the_rest(
    birch: Birch, household: str, expected: str
) -> None:
    bare = make_account_record(
        registration="", household_id="", household_name="", client_id="", client_name="", name=""
    )
    assert take(birch, bare, household=household) == [("CREATED", "")]
    assert account(birch).household.external_id == expected
    assert open_codes(birch) == ["REGISTRATION_UNKNOWN"]
    take(birch, make_account_record())
    assert (open_codes(birch), account(birch).household.external_id) == ([], "H-2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"custodian": "nobody"}, "UNKNOWN_NAME", id="a custodian that is not here"),
        pytest.param({"adviser_email": "x@y.example"}, "UNKNOWN_NAME", id="an adviser who is not here"),
        pytest.param({"model_code": "NONE"}, "UNKNOWN_NAME", id="a model that is not here"),
        pytest.param({"is_masked": True}, "UNKNOWN_ACCOUNT", id="only the end of the number"),
        pytest.param({"name": "N" * 121}, "BAD_VALUE", id="a name too long to keep"),
        pytest.param({"registration": "LLC"}, "BAD_VALUE", id="a registration that is none"),
        pytest.param({"status": "GONE"}, "BAD_VALUE", id="a status that is none"),
    ],
)
def test_an_account_that_cannot_be_opened_is_rejected_and_opens_nothing(
    birch: Birch, change: dict[str, Any], code: str
) -> None:
    assert take(birch, make_account_record(**change)) == [("REJECTED", code)]
    assert not Household.objects.for_firm(birch.firm_id).filter(external_id="H-2").exists()


def test_another_firms_adviser_is_nobody_here(birch: Birch, cedar: Cedar) -> None:
    assert take(birch, make_account_record(adviser_email=cedar.adviser.email)) == [("REJECTED", "UNKNOWN_NAME")]


def test_records_that_contradict_each_other_about_a_household_are_not_both_taken(birch: Birch) -> None:
    other = make_account_record(row_number=2, account_number="2003", household_name="Too")
    again = make_account_record(row_number=3)
    assert take(birch, make_account_record(), other, again) == [
        ("CREATED", ""),
        ("REJECTED", "BAD_VALUE"),
        ("REJECTED", "BAD_VALUE"),
    ]


def test_a_client_does_not_move_to_another_household_unasked(birch: Birch) -> None:
    take(birch, make_account_record())
    moved = make_account_record(account_number="2003", household_id="H-3", household_name="Three")
    assert take(birch, moved) == [("REJECTED", "BAD_VALUE")]
