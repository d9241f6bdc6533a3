"""The page of an account's hold ranges: what it shows, what it takes, and who may change it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import AuditEvent
from portfolios.models import HoldRange, Security
from tests.screens import browser, counted, make_proposal
from tests.worlds import NOW, Birch, Cedar, World, make_alternate, make_range
from trading.selectors.staleness import why_stale


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def page_of(world: World, role: str = "ADVISER", *, security: str = "") -> str:
    address = reverse("account-ranges", args=[world.account.pk])
    query = {"security": id_of(security)} if security else {}
    answer = browser(world, role).get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", strip_tags(page))


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]*)"', page)
    assert found
    return found[1]


def id_of(symbol: str) -> int:
    return Security.objects.get(symbol=symbol).pk


def keep(world: World, role: str = "ADVISER", *, pk: int = 0, symbol: str = "VTI", **values: Any) -> Any:
    address = reverse("account-range-set", args=[pk or world.account.pk])
    typed = {"security_id": id_of(symbol), "unit": "SHARES", "reason": "Low basis", **values}
    return browser(world, role).post(address, typed, follow=True)


def drop(world: World, role: str = "ADVISER", *, pk: int = 0, symbol: str = "VTI", seen: str = "") -> Any:
    address = reverse("account-range-drop", args=[pk or world.account.pk])
    return browser(world, role).post(address, {"security": id_of(symbol), "seen": seen}, follow=True)


def stored(world: World) -> list[tuple[str, str, Decimal | None, Decimal | None]]:
    rows = HoldRange.objects.for_firm(world.firm_id).order_by("security__symbol")
    return list(rows.values_list("security__symbol", "unit", "lowest", "highest"))


def test_a_range_is_stored_shown_on_both_pages_and_in_the_audit_trail(birch: Birch, cedar: Cedar) -> None:
    page = words(keep(birch, seen=seen_in(page_of(birch)), lowest="100", highest="250.5").content.decode())
    assert "Saved." in page
    assert "at least 100 shares, at most 250.5 shares 250 shares Low basis" in page
    assert stored(birch) == [("VTI", "SHARES", Decimal(100), Decimal("250.5"))]
    account = browser(birch).get(reverse("account", args=[birch.account.pk])).content.decode()
    assert "VTI at least 100 shares, at most 250.5 shares Low basis" in words(account)
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="HOLD_RANGE_SET")
    assert (event.subject, event.subject_id, event.actor) == ("account", str(birch.account.pk), birch.adviser.email)
    assert event.payload == {
        "symbol": "VTI",
        "before": None,
        "after": {"unit": "SHARES", "lowest": "100.000000", "highest": "250.500000", "reason": "Low basis"},
    }
    with cedar.scope():
        assert stored(cedar) == []


def test_percent_are_typed_and_shown_and_fractions_stored(birch: Birch) -> None:
    page = keep(birch, seen=seen_in(page_of(birch)), symbol="VEA", unit="WEIGHT", highest="12.25").content.decode()
    assert stored(birch) == [("VEA", "WEIGHT", None, Decimal("0.1225"))]
    assert "at most 12.25% of the account 0% of the account" in words(page)
    assert re.search(r'name="highest" value="12.25"', page_of(birch, security="VEA"))


def test_a_second_range_of_a_security_takes_the_place_of_the_first(birch: Birch) -> None:
    make_range(birch.account, "VTI", lowest="100")
    page = page_of(birch, security="VTI")
    assert "Change the range of VTI" in words(page)
    keep(birch, seen=seen_in(page), unit="DOLLARS", highest="2500.50")
    assert stored(birch) == [("VTI", "DOLLARS", None, Decimal("2500.50"))]
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="HOLD_RANGE_SET")
    assert event.payload["before"]["lowest"] == "100.000000"


def test_what_is_outside_its_range_says_what_does_not_happen(birch: Birch) -> None:
    make_range(birch.account, "VTI", lowest="300")
    make_range(birch.account, "BND", "DOLLARS", highest="1000")
    page = words(page_of(birch))
    assert "at most $1,000 $11,100 more than that: nothing is bought" in page
    assert "at least 300 shares 250 shares less than that: nothing is sold" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({}, "Say at least one end", id="no end"),
        pytest.param({"lowest": "-1"}, "This cannot be below 0.", id="below zero"),
        pytest.param({"lowest": "some"}, "This is no amount", id="words"),
        pytest.param({"lowest": "1e400"}, "This is too large.", id="beyond all numbers"),
        pytest.param({"lowest": "1000000000"}, "This is too large.", id="a billion"),
        pytest.param({"lowest": "5", "highest": "4"}, "exchange them", id="the wrong way round"),
        pytest.param({"unit": "WEIGHT", "highest": "101"}, "An account has 100 percent", id="more than all"),
        pytest.param({"unit": "WEIGHT", "highest": "1.00001"}, "four decimals at most", id="percent too exact"),
        pytest.param({"unit": "DOLLARS", "highest": "1.001"}, "two places at most", id="parts of a cent"),
        pytest.param({"lowest": "0.0000001"}, "six decimals at most", id="shares too exact"),
        pytest.param({"unit": "OUNCES", "lowest": "1"}, "Choose shares, dollars or percent.", id="no such unit"),
        pytest.param({"lowest": "1", "reason": "  "}, "Say why", id="no reason"),
        pytest.param({"lowest": "1", "reason": "x" * 201}, "200 letters", id="a long reason"),
        pytest.param({"lowest": "1", "symbol": "SPAXX"}, "Choose a security of the list", id="a sweep fund"),
        pytest.param({"lowest": "1", "symbol": "AGG"}, "Choose a security of the list", id="neither held nor wanted"),
        pytest.param({"lowest": "1", "security_id": ""}, "Choose the security that is kept.", id="no security"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(birch: Birch, changes: dict[str, Any], sentence: str) -> None:
    answer = keep(birch, **{"seen": seen_in(page_of(birch)), **changes})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert stored(birch) == []


def test_an_alternate_can_be_kept_in_a_range_too(birch: Birch) -> None:
    make_alternate(birch.model, "BND", "AGG")
    keep(birch, seen=seen_in(page_of(birch)), symbol="AGG", highest="10")
    assert stored(birch) == [("AGG", "SHARES", None, Decimal(10))]


def test_a_range_can_be_removed(birch: Birch) -> None:
    make_range(birch.account, "VTI", lowest="100")
    make_range(birch.account, "BND", lowest="1")
    answer = drop(birch, seen=seen_in(page_of(birch)))
    assert "Saved." in answer.content.decode()
    assert [row[0] for row in stored(birch)] == ["BND"]
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="HOLD_RANGE_DROPPED")
    assert (event.payload["symbol"], event.payload["after"]) == ("VTI", None)
    assert "nothing was changed" in drop(birch, seen=seen_in(answer.content.decode())).content.decode()


def test_a_change_that_somebody_else_made_meanwhile_is_not_overwritten(birch: Birch) -> None:
    seen = seen_in(page_of(birch))
    keep(birch, "OWNER", seen=seen, lowest="100")
    answer = keep(birch, seen=seen, lowest="200")
    page = answer.content.decode()
    assert (answer.status_code, stored(birch)[0][2]) == (409, Decimal(100))
    assert "Somebody changed" in page
    assert "at least 100 shares" in words(page)
    assert 'name="lowest" value="200"' in page
    assert drop(birch, seen=seen).status_code == 409
    keep(birch, seen=seen_in(page), lowest="200")
    assert stored(birch)[0][2] == Decimal(200)


def test_a_change_made_before_a_slip_was_mended_is_not_overwritten(birch: Birch) -> None:
    seen = seen_in(page_of(birch))
    keep(birch, "OWNER", seen=seen, lowest="100")
    slip = keep(birch, seen=seen, lowest="-200")
    answer = keep(birch, seen=seen_in(slip.content.decode()), lowest="200")
    assert (slip.status_code, answer.status_code, stored(birch)[0][2]) == (422, 409, Decimal(100))


def test_saving_what_is_there_changes_nothing(birch: Birch) -> None:
    make_range(birch.account, "VTI", lowest="100")
    answer = keep(birch, seen=seen_in(page_of(birch)), lowest="100.0", reason="The client's wish")
    assert "nothing was changed" in answer.content.decode()
    assert not AuditEvent.objects.for_firm(birch.firm_id).filter(action="HOLD_RANGE_SET").exists()


@pytest.mark.parametrize("role", ["TRADER", "COMPLIANCE", "OPERATIONS", "READ_ONLY", "MODEL_MANAGER"])
def test_others_on_the_staff_see_them_and_cannot_change_them(birch: Birch, role: str) -> None:
    make_range(birch.account, "VTI", lowest="100")
    seen = seen_in(page_of(birch))
    page = words(page_of(birch, role))
    assert "at least 100 shares" in page
    assert "Save" not in page
    assert "Remove" not in page
    assert keep(birch, role, seen=seen, lowest="1").status_code == 404
    assert drop(birch, role, seen=seen).status_code == 404
    assert stored(birch)[0][2] == Decimal(100)


def test_another_firm_and_a_client_find_no_such_page(birch: Birch, cedar: Cedar) -> None:
    make_range(birch.account, "VTI", lowest="100")
    seen = seen_in(page_of(birch))
    pk = birch.account.pk
    with cedar.scope():
        assert browser(cedar).get(reverse("account-ranges", args=[pk])).status_code == 404
        assert keep(cedar, pk=pk, seen=seen, lowest="1").status_code == 404
        assert drop(cedar, pk=pk, seen=seen).status_code == 404
    assert browser(birch, "CLIENT").get(reverse("account-ranges", args=[pk])).status_code == 404
    assert stored(birch)[0][2] == Decimal(100)


def test_a_page_of_three_ranges_asks_the_database_no_more_than_one_of_one(birch: Birch) -> None:
    make_range(birch.account, "VTI", lowest="100")
    page_of(birch)
    with counted() as one:
        page_of(birch)
    make_range(birch.account, "BND", lowest="100")
    make_range(birch.account, "VEA", lowest="100")
    with counted() as three:
        page_of(birch)
    assert one == three


def test_a_proposal_made_before_is_out_of_date(birch: Birch) -> None:
    proposal = make_proposal(birch)
    keep(birch, seen=seen_in(page_of(birch)), lowest="200")
    assert "hold ranges" in why_stale(birch.firm_id, proposal)
