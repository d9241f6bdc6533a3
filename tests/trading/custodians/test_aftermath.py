"""What goes wrong after an order was accepted, in a real process: events, books and orders agree about it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from tests.trading.custodians.running import ACCOUNT, OTHER_ACCOUNT, Simulator, ended, placed
from trading.custodians.alpaca import Alpaca
from trading.custodians.alpaca_stream import BrokerStream
from trading.custodians.protocol import CancelRequested, QueryFailed, Side, TradeEvent

CASH = Decimal(100_000)


def told(simulator: Simulator, client_order_id: str, last: str) -> list[TradeEvent]:
    """The events of an order, up to the first of a kind."""
    found = []
    with BrokerStream(simulator.connection()) as stream:
        for item in stream.events(since_id="0" * 26):
            if isinstance(item, TradeEvent) and item.order.client_order_id == client_order_id:
                found.append(item)
                if item.kind == last:
                    return found
    raise AssertionError("the stream ended")


def kinds(events: list[TradeEvent]) -> list[str]:
    return [event.kind for event in events]


def test_a_bust_takes_shares_and_cash_back_and_ends_the_order(simulator: Simulator, line: Alpaca) -> None:
    simulator.set_faults({"kind": "BUST", "seconds": 0.05})
    placed(line, "BUSTED", quantity=Decimal(2))
    events = told(simulator, "BUSTED", "canceled")
    assert kinds(events) == ["new", "fill", "trade_bust", "canceled"]
    fill, bust = events[1].execution, events[2].execution
    assert fill is not None
    assert bust is not None
    assert (bust.previous_exec_id, bust.quantity, bust.price) == (fill.exec_id, -2, fill.price)
    assert bust.exec_id != fill.exec_id
    assert events[3].order.filled_quantity == 0
    assert (simulator.cash(), simulator.shares("VTI")) == (CASH, 0)


def test_a_bust_of_a_sale_gives_the_shares_back(simulator: Simulator, line: Alpaca) -> None:
    simulator.set_faults({"kind": "BUST", "seconds": 0.05})
    placed(line, "SOLD", symbol="BND", side=Side.SELL, quantity=Decimal(5))
    told(simulator, "SOLD", "canceled")
    assert (simulator.cash(), simulator.shares("BND")) == (CASH, 1000)


def test_a_correction_takes_the_place_of_the_fill_in_events_and_books(simulator: Simulator, line: Alpaca) -> None:
    simulator.set_faults({"kind": "CORRECT", "seconds": 0.05})
    placed(line, "RIGHTED", quantity=Decimal(1))
    events = told(simulator, "RIGHTED", "trade_correct")
    fill, right = events[1].execution, events[-1].execution
    assert fill is not None
    assert right is not None
    assert (right.previous_exec_id, right.quantity) == (fill.exec_id, 1)
    assert right.price == fill.price + Decimal("0.01")
    assert simulator.cash() == CASH - right.price
    assert events[-1].order.average_price == right.price


def test_some_corrections_are_about_shares_and_the_rest_is_not_sent_again(simulator: Simulator, line: Alpaca) -> None:
    simulator.set_faults({"kind": "CORRECT", "seconds": 0.01})
    for number in range(20):
        placed(line, f"FEWER-{number}", quantity=Decimal(3))
    last = [told(simulator, f"FEWER-{number}", "trade_correct")[-1] for number in range(20)]
    shares = [event.execution.quantity for event in last if event.execution]
    assert {2, 3} == set(shares)
    assert simulator.shares("VTI") == sum(shares)
    fewer = next(event.order for event, quantity in zip(last, shares, strict=True) if quantity == 2)
    assert ended(line, fewer, status="canceled").filled_quantity == 2


@pytest.mark.parametrize(
    ("kind", "story", "filled"),
    [
        ("EXPIRE", ["new", "expired"], 0),
        ("LATE_FILL", ["new", "canceled", "fill"], 4),
        ("OVERFILL", ["new", "fill"], 5),
        ("PARTIAL", ["new", *["partial_fill"] * 3, "fill"], 4),
    ],
)
def test_an_order_ends_as_its_fate_has_it(
    simulator: Simulator, line: Alpaca, kind: str, story: list[str], filled: int
) -> None:
    simulator.set_faults({"kind": kind})
    placed(line, kind, quantity=Decimal(4))
    events = told(simulator, kind, story[-1])
    assert (events[-1].order.filled_quantity, simulator.shares("VTI")) == (filled, filled)
    if kind == "PARTIAL":
        assert len(kinds(events)) > 2
    else:
        assert kinds(events) == story


def test_a_fill_may_outrun_a_cancel_that_was_taken(simulator: Simulator, line: Alpaca) -> None:
    simulator.set_faults({"kind": "CANCEL_RACE"})
    order = placed(line, "RACE", quantity=Decimal(4), limit_price=Decimal("250.00"))
    ended(line, order, status="new")
    assert isinstance(line.cancel(ACCOUNT, order.broker_order_id), CancelRequested)
    assert kinds(told(simulator, "RACE", "order_cancel_rejected")) == ["new", "fill", "order_cancel_rejected"]
    assert simulator.shares("VTI") == 4


def test_events_may_come_out_of_order_and_none_is_missing(mortal_simulator: Simulator) -> None:
    with mortal_simulator.client() as line:
        ended(line, placed(line, "SHUFFLED", symbol="BND", side=Side.SELL, quantity=Decimal(900)))
    straight = kinds(told(mortal_simulator, "SHUFFLED", "fill"))
    mortal_simulator.set_faults({"kind": "REORDER_EVENTS"})
    assert kinds(told(mortal_simulator, "SHUFFLED", "new")) == [*straight[1:], "new"]


def test_positions_may_be_those_of_an_earlier_look(simulator: Simulator, line: Alpaca) -> None:
    before = line.positions(ACCOUNT)
    ended(line, placed(line, "UNSEEN", quantity=Decimal(1)))
    simulator.set_faults({"kind": "STALE_POSITIONS", "times": 1})
    assert line.positions(ACCOUNT) == before
    assert {row.symbol for row in line.positions(ACCOUNT)} == {"BND", "VTI"}


def test_an_outage_answers_nothing_and_ends(simulator: Simulator) -> None:
    simulator.set_faults({"kind": "OUTAGE", "times": 1, "seconds": 0.3})
    with Alpaca(simulator.connection(key_id="OTHER", secret="other-secret")) as client:
        with pytest.raises(QueryFailed):
            client.positions(OTHER_ACCOUNT)
        assert simulator.admin("GET", "health")["status"] == "ok"
        time.sleep(0.4)
        assert client.positions(OTHER_ACCOUNT) == []


def test_what_is_due_befalls_although_the_process_was_killed(mortal_simulator: Simulator) -> None:
    mortal_simulator.set_faults({"kind": "BUST", "seconds": 1.0})
    with mortal_simulator.client() as line:
        ended(line, placed(line, "DOOMED", quantity=Decimal(2)))
    mortal_simulator.restart()
    events = told(mortal_simulator, "DOOMED", "canceled")
    assert kinds(events) == ["new", "fill", "trade_bust", "canceled"]
    assert (mortal_simulator.cash(), mortal_simulator.shares("VTI")) == (CASH, 0)


@pytest.mark.parametrize("seconds", [90.0, -90.0], ids=["ahead", "behind"])
def test_its_clock_may_be_wrong_in_what_it_tells(simulator: Simulator, line: Alpaca, seconds: float) -> None:
    simulator.set_faults({"kind": "CLOCK_SKEW", "seconds": seconds})
    off = (line.clock().at - datetime.now(UTC)).total_seconds()
    assert off == pytest.approx(seconds, abs=20)
    name = f"SKEWED-{seconds}"
    placed(line, name, quantity=Decimal(1))
    fill = told(simulator, name, "fill")[-1]
    assert (fill.occurred_at - datetime.now(UTC)).total_seconds() == pytest.approx(seconds, abs=20)


def test_orders_are_listed_from_the_cursor_of_an_order(simulator: Simulator, line: Alpaca) -> None:
    ids = [placed(line, f"LISTED-{n}", limit_price=Decimal("250.00")).broker_order_id for n in range(3)]

    def listed(**query: str) -> httpx.Response:
        path = f"{simulator.url}/v1/trading/accounts/{ACCOUNT}/orders"
        return httpx.get(path, params=query, headers=simulator.connection().headers, trust_env=False)

    assert [one["id"] for one in listed(after_order_id=ids[0]).json()] == [ids[2], ids[1]]
    assert [one["id"] for one in listed(before_order_id=ids[2], direction="desc", limit="1").json()] == [ids[1]]
    assert listed(before_order_id=ids[2], until="2100-01-01").status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert listed(after_order_id="nobody").status_code == httpx.codes.UNPROCESSABLE_ENTITY
