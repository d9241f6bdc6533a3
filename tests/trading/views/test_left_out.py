from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from tests.screens import browser, make_proposal
from tests.trading.worlds import make_connection, set_execution
from tests.worlds import NOW, Birch, Cedar
from trading.models import Order, Proposal
from trading.services.orders import stage_orders
from trading.services.waves import release_waves


def test_what_was_approved_and_not_ordered_stands_on_the_proposals_page(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    proposal = make_proposal(birch)
    stage_orders(firm_id=birch.firm_id, proposal=proposal, approved_by="ann@example.com", at=NOW)
    Proposal.objects.for_firm(birch.firm_id).update(status="APPROVED")
    later = NOW + timedelta(days=30)
    Order.objects.for_firm(birch.firm_id).update(status="HELD")
    release_waves(firm_id=birch.firm_id, now=later)
    url = reverse("proposal", args=[proposal.pk])
    page = browser(birch).get(url).content.decode()
    assert "Approved and not ordered" in page
    assert page.count("Not sent: it was held until its approval of Friday, 20 November was older than 120 hours.") == (
        Order.objects.for_firm(birch.firm_id).filter(status="EXPIRED").count()
    )
    with cedar.scope():
        assert browser(cedar).get(url).status_code == 404


def test_the_cost_of_waiting_for_settlement_stands_in_the_estimate(birch: Birch) -> None:
    url = reverse("proposal", args=[make_proposal(birch).pk])
    assert "Buys wait for settled proceeds" not in browser(birch).get(url).content.decode()
    set_execution(birch, settlement='"NEXT_SESSION"', idle_cash_rate="0.04")
    page = browser(birch).get(url).content.decode()
    assert ("Buys wait for settled proceeds" in page, "idle at 4.00% a year cost about $" in page) == (True, True)
