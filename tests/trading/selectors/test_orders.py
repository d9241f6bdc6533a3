from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.trading.worlds import buy, filled, make_connection, orders, sell, sent, take_in, told
from tests.worlds import Birch, Cedar
from trading.models import Order
from trading.selectors.orders import OrderFilters, OrderPage, open_orders, order_list, order_story
from trading.services.checks import RULES
from trading.services.deliveries import Said

OLD_VTI, NEW_VTI = "VTI-2021-03-03-200", "VTI-2026-03-02-50"


def page(world: Birch, **options: Any) -> OrderPage:
    filters = OrderFilters(**{key: options.pop(key) for key in ("status", "search") if key in options})
    return order_list(world.firm_id, filters=filters, **options)


def four(birch: Birch) -> list[Order]:
    """A filled sale, a refused and a cancelled buy, and one that waits."""
    make_connection(birch)
    sale, *buys = sent(
        birch,
        sell(birch, "VTI", (NEW_VTI, "50"), (OLD_VTI, "10"), price="300"),
        buy("VEA", "1", price="60"),
        buy("AGG", "1", price="100"),
        buy("ITOT", "1", price="130"),
    )
    take_in(sale, filled(sale, "x1", "60", "300.00"))
    Order.objects.for_firm(birch.firm_id).filter(pk__in=[order.pk for order in buys[:2]]).update(status="SUBMITTED")
    take_in(buys[0], told(buys[0], Said.REJECTED, "r", reason="no"))
    take_in(buys[1], told(buys[1], Said.CANCELED, "c"))
    return orders(birch)


def test_the_newest_order_is_first_and_each_state_is_counted(birch: Birch, cedar: Cedar) -> None:
    four(birch)
    found = page(birch)
    assert [order["symbol"] for order in found.orders] == ["ITOT", "AGG", "VEA", "VTI"]
    assert {state["key"]: state["count"] for state in found.states} == {
        "WAITING": 1, "OPEN": 0, "FILLED": 1, "ENDED": 1, "STOPPED": 1, "REVIEW": 0,
    }  # fmt: skip
    assert (found.total, open_orders(birch.firm_id)) == (4, 1)
    with cedar.scope():
        assert (page(cedar).orders, open_orders(cedar.firm_id)) == ([], 0)


@pytest.mark.parametrize(
    ("options", "symbols"),
    [
        ({"status": "FILLED"}, ["VTI"]),
        ({"status": "STOPPED"}, ["VEA"]),
        ({"status": "CANCELED"}, ["AGG"]),
        ({"status": "NONSENSE"}, ["ITOT", "AGG", "VEA", "VTI"]),
        ({"search": "vea"}, ["VEA"]),
        ({"search": "alder"}, ["ITOT", "AGG", "VEA", "VTI"]),
        ({"search": "nobody"}, []),
    ],
)
def test_orders_are_found_by_state_and_text(birch: Birch, options: dict[str, str], symbols: list[str]) -> None:
    four(birch)
    assert [order["symbol"] for order in page(birch, **options).orders] == symbols


def test_pages_follow_each_other_without_gap_or_repeat(birch: Birch) -> None:
    four(birch)
    seen, cursor = [], None
    for _ in range(4):
        found = page(birch, limit=1, after=cursor)
        seen += [order["symbol"] for order in found.orders]
        cursor = found.next_cursor
    assert (seen, cursor) == (["ITOT", "AGG", "VEA", "VTI"], None)


def test_a_cursor_that_is_none_begins_at_the_top(birch: Birch) -> None:
    four(birch)
    assert len(page(birch, after="rubbish").orders) == 4


def test_the_blotter_asks_as_often_for_one_order_as_for_four(birch: Birch) -> None:
    four(birch)
    counts = []
    for limit in (1, 4):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(birch, limit=limit)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 6


def test_a_story_tells_every_move_with_its_cause_latest_first(birch: Birch) -> None:
    found = order_story(birch.firm_id, four(birch)[0].pk)
    assert found is not None
    moves = [(event["to_label"], event["cause"]) for event in found["order"]["events"]]
    assert moves == [
        ("Filled", "Custodian"),
        ("Sending", "Rebalancer"),
        ("Ready to send", "Rebalancer"),
        ("Staged", "Rebalancer"),
    ]
    assert found["order"]["amount"] == Decimal("18000.00")
    assert [(row["execution_id"], row["quantity"]) for row in found["executions"]] == [("x1", 60)]
    assert [(row["lot_id"], row["quantity"], row["gain"], row["term"]) for row in found["lots"]] == [
        (NEW_VTI, 50, -1000, "SHORT"),
        (OLD_VTI, 10, 1000, "LONG"),
    ]
    assert (len(found["checks"]), found["live"]) == (len(RULES), False)


def test_another_firms_order_has_no_story(birch: Birch, cedar: Cedar) -> None:
    order, *_ = four(birch)
    with cedar.scope():
        assert order_story(cedar.firm_id, order.pk) is None
