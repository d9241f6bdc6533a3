from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.trading.conftest import Market, open_market
from tests.trading.worlds import buy, held, orders, stage, statuses
from tests.worlds import NOW, Cedar
from trading.connections import Line, open_line
from trading.custodians.protocol import Custodian, QueryFailed
from trading.models import BrokerConnection, Execution, InboundEvent
from trading.services import catching_up
from trading.services.catching_up import catch_up, fall_behind, is_behind, look_over
from trading.services.inbox import Tally
from trading.services.orders import cancel_order
from trading.services.outbox import send_due
from trading.services.reconcile import Reconciliation, reconcile

CLEAN = Reconciliation(cash_difference_cents=0, share_differences=0, unapplied_rows=0)


def behind(market: Market) -> None:
    fall_behind(firm_id=market.firm_id, connection_id=market.connection.pk, at=NOW)


def caught_up(market: Market) -> Tally:
    return catch_up(firm_id=market.firm_id, connection_id=market.connection.pk, now=timezone.now())


def until_filled(market: Market) -> None:
    """Catch up until the custodian has filled everything; the stream is never listened to."""
    for _ in range(100):
        caught_up(market)
        if set(statuses(market.world)) == {"FILLED"}:
            return


def sent(market: Market, *trades: dict[str, Any]) -> None:
    stage(market.world, *trades)
    send_due(firm_id=market.firm_id, now=NOW)


def test_nothing_is_submitted_before_it_has_caught_up(market: Market) -> None:
    behind(market)
    stage(market.world, buy("VEA", "20", price="60"))
    assert (send_due(firm_id=market.firm_id, now=NOW), statuses(market.world)) == (0, ["READY"])
    caught_up(market)
    assert send_due(firm_id=market.firm_id, now=NOW) == 1
    row = BrokerConnection.objects.for_firm(market.firm_id).get()
    assert (row.needs_catch_up, row.stream_lost_at, row.caught_up_at is not None) == (False, None, True)


def test_what_the_stream_never_told_is_found(market: Market) -> None:
    sent(market, buy("VEA", "20", price="60"), buy("AGG", "5", price="100"))
    until_filled(market)
    assert held(market.world) == {"VTI": 250, "BND": 150, "VEA": 20, "AGG": 5}
    assert reconcile(firm_id=market.firm_id, now=NOW) == CLEAN


def test_a_fill_that_both_channels_tell_is_booked_once(market: Market) -> None:
    sent(market, buy("VEA", "20", price="60"))
    until_filled(market)
    before = Execution.objects.for_firm(market.firm_id).count()
    market.pull()
    caught_up(market)
    assert (Execution.objects.for_firm(market.firm_id).count(), held(market.world)["VEA"]) == (before, 20)
    assert reconcile(firm_id=market.firm_id, now=NOW) == CLEAN


def test_catching_up_twice_says_nothing_new(market: Market) -> None:
    sent(market, buy("VEA", "20", price="60"))
    until_filled(market)
    events = InboundEvent.objects.for_firm(market.firm_id).count()
    again = caught_up(market)
    assert (again.applied, InboundEvent.objects.for_firm(market.firm_id).count()) == (0, events)


def test_an_order_that_ended_meanwhile_ends_here(market: Market) -> None:
    market.exchange.put("/simulator/prices", {"prices": [{"symbol": "VEA", "bid": "89.99", "ask": "90.01"}]}, "POST")
    sent(market, buy("VEA", "20", price="60"))
    (order,) = orders(market.world)
    cancel_order(firm_id=market.firm_id, order_id=order.pk, by="ann", at=NOW)
    send_due(firm_id=market.firm_id, now=NOW)
    for _ in range(50):
        caught_up(market)
        if statuses(market.world) == ["CANCELED"]:
            break
    assert statuses(market.world) == ["CANCELED"]


def test_the_fills_of_another_firm_that_shares_the_key_are_not_ours(market: Market, cedar: Cedar) -> None:
    with cedar.scope():
        other = open_market(cedar, market.exchange)
        sent(other, buy("AGG", "5", price="100"))
        until_filled(other)
        ref = BrokerConnection.objects.for_firm(cedar.firm_id).get().credentials_ref
    BrokerConnection.objects.for_firm(market.firm_id).update(credentials_ref=ref)
    assert caught_up(market) == Tally()
    assert InboundEvent.objects.for_firm(market.firm_id).count() == 0


def test_a_custodian_that_cannot_be_asked_leaves_the_line_behind(market: Market, settings: Any) -> None:
    behind(market)
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    with pytest.raises(QueryFailed):
        caught_up(market)
    assert is_behind(firm_id=market.firm_id, connection_id=market.connection.pk)


def test_pulling_catches_a_line_up_that_was_left_behind(market: Market) -> None:
    behind(market)
    market.pull()
    assert not is_behind(firm_id=market.firm_id, connection_id=market.connection.pk)


def test_a_line_counts_as_lost_from_when_it_was_first_silent(market: Market) -> None:
    behind(market)
    fall_behind(firm_id=market.firm_id, connection_id=market.connection.pk, at=NOW + timedelta(seconds=9))
    assert BrokerConnection.objects.for_firm(market.firm_id).get().stream_lost_at == NOW


def test_a_line_that_falls_behind_while_it_catches_up_stays_behind(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind(market)

    def silent_again(line: Line) -> Custodian:
        behind(market)
        return open_line(line)

    monkeypatch.setattr(catching_up, "open_line", silent_again)
    caught_up(market)
    assert is_behind(firm_id=market.firm_id, connection_id=market.connection.pk)
    monkeypatch.undo()
    caught_up(market)
    assert not is_behind(firm_id=market.firm_id, connection_id=market.connection.pk)


def test_an_order_that_the_stream_forgot_is_mended_within_the_minute(market: Market) -> None:
    sent(market, buy("AGG", "5", price="100"))
    for _ in range(100):
        look_over(firm_id=market.firm_id, now=timezone.now())
        if set(statuses(market.world)) == {"FILLED"}:
            break
    assert statuses(market.world) == ["FILLED"]
    assert held(market.world)["AGG"] == 5
    assert look_over(firm_id=market.firm_id, now=timezone.now()) == Tally()


def test_a_custodian_that_cannot_be_asked_is_asked_the_next_time(market: Market, settings: Any) -> None:
    sent(market, buy("AGG", "5", price="100"))
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    assert look_over(firm_id=market.firm_id, now=timezone.now()) == Tally()


def test_a_line_that_is_behind_is_left_to_its_catching_up(market: Market) -> None:
    sent(market, buy("AGG", "5", price="100"))
    behind(market)
    assert look_over(firm_id=market.firm_id, now=timezone.now()) == Tally()
