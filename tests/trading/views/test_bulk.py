"""Approving many proposals: what is shown, what is approved, and what is left for a person."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tests.screens import browser, make_proposal
from tests.trading.worlds import make_connection
from tests.worlds import NOW, Birch, Cedar, World
from trading.models import Approval, Order, Proposal


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


ADDRESS = reverse("proposals-approve")


def page_of(world: World, query: str = "?all=1", role: str = "ADVISER") -> str:
    answer = browser(world, role).get(ADDRESS + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def decisions_in(page: str) -> list[str]:
    return re.findall(r'name="decide" value="([^"]+)"', page)


def approve(world: World, decisions: list[str], role: str = "ADVISER") -> str:
    answer = browser(world, role).post(ADDRESS, {"decide": decisions, "note": "All of them."})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_all_that_match_are_shown_with_their_sums_and_approved_as_they_were_seen(birch: Birch) -> None:
    make_connection(birch)
    proposal = make_proposal(birch)
    page = page_of(birch)
    assert "Approve 1 proposal?" in page
    assert decisions_in(page) == [f"{proposal.pk}:{proposal.content_sha256}"]
    page = approve(birch, decisions_in(page))
    assert "1 of 1 approved" in page
    proposal.refresh_from_db()
    assert proposal.status == Proposal.Status.APPROVED
    assert Order.objects.for_firm(birch.firm_id).count() == proposal.trade_count
    assert Approval.objects.for_firm(birch.firm_id).get(proposal=proposal).reason == "All of them."


def test_the_picked_ones_alone_are_shown(birch: Birch) -> None:
    proposal = make_proposal(birch)
    assert decisions_in(page_of(birch, f"?proposal={proposal.pk}"))
    assert "Nothing to approve" in page_of(birch, "?proposal=999999&proposal=x")


def test_one_that_changed_meanwhile_is_left_and_says_so(birch: Birch) -> None:
    proposal = make_proposal(birch)
    page = approve(birch, [f"{proposal.pk}:{'0' * 64}", "999999:abc", "x:y"])
    assert "0 of 2 approved" in page
    assert "Look at these, then decide." in page
    assert "There is no such proposal." in page
    assert not Order.objects.for_firm(birch.firm_id).exists()


def test_what_was_decided_already_is_not_offered_and_not_approved_twice(birch: Birch) -> None:
    make_connection(birch)
    decisions = decisions_in(page_of(birch, f"?proposal={make_proposal(birch).pk}"))
    approve(birch, decisions)
    assert "Nothing to approve" in page_of(birch)
    assert "already approved" in approve(birch, decisions)
    assert Approval.objects.for_firm(birch.firm_id).count() == 1


def test_another_firms_proposal_is_neither_shown_nor_approved(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        theirs = make_proposal(cedar)
    assert "Nothing to approve" in page_of(birch, f"?proposal={theirs.pk}")
    assert "There is no such proposal." in approve(birch, [f"{theirs.pk}:{theirs.content_sha256}"])
    with cedar.scope():
        assert not Order.objects.for_firm(cedar.firm_id).exists()


def test_who_may_not_approve_is_not_offered_it(birch: Birch) -> None:
    make_proposal(birch)
    worklist = browser(birch, "READ_ONLY").get(reverse("worklist")).content.decode()
    assert "Approve all that match" not in worklist
    assert "Approve all that match" in browser(birch).get(reverse("worklist")).content.decode()
    assert browser(birch, "READ_ONLY").get(ADDRESS + "?all=1").status_code == 404
