"""The blotter's filters, its file, and cancelling what matches."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from accounts.models import AuditEvent
from tests.screens import browser, counted
from tests.trading.services.blocks.shared import children, make_block
from tests.trading.worlds import buy, claim_all, filled, make_connection, orders, sell, stage, take_in
from tests.worlds import Birch, Cedar, World
from trading.models import Order


@pytest.fixture
def two(birch: Birch) -> list[Order]:
    """A sale and a purchase that have not left."""
    make_connection(birch)
    return stage(birch, sell(birch, "VTI", ("VTI-2021-03-03-200", "60"), price="300"), buy("VEA", "25", price="60"))


def shown(world: World, query: str = "") -> list[str]:
    found = browser(world).get(f"/orders/{query}").context["orders"]
    return [order["symbol"] for order in found]


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("", ["VEA", "VTI"]),
        ("?side=BUY", ["VEA"]),
        ("?side=SELL", ["VTI"]),
        ("?side=SHORT", ["VEA", "VTI"]),
        ("?day=2026-11-20", ["VEA", "VTI"]),
        ("?day=2026-11-19", []),
        ("?day=tomorrow", ["VEA", "VTI"]),
        ("?connection=987654", []),
        ("?side=BUY&q=VTI", []),
    ],
)
def test_filters_narrow_the_blotter(birch: Birch, two: list[Order], query: str, symbols: list[str]) -> None:
    assert shown(birch, query) == symbols


def test_the_file_has_a_line_for_each_order_that_matches(birch: Birch, cedar: Cedar, two: list[Order]) -> None:
    with cedar.scope():
        make_connection(cedar)
        stage(cedar, buy("BND", "3", price="74"))
    answer = browser(birch).get("/orders/file/?side=BUY")
    (line,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (line["Security"], line["Shares"], line["Account number"]) == ("VEA", "25.000000", birch.account.number)
    assert line["Our number"] == two[1].client_order_id


def test_the_file_asks_as_often_for_two_orders_as_for_one(birch: Birch, two: list[Order]) -> None:
    client = browser(birch)
    with counted() as one:
        client.get("/orders/file/?side=BUY")
    with counted() as all_of_them:
        client.get("/orders/file/")
    assert one == all_of_them


def test_what_matches_is_cancelled_and_each_says_what_became_of_it(birch: Birch, two: list[Order]) -> None:
    client = browser(birch)
    page = client.get("/orders/cancel/?side=BUY")
    assert [order["id"] for order in page.context["orders"]] == [two[1].pk]
    claim_all(birch)
    answer = client.post("/orders/cancel/", {"order": [str(order.pk) for order in two]})
    assert [(one.done, one.sentence) for one in answer.context["ended"]] == [
        (True, "The custodian is asked to cancel it; a fill on its way still counts."),
        (True, "Cancelled before it was sent."),
    ]
    assert [order.status for order in orders(birch)] == ["SUBMITTING", "CANCELED"]
    assert AuditEvent.objects.for_firm(birch.firm_id).filter(action="ORDER_CANCEL").count() == 2


def test_what_has_ended_or_is_another_firms_is_named_and_left(birch: Birch, cedar: Cedar, two: list[Order]) -> None:
    claim_all(birch)
    take_in(two[0], filled(two[0], "x1", "60", "300"))
    with cedar.scope():
        make_connection(cedar)
        (theirs,) = stage(cedar, buy("BND", "3", price="74"))
    answer = browser(birch).post("/orders/cancel/", {"order": [str(two[0].pk), str(theirs.pk), "x"]})
    assert [(one.done, one.sentence) for one in answer.context["ended"]] == [
        (False, "This order is already filled; there is nothing left to cancel."),
        (False, "There is no such order."),
    ]
    with cedar.scope():
        assert [order.status for order in orders(cedar)] == ["STAGED"]


def test_what_left_in_a_block_is_cancelled_with_the_blocks_order(birch: Birch) -> None:
    make_block(birch)
    assert [child.status for child in children(birch)] == ["WORKING"] * 3
    text = browser(birch).get("/orders/cancel/").content.decode()
    assert "left in a block" in text


@pytest.mark.parametrize(("role", "status"), [("ADVISER", 200), ("TRADER", 404), ("CLIENT", 404)])
def test_who_may_approve_may_cancel(birch: Birch, role: str, status: int) -> None:
    answer: Any = browser(birch, role).get("/orders/cancel/")
    assert answer.status_code == status
