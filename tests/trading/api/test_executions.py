"""Fills, corrections and busts: each once, all or none, and the books follow."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.trading.api.conftest import Api, Keys, codes
from tests.trading.api.test_orders import NEW, released
from tests.trading.worlds import cash, held, orders, statuses
from tests.worlds import Birch, Cedar
from trading.models import Execution, Order
from trading.selectors.custodian_api import order_id_of

__all__ = ["NEW", "released"]


@pytest.fixture
def leased(api: Api, released: list[Order]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.post("orders:claim", {}).json()["data"]
    return found


def fill(order: Any, exec_id: str, quantity: str, price: str, **changes: Any) -> dict[str, Any]:
    return {
        "exec_id": exec_id,
        "order_id": order["id"],
        "type": "new",
        "quantity": quantity,
        "price": price,
        "side": "sell",
        "trade_date": "2026-11-20",
        "settle_date": "2026-11-23",
        "executed_at": "2026-11-20T20:00:00Z",
        "fees": [],
        **changes,
    }


def push(api: Api, *told: dict[str, Any]) -> Any:
    return api.post("executions", {"executions": list(told)})


def test_partial_and_full_fills_move_order_lots_and_cash(api: Api, birch: Birch, leased):
    first = push(api, fill(leased[0], "e1", "20", "300"))
    assert (first.status_code, statuses(birch)[0]) == (200, "PARTIALLY_FILLED")
    fees = [{"kind": "SEC", "amount": "0.20"}, {"kind": "TAF", "amount": "0.05"}]
    last = push(api, fill(leased[0], "e2", "35", "301", fees=fees), fill(leased[1], "e3", "10", "74"))
    assert [(one["exec_id"], one["result"]) for one in last.json()["data"]] == [("e2", "created"), ("e3", "created")]
    assert statuses(birch) == ["FILLED", "FILLED"]
    assert held(birch) == {"VTI": Decimal(195), "BND": Decimal(140)}
    assert cash(birch) == (Decimal("2000.00"), Decimal(6000) + Decimal(10535) - Decimal("0.25") + Decimal(740))


def test_an_execution_again_is_unchanged_and_otherwise_a_conflict(api: Api, birch: Birch, leased):
    told = fill(leased[0], "e1", "20", "300")
    push(api, told)
    assert push(api, told).json()["data"] == [{"exec_id": "e1", "order_id": leased[0]["id"], "result": "unchanged"}]
    for change in ({"quantity": "21"}, {"price": "299"}, {"order_id": leased[1]["id"]}, {"settle_date": "2026-11-24"}):
        answer = push(api, fill(leased[1], "e9", "1", "74"), {**told, **change})
        assert (answer.status_code, codes(answer)) == (409, [("/executions/1", "execution_conflict")])
    assert Execution.objects.for_firm(birch.firm_id).count() == 1


def test_a_correction_and_a_bust_take_back_what_was_posted(api: Api, birch: Birch, leased):
    push(api, fill(leased[0], "e1", "55", "300"))
    push(api, fill(leased[0], "e2", "50", "300", type="correct", ref_exec_id="e1"))
    assert (held(birch)["VTI"], statuses(birch)[0]) == (Decimal(200), "PARTIALLY_FILLED")
    bust = fill(leased[0], "e3", "0", "0", type="bust", ref_exec_id="e2")
    del bust["quantity"], bust["price"]
    assert push(api, bust).status_code == 200
    assert (held(birch)["VTI"], cash(birch)) == (Decimal(250), (Decimal("2000.00"), Decimal("0.00")))


def test_a_fill_may_overtake_the_acknowledgement(api: Api, birch: Birch, leased):
    push(api, fill(leased[0], "e1", "20", "300"))
    order = api.get(f"orders/{leased[0]['id']}").json()
    said = {"custodian_order_id": "C1"}
    answer = api.post(f"orders/{order['id']}/ack", said, If_Match=f'"{order["version"]}"')
    assert (answer.status_code, answer.json()["state"], orders(birch)[0].broker_order_id) == (
        200, "partially_filled", "C1"
    )  # fmt: skip
    by_theirs = fill(leased[0], "e2", "35", "300", custodian_order_id="C1")
    del by_theirs["order_id"]
    assert push(api, by_theirs).json()["data"][0]["order_id"] == order["id"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"order_id": "ord_nope"}, [("/executions/1", "unknown_order")], id="unknown order"),
        pytest.param({"side": "buy"}, [("/executions/1/side", "wrong_side")], id="other side"),
        pytest.param(
            {"executed_at": "2026-11-21T20:00:00Z"}, [("/executions/1/executed_at", "future_date")], id="future"
        ),
        pytest.param(
            {"settle_date": "2026-11-19"}, [("/executions/1/settle_date", "settles_before_trade")], id="settles early"
        ),
        pytest.param({"exec_id": "e1"}, [("/executions/1/exec_id", "duplicate")], id="twice in one call"),
        pytest.param({"price": 300}, [("/executions/1/price", "string_type")], id="a number for a decimal"),
        pytest.param({"price": "0"}, [("/executions/1/price", "not_positive")], id="no price"),
        pytest.param({"price": "1e3"}, [("/executions/1/price", "string_pattern_mismatch")], id="exponent"),
        pytest.param({"trade_date": "2026-02-30"}, [("/executions/1/trade_date", "date")], id="no such day"),
        pytest.param(
            {"executed_at": "2026-11-20T20:00:00-05:00"},
            [("/executions/1/executed_at", "string_pattern_mismatch")],
            id="not UTC",
        ),
        pytest.param({"type": "bust"}, [("/executions/1", "value_error")], id="a bust of nothing"),
        pytest.param({"venue": "X"}, [("/executions/1/venue", "extra_forbidden")], id="unknown field"),
    ],
)
def test_one_bad_execution_stops_all(api: Api, birch: Birch, leased, change, expected):
    answer = push(api, fill(leased[0], "e1", "20", "300"), {**fill(leased[0], "e2", "5", "300"), **change})
    assert (answer.status_code, codes(answer)) == (422, expected)
    assert not Execution.objects.for_firm(birch.firm_id).exists()


def test_an_id_of_the_custodian_is_one_orders(api: Api, leased):
    told = [fill(order, f"e{n}", "1", "50", custodian_order_id="C1") for n, order in enumerate(leased)]
    assert codes(push(api, *told)) == [("/executions/1/custodian_order_id", "custodian_order_id_conflict")]


def test_another_custodian_and_another_firm_cannot_fill(birch: Birch, cedar: Cedar, keys: Keys, leased):
    for stranger in (Api(keys.fidelity), Api(keys.schwab_at_both, "cedar")):
        assert codes(push(stranger, fill(leased[0], "e1", "1", "300"))) == [("/executions/0", "unknown_order")]
    assert order_id_of(orders(birch)[0].client_order_id) == leased[0]["id"]
    assert orders(birch)[0].cum_quantity == 0
