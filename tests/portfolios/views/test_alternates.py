"""The page of a model's alternates: what it shows, what it takes, and who may change it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import AuditEvent
from portfolios.models import ModelAlternate, Security
from tests.screens import browser, counted, make_proposal
from tests.worlds import NOW, Birch, Cedar, World, make_alternate
from trading.selectors.staleness import why_stale


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def page_of(world: World, role: str = "MODEL_MANAGER", *, security: str = "") -> str:
    query = {"security": id_of(security)} if security else {}
    answer = browser(world, role).get(reverse("model-alternates", args=[world.model.pk]), query)
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


def change(world: World, role: str = "MODEL_MANAGER", *, pk: int = 0, symbol: str = "BND", **values: Any) -> Any:
    address = reverse("model-alternates-change", args=[pk or world.model.pk])
    return browser(world, role).post(address, {"security_id": id_of(symbol), **values}, follow=True)


def stored(world: World) -> list[tuple[str, int, str]]:
    rows = ModelAlternate.objects.for_firm(world.firm_id)
    return sorted(rows.values_list("security__symbol", "rank", "alternate__symbol"))


def test_alternates_are_stored_by_rank_shown_on_both_pages_and_in_the_audit_trail(birch: Birch, cedar: Cedar) -> None:
    answer = change(birch, seen=seen_in(page_of(birch)), first="vti, agg", second="", third="ITOT")
    page = words(answer.content.decode())
    assert "Saved." in page
    assert "AGG or VTI, then ITOT" in page
    assert stored(birch) == [("BND", 1, "AGG"), ("BND", 1, "VTI"), ("BND", 2, "ITOT")]
    models = words(browser(birch).get(reverse("models")).content.decode())
    assert "Bought instead, where a security may not be BND AGG or VTI, then ITOT" in models
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="ALTERNATES_SET")
    assert (event.subject, event.subject_id) == ("model", str(birch.model.pk))
    assert event.payload == {"symbol": "BND", "before": [], "after": [["AGG", "VTI"], ["ITOT"]]}
    with cedar.scope():
        assert stored(cedar) == []


def test_what_is_stored_stands_in_the_form_again(birch: Birch) -> None:
    make_alternate(birch.model, "BND", "AGG")
    make_alternate(birch.model, "BND", "ITOT", rank=2)
    page = page_of(birch, security="BND")
    assert "Change the alternates of BND" in words(page)
    assert re.search(r'name="first" value="AGG"', page)
    assert re.search(r'name="second" value="ITOT"', page)


def test_other_securities_keep_their_alternates(birch: Birch) -> None:
    make_alternate(birch.model, "VTI", "ITOT")
    make_alternate(birch.model, "BND", "AGG")
    change(birch, seen=seen_in(page_of(birch)), first="VEA")
    assert stored(birch) == [("BND", 1, "VEA"), ("VTI", 1, "ITOT")]


def test_alternates_can_be_removed(birch: Birch) -> None:
    make_alternate(birch.model, "BND", "AGG")
    answer = change(birch, seen=seen_in(page_of(birch)))
    assert "Saved." in answer.content.decode()
    assert stored(birch) == []
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="ALTERNATES_SET")
    assert (event.payload["before"], event.payload["after"]) == ([["AGG"]], [])


def test_alternates_of_what_the_version_in_force_does_not_hold_are_said_to_wait(birch: Birch) -> None:
    make_alternate(birch.model, "ITOT", "VTI")
    assert "The version in force does not hold ITOT." in words(page_of(birch))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"first": "XYZ"}, "XYZ: this installation knows no such symbol.", id="an unknown symbol"),
        pytest.param({"first": "BND"}, "BND cannot stand for itself.", id="itself"),
        pytest.param({"first": "AGG", "second": "agg"}, "AGG stands twice", id="twice"),
        pytest.param({"first": "SPAXX"}, "SPAXX is a sweep fund", id="a sweep fund"),
        pytest.param({"first": "A" * 121}, "Name fewer", id="too many"),
        pytest.param({"symbol": "AGG", "first": "BND"}, "Choose a security of the list", id="not of the model"),
        pytest.param({"security_id": "", "first": "AGG"}, "Choose the security", id="nothing to stand for"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(birch: Birch, changes: dict[str, Any], sentence: str) -> None:
    answer = change(birch, **{"seen": seen_in(page_of(birch)), "third": "ITOT", **changes})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert 'value="ITOT"' in answer.content.decode()
    assert stored(birch) == []


def test_a_change_that_somebody_else_made_meanwhile_is_not_overwritten(birch: Birch) -> None:
    seen = seen_in(page_of(birch))
    change(birch, "OWNER", seen=seen, first="AGG")
    slip = change(birch, seen=seen, first="A" * 121)
    answer = change(birch, seen=seen_in(slip.content.decode()), first="ITOT")
    page = answer.content.decode()
    assert (slip.status_code, answer.status_code, stored(birch)) == (422, 409, [("BND", 1, "AGG")])
    assert "Somebody changed" in page
    change(birch, seen=seen_in(page), first="ITOT")
    assert stored(birch) == [("BND", 1, "ITOT")]


def test_saving_what_is_there_changes_nothing(birch: Birch) -> None:
    make_alternate(birch.model, "BND", "AGG")
    answer = change(birch, seen=seen_in(page_of(birch)), first="AGG")
    assert "nothing was changed" in answer.content.decode()
    assert not AuditEvent.objects.for_firm(birch.firm_id).filter(action="ALTERNATES_SET").exists()


@pytest.mark.parametrize("role", ["ADVISER", "TRADER", "COMPLIANCE", "OPERATIONS", "READ_ONLY"])
def test_others_on_the_staff_see_them_and_cannot_change_them(birch: Birch, role: str) -> None:
    make_alternate(birch.model, "BND", "AGG")
    seen = seen_in(page_of(birch))
    page = words(page_of(birch, role))
    assert "BND" in page
    assert "Save" not in page
    assert change(birch, role, seen=seen, first="ITOT").status_code == 404
    assert stored(birch) == [("BND", 1, "AGG")]


def test_another_firm_and_a_client_find_no_such_page(birch: Birch, cedar: Cedar) -> None:
    seen, pk = seen_in(page_of(birch)), birch.model.pk
    with cedar.scope():
        address = reverse("model-alternates", args=[pk])
        assert browser(cedar, "MODEL_MANAGER").get(address).status_code == 404
        assert change(cedar, pk=pk, seen=seen, first="AGG").status_code == 404
    assert browser(birch, "CLIENT").get(address).status_code == 404
    assert stored(birch) == []


def test_a_page_of_three_alternates_asks_the_database_no_more_than_one_of_one(birch: Birch) -> None:
    make_alternate(birch.model, "BND", "AGG")
    page_of(birch)
    with counted() as one:
        page_of(birch)
    make_alternate(birch.model, "VTI", "ITOT")
    make_alternate(birch.model, "VEA", "AGG")
    with counted() as three:
        page_of(birch)
    assert one == three


def test_a_proposal_made_before_is_out_of_date(birch: Birch) -> None:
    proposal = make_proposal(birch)
    change(birch, seen=seen_in(page_of(birch)), first="AGG")
    assert "alternates" in why_stale(birch.firm_id, proposal)
