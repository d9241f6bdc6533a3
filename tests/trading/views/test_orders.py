from __future__ import annotations

import pytest
from django.urls import reverse

from tests.screens import HTMX, browser, counted, make_orders
from tests.worlds import Birch, World
from trading.lifecycle import OrderStatus
from trading.models import Order

ORDERS = "/orders/"


def make_ended(world: World) -> Order:
    orders = make_orders(world)
    Order.objects.for_firm(world.firm_id).update(status=OrderStatus.FILLED)
    return orders[0]


def test_no_orders_yet_says_what_makes_them(birch: Birch) -> None:
    assert "An order is made when a proposal has all the approvals" in browser(birch).get(ORDERS).content.decode()


def test_a_filter_that_finds_nothing_offers_the_way_back(birch: Birch) -> None:
    make_orders(birch)
    page = browser(birch).get(ORDERS, {"q": "NOTHING"}).content.decode()
    assert ("No order matches" in page, f'href="{ORDERS}"' in page) == (True, True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("state=WAITING", True, id="by state"),
        pytest.param("state=FILLED", False, id="another state"),
        pytest.param("q=VTI", True, id="by symbol"),
        pytest.param("q=alder", True, id="by household"),
        pytest.param("proposal=999999999999999999999", True, id="a proposal that is none is left out"),
        pytest.param("after=nonsense", True, id="a place that is none begins at the top"),
    ],
)
def test_a_filter_narrows_the_list(query: str, found: bool, birch: Birch) -> None:
    make_orders(birch)
    symbols = {order["symbol"] for order in browser(birch).get(f"{ORDERS}?{query}").context["orders"]}
    assert ("VTI" in symbols) is found


def test_the_queries_are_as_many_for_all_orders_as_for_one(birch: Birch) -> None:
    client = browser(birch)
    many = make_orders(birch)
    client.get(ORDERS)
    with counted() as one:
        client.get(ORDERS, {"q": many[0].client_order_id})
    with counted() as all_of_them:
        client.get(ORDERS)
    assert (len(many) > 1, all_of_them) == (True, one)


def test_the_list_asks_again_while_orders_are_on_their_way(birch: Birch) -> None:
    make_orders(birch)
    page = browser(birch).get(ORDERS, {"q": "VTI"}, headers=HTMX).content.decode()
    assert (f'hx-get="{ORDERS}?q=VTI"' in page, 'hx-trigger="every 2s"' in page, "<html" in page) == (True, True, False)


def test_the_list_rests_when_every_order_has_ended(birch: Birch) -> None:
    make_ended(birch)
    page = browser(birch).get(ORDERS).content.decode()
    assert ("every 2s" in page, "nothing is on its way" in page) == (False, True)


def test_an_order_tells_its_story(birch: Birch) -> None:
    order = make_orders(birch)[0]
    page = browser(birch).get(reverse("order", args=[order.pk])).content.decode()
    assert [word for word in (order.client_order_id, "Staged", "VTI-2021-03-03-200") if word not in page] == []


def test_an_order_is_cancelled(birch: Birch) -> None:
    order = make_orders(birch)[0]
    answer = browser(birch).post(reverse("order-cancel", args=[order.pk]), follow=True)
    order.refresh_from_db(from_queryset=Order.objects.for_firm(birch.firm_id))
    assert (answer.status_code, order.status, "Cancelling it" in answer.content.decode()) == (200, "CANCELED", True)


def test_an_order_that_has_ended_is_not_cancelled(birch: Birch) -> None:
    order = make_ended(birch)
    answer = browser(birch).post(reverse("order-cancel", args=[order.pk]), headers=HTMX)
    assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (409, True)


def test_those_who_may_not_trade_are_not_offered_to_cancel(birch: Birch) -> None:
    order = make_orders(birch)[0]
    page = browser(birch, "READ_ONLY").get(reverse("order", args=[order.pk])).content.decode()
    assert "Cancel the order" not in page
