from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from tests.screens import browser, counted
from tests.trading.services.blocks.shared import blocks, children, make_block, shares
from tests.trading.services.blocks.test_blocks import allocated
from tests.trading.worlds import take_in
from tests.worlds import Birch, Cedar, World
from trading.models import Allocation


def form(world: World, *quantities: str, reason: str = "It is being closed.") -> dict[str, str]:
    named = {order.client_order_id: text for order, text in zip(children(world), quantities, strict=True)}
    return {**named, "reason": reason}


def page(world: World, path: str, role: str = "ADVISER") -> Any:
    return browser(world, role).get(path)


def test_a_block_shows_its_statement_and_who_gets_what(birch: Birch) -> None:
    block = make_block(birch)
    text = page(birch, f"/blocks/{block.pk}/").content.decode()
    assert block.statement_sha256 in text
    assert "largest remainder" in text
    assert "33 <span" in text


def test_the_blotter_names_a_blocks_order_by_its_block(birch: Birch) -> None:
    block = make_block(birch)
    text = page(birch, "/orders/").content.decode()
    assert "Block of several accounts" in text
    assert f'href="/blocks/{block.pk}/"' in text
    street = next(row for row in page(birch, "/orders/").context["orders"] if row["role"] == "BLOCK")
    assert "Block of several accounts" in page(birch, f"/orders/{street['id']}/").content.decode()


def test_an_order_that_left_in_a_block_is_not_cancelled_alone(birch: Birch) -> None:
    make_block(birch)
    order = children(birch)[0]
    answer = browser(birch, "ADVISER").post(f"/orders/{order.pk}/cancel/")
    assert answer.status_code == 409
    assert "cannot be cancelled alone" in answer.content.decode()


def test_other_shares_are_asked_for_and_agreed_to_in_the_browser(birch: Birch) -> None:
    block = make_block(birch, at=timezone.now())
    answer = browser(birch, "ADVISER").post(f"/blocks/{block.pk}/ask/", form(birch, "20", "0", "13"), follow=True)
    assert "Compliance has to agree" in answer.content.decode()
    browser(birch, "COMPLIANCE").post(f"/blocks/{block.pk}/decide/", {"decision": "agree"})
    assert [quantity for quantity, _ in shares(birch).values()] == [20, 0, 13]


@pytest.mark.parametrize("text", ["many", "NaN", "Infinity"])
def test_what_is_no_number_of_shares_is_refused(birch: Birch, text: str) -> None:
    block = make_block(birch)
    answer = browser(birch, "ADVISER").post(f"/blocks/{block.pk}/ask/", form(birch, text, "0", "13"))
    assert answer.status_code == 409
    assert "is no number of shares" in answer.content.decode()
    assert [share["typed"] for share in answer.context["shares"]] == [text, "0", "13"]
    assert answer.context["typed_reason"] == "It is being closed."


def test_fairness_compares_accounts_of_the_same_day(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        make_block(cedar)
    make_block(birch)
    for order, price in zip(children(birch), ("420.00", "960.00", "605.00"), strict=True):
        quantity = Allocation.objects.for_firm(birch.firm_id).get(order=order).allocated_quantity
        take_in(order, allocated(order, 1, str(quantity), price, price="60"))
    answer = page(birch, "/blocks/fairness/?since=2026-11-20&until=2026-11-20")
    (row,) = answer.context["rows"]
    assert (row["symbol"], row["accounts"], row["in_blocks"]) == ("VEA", 3, 3)
    assert row["worst"].endswith(children(birch)[2].holder.name)
    assert row["behind"] == Decimal("3.48")
    lines = page(birch, "/blocks/fairness/file/?since=2026-11-20&until=2026-11-20").content.decode().splitlines()
    assert len(lines) == 2


@pytest.mark.parametrize(
    "query", ["", "?since=&until=x", "?since=2026-13-40", "?since=2030-01-01", "?until=0001-01-01"]
)
def test_fairness_takes_any_period(birch: Birch, query: str) -> None:
    assert page(birch, f"/blocks/fairness/{query}").status_code == 200


def test_lists_without_blocks_say_so(birch: Birch) -> None:
    assert "No blocks yet" in page(birch, "/blocks/").content.decode()


def test_the_list_asks_as_often_for_three_blocks_as_for_one(birch: Birch) -> None:
    make_block(birch)
    client = browser(birch, "ADVISER")
    with counted() as first:
        client.get("/blocks/")
    for number in range(2):
        block = blocks(birch)[0]
        block.pk, block.window = None, f"copy {number}"
        block.save()
    with counted() as more:
        client.get("/blocks/")
    assert more == first
