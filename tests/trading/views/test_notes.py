from __future__ import annotations

import pytest
from django.urls import reverse

from tests.screens import browser
from tests.trading.services.test_checks import found, staged_buy
from tests.trading.worlds import set_guards, statuses
from tests.worlds import NOW, Birch
from trading.models import Order
from trading.services.waves import release_waves


@pytest.fixture
def held(birch: Birch) -> Order:
    set_guards(birch, order_note_amount="100")
    order = staged_buy(birch)
    release_waves(firm_id=birch.firm_id, now=NOW)
    return order


def test_the_note_is_written_on_the_orders_page(birch: Birch, held: Order) -> None:
    client, address = browser(birch), reverse("order-note", args=[held.pk])
    assert address in client.get(reverse("order", args=[held.pk])).content.decode()
    form = {"check": found(birch, "LARGE_ORDER").pk, "note": "Asked by telephone"}
    page = client.post(address, form, follow=True).content.decode()
    assert ("Noted." in page, address in page) == (True, False)
    release_waves(firm_id=birch.firm_id, now=NOW)
    assert statuses(birch) == ["READY"]


@pytest.mark.parametrize(
    ("note", "sentence"), [("", "Say why the order may go"), ("Why not", "This finding waits for no note")]
)
def test_what_is_wrong_with_a_note_is_said(birch: Birch, held: Order, note: str, sentence: str) -> None:
    check = found(birch, "LARGE_ORDER" if not note else "ACCOUNT_OPEN").pk
    form = {"check": check, "note": note}
    page = browser(birch).post(reverse("order-note", args=[held.pk]), form, follow=True)
    assert sentence in page.content.decode()


def test_who_may_only_look_reads_what_it_waits_for(birch: Birch, held: Order) -> None:
    page = browser(birch, "READ_ONLY").get(reverse("order", args=[held.pk])).content.decode()
    assert ("Somebody who may approve" in page, reverse("order-note", args=[held.pk]) in page) == (True, False)
