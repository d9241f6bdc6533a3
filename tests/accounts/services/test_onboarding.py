from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account, Custodian, Household, TaxProfile, User
from accounts.selectors.members import memberships_of_user
from accounts.services import onboarding
from accounts.services.upsert import Outcome
from tests.worlds import Birch, Cedar

PASSWORD = "a birch grows by the lake"


def make_new_member(**changes: object) -> onboarding.NewMember:
    return onboarding.NewMember(**{"email": "Ann@Birch.example", "name": "Ann", "role": "ADVISER", **changes})  # type: ignore[arg-type]


def make_account_row(world: Birch, **changes: object) -> onboarding.AccountRow:
    values = {
        "custodian_id": Custodian.objects.get(code="SCHWAB").pk,
        "number": "9001",
        "household_id": world.household.pk,
        "client_id": None,
        "name": "Ann's Roth",
        "registration": "ROTH_IRA",
    }
    return onboarding.AccountRow(**{**values, **changes})  # type: ignore[arg-type]


def test_a_member_can_sign_in_and_twice_keeps_his_password_and_role(birch: Birch) -> None:
    ids = onboarding.add_members(firm_id=birch.firm_id, members=[make_new_member()], password=PASSWORD)
    again = onboarding.add_members(
        firm_id=birch.firm_id, members=[make_new_member(role="OWNER")], password="another one"
    )
    assert ids == again
    user = User.objects.get(email="ann@birch.example")
    assert user.check_password(PASSWORD)
    assert [(member.firm_id, member.role) for member in memberships_of_user(user.pk)] == [(birch.firm_id, "ADVISER")]


def test_one_person_may_work_in_two_firms(birch: Birch, cedar: Cedar) -> None:
    onboarding.add_members(firm_id=birch.firm_id, members=[make_new_member()], password=PASSWORD)
    with cedar.scope():
        onboarding.add_members(firm_id=cedar.firm_id, members=[make_new_member(role="TRADER")], password=PASSWORD)
    user = User.objects.get(email="ann@birch.example")
    assert [(member.firm_id, member.role) for member in memberships_of_user(user.pk)] == [
        (birch.firm_id, "ADVISER"),
        (cedar.firm_id, "TRADER"),
    ]


def test_an_adviser_of_another_firm_cannot_be_given_a_household(birch: Birch, cedar: Cedar) -> None:
    row = onboarding.HouseholdRow(external_id="B-9", name="Birch's", adviser_id=cedar.adviser.id)
    with pytest.raises(IntegrityError, match="same_firm"), transaction.atomic():
        onboarding.write_households(firm_id=birch.firm_id, rows=[row])


def test_households_and_clients_are_found_by_their_own_ids(birch: Birch) -> None:
    households = onboarding.write_households(
        firm_id=birch.firm_id, rows=[onboarding.HouseholdRow(external_id="B-9", name="Nine")]
    )
    clients = onboarding.write_clients(
        firm_id=birch.firm_id,
        rows=[onboarding.ClientRow(external_id="B-9-1", name="Ann Nine", household_id=households["B-9"])],
    )
    assert Household.objects.for_firm(birch.firm_id).get(pk=households["B-9"]).name == "Nine"
    assert list(clients) == ["B-9-1"]


@pytest.mark.parametrize(
    ("registration", "tax_status"),
    [
        pytest.param("INDIVIDUAL", "TAXABLE", id="an individual's is taxable"),
        pytest.param("TRUST", "TAXABLE", id="a trust's is taxable"),
        pytest.param("TRADITIONAL_IRA", "DEFERRED", id="an IRA is deferred"),
        pytest.param("ROTH_IRA", "EXEMPT", id="a Roth IRA is exempt"),
    ],
)
def test_the_tax_status_follows_from_the_registration(birch: Birch, registration: str, tax_status: str) -> None:
    row = make_account_row(birch, registration=registration)
    assert onboarding.write_accounts(firm_id=birch.firm_id, rows=[row]) == [Outcome.CREATED]
    assert Account.objects.for_firm(birch.firm_id).get(number="9001").tax_status == tax_status


def test_an_account_that_changes_is_changed_and_stays_one(birch: Birch) -> None:
    onboarding.write_accounts(firm_id=birch.firm_id, rows=[make_account_row(birch)])
    changed = make_account_row(birch, status="CLOSED")
    assert onboarding.write_accounts(firm_id=birch.firm_id, rows=[changed]) == [Outcome.UPDATED]
    assert Account.objects.for_firm(birch.firm_id).filter(number="9001").get().status == "CLOSED"


def test_setting_a_tax_profile_keeps_the_losses_carried_over(birch: Birch) -> None:
    profiles = TaxProfile.objects.for_firm(birch.firm_id)
    profiles.update(carryover_short=Decimal(500))
    row = onboarding.TaxProfileRow(
        household_id=birch.household.pk, short_rate=Decimal("0.30"), long_rate=Decimal("0.15"), tax_year=2026
    )
    onboarding.write_tax_profiles(firm_id=birch.firm_id, rows=[row])
    assert profiles.values_list("short_rate", "carryover_short").get() == (Decimal("0.30"), Decimal(500))


def test_a_tax_profile_carries_the_budgets_of_its_household(birch: Birch) -> None:
    profiles = TaxProfile.objects.for_firm(birch.firm_id)
    row = onboarding.TaxProfileRow(
        household_id=birch.household.pk,
        short_rate=Decimal("0.30"),
        long_rate=Decimal("0.15"),
        tax_year=2026,
        gain_budget=Decimal(5000),
        tax_budget=Decimal(800),
        netting=True,
    )
    assert onboarding.write_tax_profiles(firm_id=birch.firm_id, rows=[row]) == [Outcome.UPDATED]
    assert onboarding.write_tax_profiles(firm_id=birch.firm_id, rows=[row]) == [Outcome.UNCHANGED]
    found = profiles.values_list("gain_budget", "tax_budget", "netting", "ordinary_rate").get()
    assert found == (Decimal(5000), Decimal(800), True, None)
