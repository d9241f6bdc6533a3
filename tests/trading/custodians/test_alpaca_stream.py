"""The event streams against the real simulator: nothing is lost, and a loss is never silent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.trading.custodians.running import ACCOUNT, Simulator, ended, placed
from trading.custodians.alpaca import Alpaca, Flavour
from trading.custodians.alpaca_stream import BrokerStream, TradingStream, read_event_stream, rewound
from trading.custodians.protocol import Heartbeat, Side, StreamEnded, StreamLostData, StreamRefused, TradeEvent


def until_filled(items: Iterable[TradeEvent | Heartbeat], *client_order_ids: str) -> list[TradeEvent]:
    """The events up to the fill of the last of these orders."""
    events, missing = [], set(client_order_ids)
    for item in items:
        if isinstance(item, TradeEvent):
            events.append(item)
            if item.kind == "fill":
                missing.discard(item.order.client_order_id)
        if not missing:
            return events
    raise AssertionError("the stream ended")


def today():
    return datetime.now(UTC).date()


def test_an_order_s_events_tell_its_story_in_order(simulator: Simulator, line: Alpaca):
    order = placed(line, "STORY", symbol="BND", side=Side.SELL, quantity=Decimal(900))
    with BrokerStream(simulator.connection()) as stream:
        events = until_filled(stream.events(since=today()), "STORY")
    story = [event for event in events if event.order.broker_order_id == order.broker_order_id]
    kinds = [event.kind for event in story]
    assert kinds == ["new", *["partial_fill"] * (len(kinds) - 2), "fill"]
    executions = [event.execution for event in story if event.execution]
    assert sum(execution.quantity for execution in executions) == 900
    assert story[-1].order.filled_quantity == 900
    since = datetime.now(UTC) - timedelta(minutes=1)
    fills = [fill for fill in line.fills(since) if fill.broker_order_id == order.broker_order_id]
    assert [fill.exec_id for fill in fills] == [execution.exec_id for execution in executions]


def test_replay_from_a_cursor_loses_nothing_after_the_custodian_was_killed(mortal_simulator: Simulator):
    ids = [f"KILLED-{n}" for n in range(40)]
    with mortal_simulator.client() as line, BrokerStream(mortal_simulator.connection()) as stream:
        for one in ids[:20]:
            placed(line, one, quantity=Decimal(2))
        seen = until_filled(stream.events(since=today()), ids[5])
        for one in ids[20:]:
            placed(line, one, quantity=Decimal(2))
        mortal_simulator.restart()
        again = until_filled(stream.events(since_id=seen[-1].event_id), *set(ids) - _filled(seen))
    assert again[0].event_id == seen[-1].event_id
    events = seen + again[1:]
    assert [event.event_id for event in events] == sorted({event.event_id for event in events})
    assert _filled(events) == set(ids)
    executed = {event.execution.exec_id: event.execution.quantity for event in events if event.execution}
    assert sum(executed.values()) == 80 == mortal_simulator.shares("VTI")
    assert mortal_simulator.admin("GET", "state")["orders_by_status"] == {"filled": 40}


def _filled(events: list[TradeEvent]) -> set[str]:
    return {event.order.client_order_id for event in events if event.kind == "fill"}


def test_a_key_hears_nothing_of_another_key_s_accounts(simulator: Simulator, line: Alpaca):
    ended(line, placed(line, "MINE"))
    other = simulator.connection(key_id="OTHER", secret="other-secret", silence_timeout=0.5)
    with BrokerStream(other) as stream, pytest.raises(StreamEnded):
        assert [item for item in stream.events(since=today()) if isinstance(item, TradeEvent)] == []


def test_a_broken_stream_says_so_and_goes_on_from_the_cursor(simulator: Simulator, line: Alpaca):
    ended(line, placed(line, "FIRST"))
    with BrokerStream(simulator.connection()) as stream:
        cursor = until_filled(stream.events(since=today()), "FIRST")[-1].event_id
        simulator.set_faults({"kind": "DROP_STREAM", "symbol": "BND", "times": 1})
        placed(line, "SECOND", symbol="BND", side=Side.SELL, quantity=Decimal(1))
        with pytest.raises(StreamEnded):
            until_filled(stream.events(since_id=cursor), "SECOND")
        assert until_filled(stream.events(since_id=cursor), "SECOND")[-1].kind == "fill"


def test_an_event_sent_twice_carries_the_same_id(simulator: Simulator, line: Alpaca):
    simulator.set_faults({"kind": "DUPLICATE_EVENTS"})
    with BrokerStream(simulator.connection()) as stream:
        order = placed(line, "DOUBLE", quantity=Decimal(1))
        ended(line, order)
        events = until_filled(stream.events(since=today()), "DOUBLE")
    own = [event.event_id for event in events if event.order.client_order_id == "DOUBLE"]
    assert len(own) == 3  # the reading stopped at the first copy of the fill
    assert len(set(own)) == 2


def test_a_comment_about_dropped_messages_is_raised_and_the_replay_has_them(simulator: Simulator, line: Alpaca):
    simulator.set_faults({"kind": "LOSE_EVENTS", "times": 1})
    with BrokerStream(simulator.connection()) as stream:
        items = stream.events()
        assert next(items) == Heartbeat()
        placed(line, "UNHEARD", quantity=Decimal(1))
        with pytest.raises(StreamLostData):
            until_filled(items, "UNHEARD")
        assert "UNHEARD" in _filled(until_filled(stream.events(since=today()), "UNHEARD"))


def test_a_rejection_by_the_market_comes_as_an_event(simulator: Simulator, line: Alpaca):
    simulator.set_faults({"kind": "REJECT", "symbol": "VTI"})
    order = placed(line, "REJECTED")
    assert ended(line, order, status="rejected").filled_quantity == 0
    with BrokerStream(simulator.connection()) as stream:
        kinds = []
        for item in stream.events(since=today()):
            if isinstance(item, TradeEvent) and item.order.broker_order_id == order.broker_order_id:
                kinds.append(item.kind)
                break
    assert kinds == ["rejected"]


@pytest.mark.parametrize("secret", ["operator-secret", "guess"], ids=["known", "unknown"])
def test_the_websocket_tells_one_account_s_story_to_who_may_hear_it(simulator: Simulator, line: Alpaca, secret: str):
    with TradingStream(simulator.connection(Flavour.TRADING, secret=secret), ACCOUNT) as stream:
        items = stream.events()
        if secret == "guess":
            with pytest.raises(StreamRefused):
                list(items)
            return
        assert [next(items), next(items)] == [Heartbeat(), Heartbeat()]
        placed(line, f"SOCKET-{secret}", quantity=Decimal(1))
        assert [event.kind for event in until_filled(items, f"SOCKET-{secret}")] == ["new", "fill"]


def test_wrong_credentials_open_no_stream(simulator: Simulator):
    with BrokerStream(simulator.connection(secret="guess")) as stream, pytest.raises(StreamRefused):
        next(stream.events())


def test_a_custodian_that_is_asked_to_stop_ends_its_streams_and_goes(mortal_simulator: Simulator):
    with BrokerStream(mortal_simulator.connection()) as stream:
        items = stream.events()
        assert next(items) == Heartbeat()
        assert mortal_simulator.process
        mortal_simulator.process.terminate()
        with pytest.raises(StreamEnded):
            list(items)
        mortal_simulator.process.wait(timeout=5)


def test_a_custodian_that_is_not_there_ends_the_stream(mortal_simulator: Simulator):
    mortal_simulator.kill()
    with BrokerStream(mortal_simulator.connection()) as stream, pytest.raises(StreamEnded):
        next(stream.events())


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        pytest.param([": you are reading too slowly, dropped 10000 messages"], StreamLostData, id="too slow"),
        pytest.param([": internal server error"], StreamLostData, id="their error"),
        pytest.param(["data: {", ""], StreamEnded, id="half a message"),
        pytest.param(['data: {"event":"fill"}', ""], StreamEnded, id="an event without an order"),
    ],
)
def test_what_cannot_be_trusted_is_raised(lines, error):
    with pytest.raises(error):
        list(read_event_stream(lines))


def test_a_cursor_goes_back_in_time():
    assert rewound("01G112NTT0XAXKDZK3AABK68TH", timedelta(milliseconds=32)) == "01G112NTS0" + "0" * 16
    assert rewound("0000000001XAXKDZK3AABK68TH", timedelta(days=1)) == "0" * 26
