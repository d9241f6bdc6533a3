"""Asking a custodian at once what came of an order."""

from __future__ import annotations

from datetime import timedelta

from accounts.models import AuditEvent
from tests.screens import browser
from tests.trading.worlds import buy, claim_all, make_connection, orders, stage
from tests.worlds import NOW, Birch, Cedar
from trading.models import Order, OrderCommand
from trading.services.outbox import LEASE
from trading.services.outcomes import resolve_expired


def lost(birch: Birch) -> Order:
    """An order whose sender died."""
    make_connection(birch)
    stage(birch, buy("VEA", "25", price="60"))
    claim_all(birch)
    resolve_expired(firm_id=birch.firm_id, now=NOW + LEASE + timedelta(seconds=1))
    (order,) = orders(birch)
    assert order.status == "UNKNOWN"
    return order


def test_a_person_asks_at_once_and_nothing_is_sent_again(birch: Birch) -> None:
    order = lost(birch)
    client = browser(birch)
    assert "Ask the custodian now" in client.get(f"/orders/{order.pk}/").content.decode()
    assert client.post(f"/orders/{order.pk}/ask/").status_code == 302
    rows = OrderCommand.objects.for_firm(birch.firm_id)
    assert [row.kind for row in rows.filter(status="READY")] == ["QUERY"]
    assert AuditEvent.objects.for_firm(birch.firm_id).filter(action="ORDER_ASKED_FOR").count() == 1


def test_a_question_that_is_on_its_way_stays_as_it_is(birch: Birch) -> None:
    order = lost(birch)
    rows = OrderCommand.objects.for_firm(birch.firm_id).filter(kind="QUERY")
    rows.update(status="LEASED", attempts=3)
    browser(birch).post(f"/orders/{order.pk}/ask/")
    assert list(rows.values_list("status", "attempts")) == [("LEASED", 3)]


def test_what_is_known_is_not_asked_for(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "25", price="60"))
    answer = browser(birch).post(f"/orders/{order.pk}/ask/")
    assert answer.status_code == 409
    assert "It is known by now" in answer.content.decode()
    assert browser(cedar).post(f"/orders/{order.pk}/ask/").status_code == 404
