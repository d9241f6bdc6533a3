"""What a drill counts beside the custodian's record: each breach is seen when it is there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trading.worlds import filled, make_connection, orders, sell, sent, take_in, told
from tests.worlds import Birch
from trading.drills.findings import at_rest, befallen, beside, rules
from trading.models import Order
from trading.services.deliveries import Said

OLD_VTI = "VTI-2021-03-03-200"


@pytest.fixture
def order(birch: Birch) -> Order:
    """A sale of 60, filled in two parts."""
    make_connection(birch)
    sale = sent(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"))[0]
    take_in(sale, told(sale, Said.WORKING, "new"))
    take_in(sale, filled(sale, "x1", "40", "299.99", seconds=1), filled(sale, "x2", "20", "300.05", seconds=2))
    return orders(birch)[0]


def record_of(order: Order, **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """The custodian's record of that order, but for the changes."""
    row = {
        "id": "B1",
        "client_order_id": order.client_order_id,
        "number": "1001",
        "status": "filled",
        "filled_quantity": "60",
        "is_open": 0,
    }
    executions = [
        {"id": name, "kind": "fill", "is_live": 1, "quantity": quantity, "price": price}
        for name, quantity, price in (("x1", "40", "299.99"), ("x2", "20", "300.05"))
    ]
    return {"orders": [row | changes], "executions": executions, "due": []}


def counted(order: Order, record: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    found = beside([order.firm_id], record)
    return {name: count for name in found.__slots__ if (count := getattr(found, name))}


def test_two_records_that_agree_have_no_breach_and_are_at_rest(order: Order) -> None:
    record = record_of(order)
    assert counted(order, record) == {}
    assert at_rest([order.firm_id], record)
    assert not any(rules([order.firm_id]).values())
    assert befallen([order.firm_id], record)["busted"] == 0


def test_an_order_that_the_custodian_has_twice_or_that_is_nobodys_is_a_duplicate(order: Order) -> None:
    record = record_of(order)
    record["orders"] += record_of(order)["orders"]
    assert counted(order, record) == {"duplicates": 1}
    assert counted(order, record_of(order, client_order_id="RB-STRANGER")) == {"duplicates": 1, "lost": 1}


def test_an_order_that_left_and_is_not_there_is_lost(order: Order) -> None:
    record = record_of(order)
    record["orders"] = []
    assert counted(order, record) == {"lost": 1}


@pytest.mark.parametrize("changes", [{"filled_quantity": "59"}, {"is_open": 1}])
def test_an_order_that_stands_otherwise_there_differs_and_is_not_at_rest(order: Order, changes: dict[str, Any]) -> None:
    assert counted(order, record_of(order, **changes)) == {"differing": 1}
    assert not at_rest([order.firm_id], record_of(order, **changes))


@pytest.mark.parametrize(
    "changes", [{"id": "x9"}, {"price": "300.00"}, {"quantity": "39"}, {"is_live": 0}], ids=lambda one: next(iter(one))
)
def test_an_execution_with_other_figures_is_missing(order: Order, changes: dict[str, Any]) -> None:
    record = record_of(order)
    record["executions"][0].update(changes)
    assert counted(order, record)["executions_missing"] == 1
    assert not at_rest([order.firm_id], record)


def test_an_execution_that_the_custodian_never_told_is_invented(order: Order) -> None:
    record = record_of(order)
    record["executions"].pop()
    assert counted(order, record) == {"executions_invented": 1}


def test_what_is_still_due_is_not_at_rest(order: Order) -> None:
    assert not at_rest([order.firm_id], record_of(order) | {"due": [{"act": "BUST", "subject": "x1", "due_ns": 1}]})
