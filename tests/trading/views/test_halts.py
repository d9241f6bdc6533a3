from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.screens import HTMX, browser, counted, make_orders
from tests.worlds import NOW, Birch, Cedar
from trading.models import TradingHalt
from trading.services.halts import ask_to_lift, raise_halt

PAGE, RAISE = "/halts/", "/halts/raise/"


def halts(world: Birch) -> list[TradingHalt]:
    return list(TradingHalt.objects.for_firm(world.firm_id).order_by("id"))


def raised(world: Birch, **changes: Any) -> int:
    return raise_halt(
        **{"firm_id": world.firm_id, "reason": "Odd prices", "by": "ann@x.example", "at": NOW, **changes}
    ).halt_id


def form(**changes: str) -> dict[str, str]:
    return {"scope": "FIRM", "level": "HALTED", "reason": "Odd prices", **changes}


def test_an_adviser_stops_everything_and_cancels_in_one_act(birch: Birch, cedar: Cedar) -> None:
    many = make_orders(birch)
    answer = browser(birch).post(RAISE, form(cancel="on"), follow=True)
    assert f"{len(many)} orders that had not left are cancelled" in answer.content.decode()
    assert [(halt.level, halt.raised_by) for halt in halts(birch)] == [("HALTED", birch.adviser.email)]
    with cedar.scope():
        assert halts(cedar) == []


def test_a_part_is_stopped_by_account_number_symbol_or_custodian(birch: Birch) -> None:
    line = make_orders(birch)[0].connection_id
    client = browser(birch)
    client.post(RAISE, form(scope="ACCOUNT", account=birch.account.number))
    client.post(RAISE, form(scope="SECURITY", security="vti", level="REDUCING"))
    client.post(RAISE, form(scope="CONNECTION", connection=str(line)))
    found = [(halt.account_id, halt.security and halt.security.symbol, halt.connection_id) for halt in halts(birch)]
    assert found == [(birch.account.pk, None, None), (None, "VTI", None), (None, None, line)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reason": ""}, "Say why trading is stopped."),
        ({"scope": "ACCOUNT"}, "Say which one."),
        ({"scope": "ACCOUNT", "account": "9999"}, "No accounts have the number &#x27;9999&#x27;"),
        ({"scope": "SECURITY", "security": "NONE"}, "There is no security &#x27;NONE&#x27;"),
        ({"scope": "CONNECTION", "connection": "987654"}, "Select a valid choice"),
        ({"scope": "GALAXY"}, "Select a valid choice"),
    ],
)
def test_a_form_with_a_mistake_says_so_and_stops_nothing(birch: Birch, changes: dict[str, str], sentence: str) -> None:
    answer = browser(birch).post(RAISE, form(**changes))
    assert (answer.status_code, sentence in answer.content.decode(), halts(birch)) == (422, True, [])


def test_the_other_firms_account_number_is_unknown(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        cedar.account.number = "777"
        cedar.account.save()
    answer = browser(birch).post(RAISE, form(scope="ACCOUNT", account="777"))
    assert (answer.status_code, halts(birch)) == (422, [])


def test_one_asks_and_compliance_agrees(birch: Birch) -> None:
    halt = raised(birch)
    asked = browser(birch).post(reverse("halt-ask", args=[halt]), {"why": "Mended"}, follow=True)
    assert "Trading stays stopped" in asked.content.decode()
    agreed = browser(birch, "COMPLIANCE").post(reverse("halt-agree", args=[halt]), follow=True)
    assert ("Lifted." in agreed.content.decode(), halts(birch)[0].lifted_at is not None) == (True, True)


def test_who_asked_is_not_offered_to_agree_and_cannot(birch: Birch) -> None:
    halt, owner = raised(birch), birch.members["OWNER"]
    ask_to_lift(firm_id=birch.firm_id, halt_id=halt, by=owner.email, at=NOW, why="Mended")
    assert reverse("halt-agree", args=[halt]) not in browser(birch, "OWNER").get(PAGE).content.decode()
    assert reverse("halt-agree", args=[halt]) in browser(birch, "COMPLIANCE").get(PAGE).content.decode()
    answer = browser(birch, "OWNER").post(reverse("halt-agree", args=[halt]))
    assert (answer.status_code, "another person has to agree" in answer.content.decode()) == (409, True)


def test_who_may_only_look_is_offered_nothing(birch: Birch) -> None:
    raised(birch)
    page = browser(birch, "READ_ONLY").get(PAGE).content.decode()
    assert ("Odd prices" in page, 'method="post" action="/halts' in page, RAISE in page) == (True, False, False)


def test_the_page_is_one_click_from_the_orders_and_in_the_navigation(birch: Birch) -> None:
    page = browser(birch).get("/orders/").content.decode()
    assert page.count(f'href="{PAGE}"') == 2


def test_the_lines_ask_again_by_themselves(birch: Birch) -> None:
    make_orders(birch)
    part = browser(birch).get(PAGE, headers=HTMX).content.decode()
    assert ("<html" in part, 'hx-trigger="every 5s"' in part, "Schwab" in part) == (False, True, True)


def test_the_queries_are_as_many_for_three_halts_as_for_one(birch: Birch) -> None:
    make_orders(birch)
    client = browser(birch)
    raised(birch)
    client.get(PAGE)
    with counted() as one:
        client.get(PAGE)
    raised(birch)
    raised(birch)
    with counted() as three:
        client.get(PAGE)
    assert one == three
