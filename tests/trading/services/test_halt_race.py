"""A halt and senders at the same time, on connections of their own to the database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.tenancy import firm_scope
from tests.trading.worlds import buy, make_connection, orders, stage
from tests.worlds import NOW, World, make_birch
from trading.models import OrderTransition, TradingHalt
from trading.services.halts import raise_halt
from trading.services.outbox import claim
from trading.services.stops import let_claims_pass
from trading.services.waves import release_waves

PATIENCE_SECONDS = 20


@pytest.fixture
def firm(own_database: None) -> World:
    """Birch with an order ready, committed."""
    world = make_birch()
    with world.scope():
        make_connection(world)
        stage(world, buy("VEA", "1", price="60"), buy("AGG", "1", price="100"), buy("ITOT", "1", price="130"))
    release_waves(firm_id=world.firm_id, now=NOW)
    return world


def halt(world: World) -> None:
    raise_halt(firm_id=world.firm_id, reason="Stop", by="ann", at=NOW)
    connection.close()


def claimed(world: World) -> int:
    found = len(claim(firm_id=world.firm_id, worker="w", now=NOW, limit=1))
    connection.close()
    return found


def test_a_halt_waits_for_a_claim_that_runs_and_is_seen_by_every_later_one(firm: World) -> None:
    with ThreadPoolExecutor(2) as pool:
        with firm_scope(firm.firm_id):
            let_claims_pass(firm.firm_id)
            halting = pool.submit(halt, firm)
            waiting(halting.done)
            assert TradingHalt.objects.for_firm(firm.firm_id).count() == 0
        halting.result(PATIENCE_SECONDS)
        assert pool.submit(claimed, firm).result(PATIENCE_SECONDS) == 0
    with firm.scope():
        assert {order.status for order in orders(firm)} <= {"READY", "HELD"}


def waiting(done: object) -> None:
    """Until somebody waits for the lock; a halt that does not wait ends the test."""
    pause = threading.Event()
    for _ in range(PATIENCE_SECONDS * 50):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            if cursor.fetchone()[0]:
                return
        assert not done()  # type: ignore[operator]
        pause.wait(0.02)
    pytest.fail("nobody waits")


def test_senders_that_race_a_halt_claim_nothing_after_it(firm: World) -> None:
    with ThreadPoolExecutor(5) as pool:
        senders = [pool.submit(claimed, firm) for _ in range(4)]
        pool.submit(halt, firm).result(PATIENCE_SECONDS)
        before = sum(sender.result(PATIENCE_SECONDS) for sender in senders)
        assert [pool.submit(claimed, firm).result(PATIENCE_SECONDS) for _ in range(3)] == [0, 0, 0]
    with firm.scope():
        sent = OrderTransition.objects.for_firm(firm.firm_id).filter(to_status="SUBMITTING").count()
        assert (sent, sent <= 3) == (before, True)
