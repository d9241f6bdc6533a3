from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.trading.conftest import Market
from tests.trading.worlds import buy, make_connection, orders, sent, stage, statuses
from tests.worlds import NOW, Birch
from trading import budgets
from trading.models import OrderCommand
from trading.services.orders import cancel_order
from trading.services.outbox import claim, send_due
from trading.services.pacing import budgets_left
from trading.services.waves import release_waves

PRICES = {"VEA": "60", "AGG": "100", "ITOT": "130", "BND": "74", "VTI": "300"}


def ready(birch: Birch, *, requests_a_minute: int) -> None:
    make_connection(
        birch,
        credentials_ref=uuid.uuid4().hex,
        capabilities={"always_open": True, "requests_a_minute": requests_a_minute},
    )
    stage(birch, *[buy(symbol, "1", price=price) for symbol, price in PRICES.items()])
    release_waves(firm_id=birch.firm_id, now=NOW)


def claimed(birch: Birch) -> list[str]:
    return [one.kind for one in claim(firm_id=birch.firm_id, worker="w", now=NOW)]


def test_who_finds_no_token_leaves_the_command_ready_for_later(birch: Birch) -> None:
    ready(birch, requests_a_minute=15)
    assert claimed(birch) == ["SUBMIT"] * 3
    left = OrderCommand.objects.for_firm(birch.firm_id).filter(status="READY")
    assert {(row.outcome, row.not_before > NOW + timedelta(seconds=1)) for row in left} == {
        ("waits: the budget of requests is used up", True)
    }
    assert (statuses(birch), claimed(birch)) == (["SUBMITTING"] * 3 + ["READY"] * 2, [])


def test_a_cancel_finds_a_token_when_no_submit_does(birch: Birch) -> None:
    ready(birch, requests_a_minute=25)
    assert claimed(birch) == ["SUBMIT"] * 4
    first = orders(birch)[0]
    type(first).objects.for_firm(birch.firm_id).filter(pk=first.pk).update(status="WORKING")
    cancel_order(firm_id=birch.firm_id, order_id=first.pk, by="ann", at=NOW)
    assert claimed(birch) == ["CANCEL"]


def test_a_line_without_a_number_is_not_held_up(birch: Birch) -> None:
    make_connection(birch)
    assert {order.status for order in sent(birch, *[buy(s, "1", price=p) for s, p in PRICES.items()])} == {"SUBMITTING"}


def test_the_custodians_own_count_is_heeded(market: Market) -> None:
    stage(market.world, buy("VEA", "1", price="60"))
    assert send_due(firm_id=market.firm_id, now=NOW) == 1
    (left,) = budgets_left(firm_id=market.firm_id).values()
    assert left.a_minute == 100_000


def test_without_valkey_a_few_orders_leave(birch: Birch, settings: Any, tmp_path: Any) -> None:
    ready(birch, requests_a_minute=1000)
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    try:
        found = claimed(birch)
    finally:
        budgets._away.until = 0.0
    assert len(found) == min(len(PRICES), budgets.ALONE_A_MINUTE)


def test_a_batch_costs_one_call_to_the_counter(birch: Birch, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(birch, requests_a_minute=6000)
    calls: list[str] = []
    run = budgets._run

    def counted(text: str, keys: list[str], words: list[int]) -> list[int] | None:
        calls.append(text)
        return run(text, keys, words)

    monkeypatch.setattr(budgets, "_run", counted)
    assert (claimed(birch), len(calls)) == (["SUBMIT"] * 5, 1)
