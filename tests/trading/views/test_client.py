from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Firm, ScheduledFlow
from tests.screens import browser, counted, make_orders
from tests.worlds import NOW, TODAY, Birch, World, make_account, make_assignment, make_household, make_lot, make_member
from trading.lifecycle import OrderStatus
from trading.models import Order

PLAN = "/plan/"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the doors stands at the day of the tests' book."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def plan_of(world: World) -> Any:
    """What the template was given."""
    return browser(world, "CLIENT").get(PLAN).context


def fill(world: World) -> None:
    """Every order traded at its reference price."""
    for order in Order.objects.for_firm(world.firm_id).order_by("id"):
        Order.objects.for_firm(world.firm_id).filter(pk=order.pk).update(
            status=OrderStatus.FILLED, cum_quantity=order.quantity, average_price=order.reference_price
        )


def test_a_household_outside_its_bands_is_not_on_plan(birch: Birch) -> None:
    page = plan_of(birch)
    assert (page["on_plan"], page["tone_label"], page["value"]) == (False, "Away from plan", Decimal("88100.00"))


def test_a_household_inside_its_bands_is_on_plan(birch: Birch) -> None:
    household = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, household, birch.model)
    account = make_account(birch.firm_id, household, number="7")
    for symbol, quantity in (("VTI", "166"), ("VEA", "300"), ("BND", "405")):
        make_lot(birch.firm_id, account, symbol, quantity, basis="1")
    member = make_member(Firm.objects.get(pk=birch.firm_id), "CLIENT", household=household, name="Elm")
    page = browser(replace(birch, members={"CLIENT": member}), "CLIENT").get(PLAN).content.decode()
    assert ("Your portfolio is on plan." in page, "Alder" in page) == (True, False)


def test_trades_under_way_are_said_first(birch: Birch) -> None:
    make_orders(birch)
    page = plan_of(birch)
    assert (page["sentence"], page["tone_label"]) == ("We are trading for you right now.", "Trades under way")
    assert page["timeline"][0]["sentence"].count("have not been carried out yet") == 1


def test_what_was_done_and_why_is_told_in_plain_words(birch: Birch) -> None:
    make_orders(birch)
    fill(birch)
    (story,) = plan_of(birch)["timeline"]
    assert story["title"] == "We brought your mix back to plan"
    assert story["sentence"].startswith("Markets had moved your mix away from the plan")
    assert "We sold $30,900 and bought $31,158." in story["sentence"]
    assert story["details"][0].startswith(
        "Sold 103 of Vanguard Total Stock Market ETF (VTI) in Alder Individual at $300.00"
    )


def test_an_order_that_ended_without_a_fill_is_not_told_as_done(birch: Birch) -> None:
    make_orders(birch)
    Order.objects.for_firm(birch.firm_id).update(status=OrderStatus.CANCELED)
    (story,) = plan_of(birch)["timeline"]
    assert {detail.partition(":")[0] for detail in story["details"]} == {"Not traded"}


def test_what_is_coming_up_is_shown(birch: Birch) -> None:
    ScheduledFlow.objects.for_firm(birch.firm_id).create(
        account=birch.account, name="Tuition", due_on=TODAY, amount=Decimal(-900)
    )
    assert [(item["label"], item["amount"]) for item in plan_of(birch)["upcoming"]] == [("Tuition", Decimal("-900.00"))]


def test_the_queries_are_as_many_for_three_accounts_as_for_one(birch: Birch) -> None:
    client = browser(birch, "CLIENT")
    client.get(PLAN)
    with counted() as one:
        client.get(PLAN)
    for number in ("1002", "1003"):
        make_lot(birch.firm_id, make_account(birch.firm_id, birch.household, number=number), "BND", "5", basis="1")
    with counted() as three:
        page = client.get(PLAN).content.decode()
    assert ("in 3 accounts" in page, three) == (True, one)


def test_a_client_is_offered_nothing_of_the_advisers(birch: Birch) -> None:
    page = browser(birch, "CLIENT").get(PLAN).content.decode()
    assert [word for word in ("/worklist/", "/orders/", "/models/", "/problems/", "/book/") if word in page] == []
