"""The page of a household's taxes: what it shows, what it takes, and who may change it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import AuditEvent, TaxProfile
from portfolios.models import Transaction
from tests.screens import browser, make_proposal
from tests.worlds import NOW, TODAY, Birch, Cedar, World, make_household
from trading.selectors.staleness import why_stale


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def page_of(world: World, role: str = "ADVISER", pk: int = 0) -> str:
    answer = browser(world, role).get(reverse("household-taxes", args=[pk or world.household.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]*)"', page)
    assert found
    return found[1]


def typed(**changes: Any) -> dict[str, Any]:
    values = {"filing_status": "MARRIED_JOINT", "tax_year": "2026", "short_rate": "40.8", "long_rate": "23.8"}
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def change(world: World, role: str = "ADVISER", *, pk: int = 0, **values: Any) -> Any:
    address = reverse("household-taxes-change", args=[pk or world.household.pk])
    return browser(world, role).post(address, typed(**values), follow=True)


def profile_of(world: World) -> TaxProfile:
    return TaxProfile.objects.for_firm(world.firm_id).get(household=world.household)


def test_what_is_saved_is_stored_shown_again_and_in_the_audit_trail(birch: Birch, cedar: Cedar) -> None:
    answer = change(birch, seen=seen_in(page_of(birch)), gain_budget="25000", short_rate="37", netting="on")
    page = answer.content.decode()
    assert "Saved." in page
    assert re.search(r'name="gain_budget" value="25000.00"', page)
    profile = profile_of(birch)
    assert (profile.gain_budget, profile.short_rate, profile.netting) == (Decimal(25000), Decimal("0.37"), True)
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="TAX_PROFILE_CHANGED")
    assert event.payload["before"] == {"gain_budget": None, "short_rate": "0.4080", "netting": False}
    assert event.payload["after"] == {"gain_budget": "25000", "short_rate": "0.37", "netting": True}
    with cedar.scope():
        assert profile_of(cedar).gain_budget is None


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param("25,000", "25000", id="thousands set apart"),
        pytest.param("$1,234,567.89", "1234567.89", id="with a dollar sign"),
        pytest.param(" 25000.5 ", "25000.5", id="with spaces"),
    ],
)
def test_amounts_are_understood_as_people_write_them(birch: Birch, written: str, stored: str) -> None:
    page = page_of(birch)
    change(birch, seen=seen_in(page), gain_budget=written, realised_long="−$1,500", short_rate="37 %",
           realised_on="2026-03-31")  # fmt: skip
    profile = profile_of(birch)
    assert (profile.gain_budget, profile.realised_long) == (Decimal(stored), Decimal(-1500))
    assert profile.short_rate == Decimal("0.37")
    assert 'type="number" name="gain_budget"' not in page


def test_the_year_is_told_with_what_is_left_of_the_budget(birch: Birch) -> None:
    TaxProfile.objects.for_firm(birch.firm_id).update(
        realised_short=Decimal(-500), realised_long=Decimal(4000), realised_on="2026-03-31", gain_budget=Decimal(10_000)
    )
    page = re.sub(r"\s+", " ", strip_tags(page_of(birch)))
    assert "Net gain +$3,500 gain $6,500 left of $10,000" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"short_rate": ""}, "Say the rate in percent, for instance 40.8.", id="no rate"),
        pytest.param({"short_rate": "140"}, "A rate must be below 100 %.", id="a rate above 100"),
        pytest.param({"gain_budget": "-1"}, "This cannot be below 0.", id="a budget below zero"),
        pytest.param({"gain_budget": "a lot"}, "This is no amount", id="words for dollars"),
        pytest.param({"tax_year": "26"}, "greater than or equal to 2000", id="a short year"),
        pytest.param({"realised_long": "900"}, "Say up to which day these gains are", id="gains without a day"),
        pytest.param(
            {"realised_long": "900", "realised_on": "2025-12-31"},
            "not in the tax year 2026",
            id="another year",
        ),
        pytest.param({"realised_on": "2026-12-24"}, "still to come", id="a day to come"),
        pytest.param({"filing_status": "ALONE"}, "not one of the available choices", id="no such status"),
        pytest.param({"long_rate": "$23.8"}, "This is no percentage", id="a sign of another kind"),
        pytest.param({"gain_budget": "25,00"}, "This is no amount", id="a comma for the decimals"),
        pytest.param({"gain_budget": "25 00"}, "This is no amount", id="a space inside"),
        pytest.param({"gain_budget": "25 thousand"}, "This is no amount", id="a number and a word"),
        pytest.param({"realised_short": "1e400"}, "This amount is too large.", id="beyond all numbers"),
    ],
)
def test_what_cannot_be_stored_is_said_and_changes_nothing(
    birch: Birch, changes: dict[str, Any], sentence: str
) -> None:
    answer = change(birch, **{"seen": seen_in(page_of(birch)), "tax_budget": "777", **changes})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert 'value="777"' in page
    assert profile_of(birch).tax_budget is None


def test_a_change_that_somebody_else_made_meanwhile_is_not_overwritten(birch: Birch) -> None:
    seen = seen_in(page_of(birch))
    change(birch, "OWNER", seen=seen, gain_budget="100")
    answer = change(birch, seen=seen, gain_budget="200")
    page = answer.content.decode()
    assert (answer.status_code, profile_of(birch).gain_budget) == (409, Decimal(100))
    assert "Somebody changed" in page
    assert "Net gain at most this year, $: stored is 100.00" in re.sub(r"\s+", " ", strip_tags(page))
    change(birch, seen=seen_in(page), gain_budget="200")
    assert profile_of(birch).gain_budget == Decimal(200)


def test_a_change_made_before_a_slip_was_mended_is_not_overwritten(birch: Birch) -> None:
    seen = seen_in(page_of(birch))
    change(birch, "OWNER", seen=seen, gain_budget="100")
    slip = change(birch, seen=seen, gain_budget="-200")
    answer = change(birch, seen=seen_in(slip.content.decode()), gain_budget="200")
    assert (slip.status_code, answer.status_code, profile_of(birch).gain_budget) == (422, 409, Decimal(100))


def test_saving_what_is_there_changes_nothing(birch: Birch) -> None:
    answer = change(birch, seen=seen_in(page_of(birch)))
    assert "nothing was changed" in answer.content.decode()
    assert not AuditEvent.objects.for_firm(birch.firm_id).filter(action="TAX_PROFILE_CHANGED").exists()


@pytest.mark.parametrize("role", ["TRADER", "COMPLIANCE", "OPERATIONS", "READ_ONLY", "MODEL_MANAGER"])
def test_others_on_the_staff_see_it_and_cannot_change_it(birch: Birch, role: str) -> None:
    page = page_of(birch, role)
    assert "Save" not in strip_tags(page)
    assert change(birch, role, seen=seen_in(page), gain_budget="1").status_code == 404
    assert profile_of(birch).gain_budget is None


def test_another_firm_and_a_client_find_no_such_page(birch: Birch, cedar: Cedar) -> None:
    seen = seen_in(page_of(birch))
    with cedar.scope():
        client = browser(cedar)
        assert client.get(reverse("household-taxes", args=[birch.household.pk])).status_code == 404
        assert change(cedar, pk=birch.household.pk, seen=seen, gain_budget="1").status_code == 404
    assert browser(birch, "CLIENT").get(reverse("household-taxes", args=[birch.household.pk])).status_code == 404
    assert profile_of(birch).gain_budget is None


def test_a_household_without_a_profile_gets_one(birch: Birch) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    TaxProfile.objects.for_firm(birch.firm_id).filter(household=elm).delete()
    page = page_of(birch, pk=elm.pk)
    assert "Nothing is on record" in page
    assert change(birch, pk=elm.pk, seen=seen_in(page), tax_budget="0").status_code == 200
    assert TaxProfile.objects.for_firm(birch.firm_id).get(household=elm).tax_budget == 0


def test_a_profile_of_another_year_says_that_it_does_not_bind(birch: Birch) -> None:
    TaxProfile.objects.for_firm(birch.firm_id).update(tax_year=2025)
    assert "its budgets do not bind in 2026" in page_of(birch)


def test_sales_on_record_count_in_the_year(birch: Birch) -> None:
    Transaction.objects.for_firm(birch.firm_id).create(
        account=birch.account,
        kind="SELL",
        trade_on=TODAY,
        settle_on=TODAY,
        amount=Decimal(1000),
        realised_long=Decimal(250),
        key="t1",
    )
    assert "Net gain +$250 gain no budget" in re.sub(r"\s+", " ", strip_tags(page_of(birch)))


def test_a_proposal_made_before_is_out_of_date(birch: Birch) -> None:
    proposal = make_proposal(birch)
    assert why_stale(birch.firm_id, proposal) == ""
    change(birch, seen=seen_in(page_of(birch)), gain_budget="10")
    assert "taxes or the policy of" in why_stale(birch.firm_id, proposal)
