from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Household
from portfolios.models import ScanShard
from portfolios.services.scans import due_shards, fail_shard, start_scan
from tests.screens import HTMX, browser, counted, make_scan
from tests.worlds import NOW, TODAY, Birch, World, make_account, make_assignment, make_household, make_lot
from trading.models import Proposal
from trading.selectors import worklist as selector

WORKLIST = "/worklist/"
RESULTS = {**HTMX, "HX-Target": "results"}


def make_drifted(world: World, name: str, number: str) -> Household:
    """One more household that a scan makes a proposal for."""
    household = make_household(world.firm_id, name=name, adviser_id=world.adviser.id)
    make_assignment(world.firm_id, household, world.model)
    make_lot(world.firm_id, make_account(world.firm_id, household, number=number), "VTI", "100", basis="20000")
    return household


def text(client, path: str, **headers: str) -> str:
    return str(client.get(path, headers=headers).content, "utf-8")


def test_a_book_that_was_never_scanned_says_so(birch: Birch) -> None:
    page = text(browser(birch), WORKLIST)
    assert ("has not been scanned yet" in page, "Scan the book now" in page) == (True, True)


def test_a_household_with_a_proposal_links_to_it(birch: Birch) -> None:
    make_scan(birch)
    proposal = Proposal.objects.for_firm(birch.firm_id).get()
    assert f'href="{reverse("proposal", args=[proposal.pk])}"' in text(browser(birch), WORKLIST)


def test_those_who_may_not_scan_are_not_offered_it(birch: Birch) -> None:
    assert "Scan the book now" not in text(browser(birch, "READ_ONLY"), WORKLIST)


def test_the_queries_are_as_many_for_three_households_as_for_one(birch: Birch) -> None:
    client = browser(birch)
    make_scan(birch)
    client.get(WORKLIST)
    with counted() as one:
        client.get(WORKLIST)
    make_drifted(birch, "Beech", "21")
    make_drifted(birch, "Cherry", "22")
    make_scan(birch, at=NOW + timedelta(minutes=1))
    with counted() as three:
        page = text(client, WORKLIST)
    assert ("3 households" in page, three) == (True, one)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param("", {"Alder", "Beech"}, id="all"),
        pytest.param("?q=beech", {"Beech"}, id="by household"),
        pytest.param("?q=21", {"Beech"}, id="by the number of an account"),
        pytest.param("?q=%25", set(), id="a percent sign is no wildcard"),
        pytest.param("?q=%00", {"Alder", "Beech"}, id="a NUL is dropped"),
        pytest.param("?tile=BAND_BREACHED", {"Alder", "Beech"}, id="by reason"),
        pytest.param("?tile=BAND_BREACHED&tile=NO_MODEL", set(), id="reasons combine with and"),
        pytest.param("?tile=NONSENSE", {"Alder", "Beech"}, id="an unknown reason is left out"),
        pytest.param("?status=APPROVED", set(), id="by state"),
        pytest.param("?adviser=999999999999999999999999", {"Alder", "Beech"}, id="an id that is none is left out"),
        pytest.param("?after=0_NaN_1", {"Alder", "Beech"}, id="a place that is none begins at the top"),
    ],
)
def test_a_filter_narrows_the_list(query: str, shown: set[str], birch: Birch) -> None:
    make_drifted(birch, "Beech", "21")
    make_scan(birch)
    page = text(browser(birch), WORKLIST + query, **RESULTS)
    assert {name for name in ("Alder", "Beech") if f">{name}</a>" in page} == shown


def test_the_search_form_keeps_the_reasons_that_are_on(birch: Birch) -> None:
    make_scan(birch)
    page = text(browser(birch), WORKLIST + "?tile=BAND_BREACHED")
    assert '<input type="hidden" name="tile" value="BAND_BREACHED">' in page


def test_what_htmx_asks_for_comes_in_part_and_caches_are_told(birch: Birch) -> None:
    make_scan(birch)
    answer = browser(birch).get(WORKLIST, headers=RESULTS)
    assert ("<html" in answer.content.decode(), answer.headers["Vary"]) == (False, "HX-Request, HX-Target, Cookie")


def test_pages_follow_each_other_without_a_gap(birch: Birch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "PAGE", 2)
    for number, name in enumerate(("Beech", "Cherry", "Elm", "Fir")):
        make_drifted(birch, name, f"3{number}")
    make_scan(birch)
    seen: list[str] = []
    path = WORKLIST
    client = browser(birch)
    while path:
        page = text(client, path, **HTMX)
        seen += re.findall(r'row-link" href="/proposals/\d+/">(\w+)<', page)
        path = "".join(re.findall(r'hx-get="(/worklist/\?after=[^"]+)"', page))
    assert sorted(seen) == ["Alder", "Beech", "Cherry", "Elm", "Fir"]


def test_a_scan_that_runs_shows_how_far_it_is_and_asks_again(birch: Birch) -> None:
    scan = start_scan(firm_id=birch.firm_id, as_of=TODAY, requested_by="t", at=NOW)
    answer = browser(birch).get(reverse("scan-progress", args=[scan.pk]), headers=HTMX)
    page = answer.content.decode()
    assert ("0 of 1" in page, 'hx-trigger="every 1s"' in page, "HX-Trigger" in answer.headers) == (True, True, False)


def test_a_scan_that_ended_tells_the_list_once(birch: Birch) -> None:
    answer = browser(birch).get(reverse("scan-progress", args=[make_scan(birch)]), headers=HTMX)
    assert (answer.headers["HX-Trigger"], 'hx-trigger="every 1s"' in answer.content.decode()) == (
        '{"scan-finished": {}}',
        False,
    )


def test_a_scan_that_failed_says_why(birch: Birch) -> None:
    start_scan(firm_id=birch.firm_id, as_of=TODAY, requested_by="t", at=NOW)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    attempt = ScanShard.objects.for_firm(birch.firm_id).get(pk=shard).attempt
    fail_shard(firm_id=birch.firm_id, shard_id=shard, attempt=attempt, at=NOW, sentence="Five workers stopped in it.")
    page = text(browser(birch), WORKLIST)
    assert ("Scan failed" in page, "Five workers stopped in it." in page, "Scan again" in page) == (True, True, True)


def test_a_second_scan_is_refused_while_one_runs(birch: Birch) -> None:
    start_scan(firm_id=birch.firm_id, as_of=TODAY, requested_by="t", at=NOW)
    answer = browser(birch).post(reverse("scan-start"), headers=HTMX)
    assert (answer.status_code, "already running" in answer.headers["HX-Trigger"]) == (409, True)


def test_without_javascript_the_refusal_stands_on_the_next_page(birch: Birch) -> None:
    start_scan(firm_id=birch.firm_id, as_of=TODAY, requested_by="t", at=NOW)
    answer = browser(birch).post(reverse("scan-start"), follow=True)
    assert (answer.status_code, "already running" in answer.content.decode()) == (200, True)


def test_a_household_without_a_proposal_says_why(birch: Birch) -> None:
    other = make_household(birch.firm_id, name="Beech", adviser_id=birch.adviser.id)
    make_lot(birch.firm_id, make_account(birch.firm_id, other, number="21", cash="-500.00"), "VTI", "10", basis="1")
    make_scan(birch)
    row = next(row for row in browser(birch).get(WORKLIST).context["rows"] if row["household_name"] == "Beech")
    assert (row["proposal_id"], row["status"], bool(row["blocked_because"])) == (None, "BLOCKED", True)
