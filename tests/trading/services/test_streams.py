from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from tests.trading.conftest import Market
from tests.trading.worlds import buy, held, make_connection, stage, statuses
from tests.worlds import NOW, Birch, Cedar
from trading.custodians.protocol import StreamEnded
from trading.models import BrokerConnection, InboundEvent
from trading.services import streams
from trading.services.outbox import send_due
from trading.services.reconcile import Reconciliation, reconcile
from trading.services.streams import NoSuchConnection, listen, pull_events

ROOT = Path(__file__).parents[3]
CLEAN = Reconciliation(cash_difference_cents=0, share_differences=0, unapplied_rows=0)


def cursor_of(market: Market) -> str:
    return BrokerConnection.objects.for_firm(market.firm_id).get(pk=market.connection.pk).cursor


def test_the_cursor_stands_at_the_last_event_taken_in(market: Market) -> None:
    stage(market.world, buy("VEA", "20", price="60"))
    market.trade(NOW)
    events = InboundEvent.objects.for_firm(market.firm_id).filter(channel="STREAM")
    assert cursor_of(market) == max(events.values_list("source_event_id", flat=True))


def test_a_second_pull_takes_nothing_in_again(market: Market) -> None:
    stage(market.world, buy("VEA", "20", price="60"))
    market.trade(NOW)
    before = InboundEvent.objects.for_firm(market.firm_id).count()
    again = market.pull()
    assert (again.applied, again.duplicate > 0) == (0, True)
    assert InboundEvent.objects.for_firm(market.firm_id).count() == before


@pytest.mark.parametrize("fault", ["DUPLICATE_EVENTS", "DROP_STREAM"])
def test_a_bad_stream_loses_and_doubles_nothing(market: Market, fault: str) -> None:
    market.exchange.put("/simulator/faults", [{"kind": fault, "symbol": "VEA", "times": 2}])
    stage(market.world, buy("VEA", "20", price="60"))
    market.trade(NOW)
    assert (statuses(market.world), held(market.world)["VEA"]) == (["FILLED"], 20)
    assert reconcile(firm_id=market.firm_id, now=NOW) == CLEAN


def test_a_custodian_that_cannot_be_reached_is_no_empty_stream(market: Market, settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    with pytest.raises(StreamEnded):
        market.pull()


def test_another_firms_connection_cannot_be_pulled(birch: Birch, cedar: Cedar) -> None:
    line = make_connection(birch)
    with pytest.raises(NoSuchConnection):
        pull_events(firm_id=cedar.firm_id, connection_id=line.pk, now=NOW)


def test_a_listener_connects_again_and_stops_when_told(
    market: Market, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """It meets a dead address first; the right one is given while it waits."""
    stage(market.world, buy("VEA", "20", price="60"))
    send_due(firm_id=market.firm_id, now=NOW)
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    stop, pauses = threading.Event(), []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        settings.SIMULATOR_URL = market.exchange.url
        return False

    monkeypatch.setattr(stop, "wait", wait)

    def after() -> None:
        if statuses(market.world) == ["FILLED"]:
            stop.set()

    listen(firm_id=market.firm_id, connection_id=market.connection.pk, stop=stop, clock=timezone.now, after=after)
    assert (statuses(market.world), pauses) == (["FILLED"], [streams.PAUSE_SECONDS[0]])


def test_the_listening_process_ends_cleanly_when_asked(db: None) -> None:
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    command = [sys.executable, "manage.py", "stream_custodians"]
    environment = {**os.environ, "DATABASE_URL": url}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "stopped listening\n"
    assert process.returncode == 0
