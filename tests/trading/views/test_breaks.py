from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from tests.screens import browser, counted, make_orders
from tests.worlds import Birch, Cedar, World
from trading.models import ReconBreak

PAGE = "/breaks/"


def make_break(world: World, subject: str = "VTI", **changes: Any) -> ReconBreak:
    values: Any = {
        "account": world.account,
        "kind": "OVERFILL",
        "sentence": f"Too much of {subject}.",
        "ours": "1",
        "theirs": "2",
        "opened_at": timezone.now(),
        **changes,
    }
    return ReconBreak.objects.for_firm(world.firm_id).create(subject=subject, **values)


def again(world: World, row: ReconBreak) -> ReconBreak:
    return ReconBreak.objects.for_firm(world.firm_id).get(pk=row.pk)


def shown(world: World, query: str = "", role: str = "OPERATIONS") -> list[str]:
    return [row["subject"] for row in browser(world, role).get(PAGE + query).context["breaks"]]


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("", ["OLD", "NEW", "MINE"]),
        ("?kind=CASH", ["OLD"]),
        ("?days=7", ["OLD"]),
        ("?mine=1", ["MINE"]),
        ("?closed=1", ["GONE"]),
        ("?connection=987654", []),
        ("?days=999999999999", []),
    ],
)
def test_a_filter_narrows_the_list(birch: Birch, cedar: Cedar, query: str, subjects: list[str]) -> None:
    now = timezone.now()
    make_break(birch, "OLD", kind="CASH", opened_at=now - timedelta(days=8))
    make_break(birch, "NEW", opened_at=now - timedelta(minutes=2))
    make_break(birch, "MINE", opened_at=now - timedelta(minutes=1), assignee=birch.members["OPERATIONS"].email)
    make_break(birch, "GONE", closed_at=now)
    with cedar.scope():
        make_break(cedar, "THEIRS")
    assert shown(birch, query) == subjects


def test_a_break_is_given_to_somebody_of_the_firm(birch: Birch, cedar: Cedar) -> None:
    row, trader = make_break(birch), birch.members["TRADER"]
    client, address = browser(birch, "OPERATIONS"), reverse("break-assign", args=[row.pk])
    client.post(address, {"member": trader.id})
    assert again(birch, row).assignee == trader.email
    answer = client.post(address, {"member": cedar.members["TRADER"].id})
    assert (answer.status_code, again(birch, row).assignee) == (409, trader.email)
    client.post(address, {"member": ""})
    assert again(birch, row).assignee == ""
    trail = AuditEvent.objects.for_firm(birch.firm_id).filter(action="BREAK_ASSIGNED").order_by("id")
    assert [event.payload["to"] for event in trail] == [trader.email, ""]


def test_a_break_is_closed_with_a_reason(birch: Birch) -> None:
    row, by = make_break(birch), birch.members["OPERATIONS"].email
    address = reverse("break-close", args=[row.pk])
    refused = browser(birch, "OPERATIONS").post(address, {"reason": " "})
    assert (refused.status_code, again(birch, row).closed_at) == (409, None)
    browser(birch, "OPERATIONS").post(address, {"reason": "Settled with the custodian"})
    closed = again(birch, row)
    assert (closed.resolution, closed.closed_by, closed.closed_at is None) == ("Settled with the custodian", by, False)
    assert AuditEvent.objects.for_firm(birch.firm_id).filter(action="BREAK_CLOSED", actor=by).count() == 1
    assert browser(birch, "OPERATIONS").post(address, {"reason": "Again"}).status_code == 409


def test_what_still_stands_is_not_closed_by_hand(birch: Birch) -> None:
    row = make_break(birch, kind="POSITION")
    answer = browser(birch, "OPERATIONS").post(reverse("break-close", args=[row.pk]), {"reason": "I say so"})
    assert (answer.status_code, "closes by itself" in answer.content.decode()) == (409, True)
    assert again(birch, row).closed_at is None


def test_who_may_only_look_is_offered_nothing(birch: Birch) -> None:
    row = make_break(birch)
    page = browser(birch, "READ_ONLY").get(PAGE).content.decode()
    assert ("Too much of VTI" in page, reverse("break-close", args=[row.pk]) in page) == (True, False)


def test_the_file_holds_what_the_page_shows(birch: Birch) -> None:
    make_break(birch, "VTI")
    make_break(birch, "CASH", kind="CASH")
    lines = browser(birch).get("/breaks/file/?kind=CASH").content.decode().splitlines()
    assert (lines[0].split(",")[:3], len(lines), "Too much of CASH." in lines[1]) == (
        ["Since", "Kind", "Household"],
        2,
        True,
    )


def test_the_count_stands_on_the_blotter(birch: Birch) -> None:
    make_break(birch)
    page = browser(birch).get("/orders/").content.decode()
    assert (f'href="{PAGE}"' in page, "1 break" in page) == (True, True)


def test_the_queries_are_as_many_for_three_breaks_as_for_one(birch: Birch) -> None:
    order, client = make_orders(birch)[0], browser(birch, "OPERATIONS")
    make_break(birch, "A", order=order, connection=order.connection)
    client.get(PAGE)
    with counted() as one:
        client.get(PAGE)
    for subject in ("B", "C"):
        make_break(birch, subject, order=order, connection=order.connection)
    with counted() as three:
        client.get(PAGE)
    assert one == three
