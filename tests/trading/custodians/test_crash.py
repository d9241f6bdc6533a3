"""The simulated custodian is killed as by `kill -9` while orders arrive: what it has answered, it knows afterwards."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from tests.trading.custodians.running import ACCOUNT, Simulator, ended, make_request
from trading.custodians.alpaca import Alpaca
from trading.custodians.alpaca_stream import BrokerStream
from trading.custodians.protocol import Accepted, TradeEvent

CASH = Decimal(100_000)
ROUNDS, ORDERS_A_ROUND = 4, 12


def accepted_until_killed(simulator: Simulator, rounds: int) -> list[str]:
    """The client's ids of the orders that were answered for; the process dies while their fills are under way."""
    ids = []
    for turn in range(rounds):
        with simulator.client() as line:
            for number in range(ORDERS_A_ROUND):
                name = f"TURN-{turn}-{number}"
                outcome = line.submit(make_request(name, quantity=Decimal(2)))
                assert isinstance(outcome, Accepted), outcome
                ids.append(name)
        simulator.restart()
    return ids


def all_events(simulator: Simulator, since_id: str, last_of: set[str]) -> list[TradeEvent]:
    """What the stream tells after the cursor, until each of these orders has filled."""
    waiting, found = set(last_of), []
    with BrokerStream(simulator.connection()) as stream:
        for item in stream.events(since_id=since_id):
            if not isinstance(item, TradeEvent):
                continue
            found.append(item)
            if item.kind == "fill":
                waiting.discard(item.order.client_order_id)
            if not waiting:
                return found
    raise AssertionError("the stream ended")


def test_no_accepted_order_is_forgotten_and_no_fill_is_doubled(mortal_simulator: Simulator) -> None:
    mortal_simulator.set_faults({"kind": "PARTIAL", "rate": 0.5})
    ids = accepted_until_killed(mortal_simulator, ROUNDS)
    with mortal_simulator.client() as line:
        for name in ids:
            order = line.find_by_client_order_id(ACCOUNT, name)
            assert order is not None, name
            assert ended(line, order).filled_quantity == 2
    events = all_events(mortal_simulator, "0" * 26, set(ids))
    fills = [event.execution for event in events if event.execution]
    assert set(Counter(fill.exec_id for fill in fills).values()) == {1}
    assert sum(fill.quantity for fill in fills) == 2 * len(ids) == mortal_simulator.shares("VTI")
    assert CASH - sum(fill.quantity * fill.price for fill in fills) == pytest.approx(
        mortal_simulator.cash(), abs=Decimal("0.01") * len(fills)
    )


def test_events_are_the_same_from_any_cursor_after_a_kill(mortal_simulator: Simulator) -> None:
    ids = accepted_until_killed(mortal_simulator, 1)
    events = all_events(mortal_simulator, "0" * 26, set(ids))
    mortal_simulator.restart()
    for place in (0, len(events) // 2, len(events) - 1):
        rest = events[place:]  # a cursor's own event comes again
        filled = {event.order.client_order_id for event in rest if event.kind == "fill"}
        again = all_events(mortal_simulator, rest[0].event_id, filled)
        assert [event.text for event in again] == [event.text for event in rest]


def test_an_order_sent_again_after_a_kill_is_known(mortal_simulator: Simulator) -> None:
    ids = accepted_until_killed(mortal_simulator, 1)
    with mortal_simulator.client() as line:
        assert _ids_of(line, ids) == [_resent(line, name) for name in ids]
    assert mortal_simulator.shares("VTI") <= 2 * len(ids)


def _ids_of(line: Alpaca, names: list[str]) -> list[str]:
    found = [line.find_by_client_order_id(ACCOUNT, name) for name in names]
    return [order.broker_order_id for order in found if order]


def _resent(line: Alpaca, name: str) -> str:
    outcome = line.submit(make_request(name, quantity=Decimal(2)))
    assert isinstance(outcome, Accepted), outcome
    return outcome.order.broker_order_id
