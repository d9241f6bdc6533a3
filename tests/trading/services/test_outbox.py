from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.conftest import Market, open_market
from tests.trading.worlds import (
    buy,
    cash,
    held,
    make_connection,
    orders,
    sell,
    sent,
    set_guards,
    stage,
    statuses,
    story,
)
from tests.worlds import NOW, Birch, Cedar
from trading.connections import NoAdapter
from trading.custodians.protocol import Ambiguous, AmbiguousReason, NotSent, NotSentReason, RefusalReason, Refused
from trading.models import BrokerConnection, InboundEvent, OrderCommand, TradingHalt
from trading.services.orders import cancel_order
from trading.services.outbox import claim, send_due
from trading.services.outcomes import record, resolve_expired
from trading.services.reconcile import Reconciliation, reconcile
from trading.services.waves import release_waves

OLD_VTI, NEW_VTI = "VTI-2021-03-03-200", "VTI-2026-03-02-50"
CLEAN = Reconciliation(cash_difference_cents=0, share_differences=0, unapplied_rows=0)


def later(seconds: float):
    return NOW + timedelta(seconds=seconds)


def command(birch: Birch, kind: str = "SUBMIT") -> OrderCommand:
    return OrderCommand.objects.for_firm(birch.firm_id).get(kind=kind)


def answered(birch: Birch, answer, *, may_resend: bool = True, at=NOW) -> None:
    """One order on the wire, answered so."""
    (held_command,) = claim(firm_id=birch.firm_id, worker="test", now=at)
    abilities = {held_command.line.connection_id: may_resend}
    record(firm_id=birch.firm_id, answers=[(held_command, answer)], capabilities=abilities, at=at)


def ready(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "20", price="60"))
    release_waves(firm_id=birch.firm_id, now=NOW)


def test_a_whole_run_is_sold_bought_and_agrees_with_the_custodian(market: Market, cedar: Cedar) -> None:
    birch = market.world
    stage(
        birch,
        sell(birch, "VTI", (NEW_VTI, "50"), (OLD_VTI, "10"), price="300"),
        buy("VEA", "250", price="60"),
        buy("AGG", "20", price="100"),
    )
    market.trade(NOW)
    assert statuses(birch) == ["FILLED", "FILLED", "FILLED"]
    assert held(birch) == {"VTI": 190, "BND": 150, "VEA": 250, "AGG": 20}
    assert reconcile(firm_id=birch.firm_id, now=NOW) == CLEAN
    with cedar.scope():
        assert (held(cedar)["VTI"], cash(cedar)) == (250, (Decimal(2000), 0))


def test_two_firms_trade_side_by_side_and_hear_only_of_their_own(market: Market, cedar: Cedar) -> None:
    stage(market.world, buy("VEA", "10", price="60"))
    with cedar.scope():
        other = open_market(cedar, market.exchange)
        stage(cedar, buy("AGG", "5", price="100"))
        other.trade(NOW)
        assert held(cedar)["AGG"] == 5
    market.trade(NOW)
    assert held(market.world) == {"VTI": 250, "BND": 150, "VEA": 10}
    for firm in (market.world, cedar):
        with firm.scope():
            events = InboundEvent.objects.for_firm(firm.firm_id)
            assert events.filter(result="UNMATCHED").count() == 0
            assert events.filter(order=None).count() == 0


def test_an_attempt_is_written_down_before_anything_is_sent(birch: Birch) -> None:
    ready(birch)
    claim(firm_id=birch.firm_id, worker="w1", now=NOW)
    row = command(birch)
    assert (row.status, row.attempts, row.lease_owner, row.lease_until) == ("LEASED", 1, "w1", later(60))
    assert statuses(birch) == ["SUBMITTING"]
    assert claim(firm_id=birch.firm_id, worker="w2", now=NOW) == []


def test_a_killed_worker_leaves_an_order_that_is_looked_up_not_sent_again(market: Market) -> None:
    birch = market.world
    stage(birch, buy("VEA", "20", price="60"))
    release_waves(firm_id=birch.firm_id, now=NOW)
    claim(firm_id=birch.firm_id, worker="killed", now=NOW)
    assert resolve_expired(firm_id=birch.firm_id, now=later(59)) == 0
    assert resolve_expired(firm_id=birch.firm_id, now=later(61)) == 1
    (order,) = orders(birch)
    assert story(order) == ["STAGED", "READY", "SUBMITTING", "UNKNOWN"]
    times = [send_due(firm_id=birch.firm_id, now=later(61 + seconds)) for seconds in (0, 2, 40)]
    assert times == [0, 1, 2]
    market.trade(later(200))
    (order,) = orders(birch)
    assert (order.status, command(birch).attempts) == ("FILLED", 2)
    assert story(order)[3:7] == ["UNKNOWN", "READY", "SUBMITTING", "SUBMITTED"]


def test_an_order_that_arrived_although_the_answer_was_lost_is_adopted(market: Market) -> None:
    birch = market.world
    market.exchange.put("/simulator/faults", [{"kind": "ACCEPT_THEN_504", "symbol": "VEA", "times": 1}])
    stage(birch, buy("VEA", "20", price="60"))
    assert send_due(firm_id=birch.firm_id, now=NOW) == 1
    assert statuses(birch) == ["UNKNOWN"]
    assert send_due(firm_id=birch.firm_id, now=later(2)) == 1
    market.trade(later(3))
    assert (statuses(birch), held(birch)["VEA"], command(birch).attempts) == (["FILLED"], 20, 1)
    assert market.exchange.state()["duplicate_client_order_ids"] == 0
    assert reconcile(firm_id=birch.firm_id, now=NOW) == CLEAN


def test_an_order_that_was_lost_on_the_way_is_sent_again_with_the_same_id(market: Market) -> None:
    birch = market.world
    market.exchange.put("/simulator/faults", [{"kind": "LOSE_THEN_504", "symbol": "VEA", "times": 1}])
    (order,) = stage(birch, buy("VEA", "20", price="60"))
    for seconds in (0, 2, 10, 31, 70):
        send_due(firm_id=birch.firm_id, now=later(seconds))
    market.trade(later(200))
    (after,) = orders(birch)
    assert (after.status, after.client_order_id, held(birch)["VEA"]) == ("FILLED", order.client_order_id, 20)
    assert reconcile(firm_id=birch.firm_id, now=NOW) == CLEAN


def test_absence_does_not_count_before_the_grace_is_over(birch: Birch) -> None:
    ready(birch)
    answered(birch, Ambiguous(AmbiguousReason.TIMEOUT, "no answer"))
    for seconds in (2, 6, 20):
        answered(birch, None, at=later(seconds))
    assert statuses(birch) == ["UNKNOWN"]
    answered(birch, None, at=later(60))
    assert statuses(birch) == ["UNKNOWN"]
    answered(birch, None, at=later(130))
    assert statuses(birch) == ["READY"]


def test_an_adapter_that_does_not_know_repeats_leaves_an_absent_order_to_a_person(birch: Birch) -> None:
    ready(birch)
    answered(birch, Ambiguous(AmbiguousReason.TIMEOUT, "no answer"))
    for seconds in (31, 100):
        answered(birch, None, may_resend=False, at=later(seconds))
    (order,) = orders(birch)
    assert (order.status, order.needs_review) == ("UNKNOWN", True)


def test_a_refusal_is_final_and_says_why(birch: Birch) -> None:
    ready(birch)
    answered(birch, Refused(RefusalReason.BUYING_POWER, "40310000", "insufficient buying power", 403))
    (order,) = orders(birch)
    assert (order.status, order.status_reason) == ("REJECTED", "BUYING_POWER: insufficient buying power")
    assert command(birch).status == "REFUSED"


def test_an_order_that_was_not_accepted_waits_and_goes_again(birch: Birch) -> None:
    ready(birch)
    answered(birch, NotSent(NotSentReason.RATE_LIMITED, "too many requests", later(20)))
    assert (statuses(birch), command(birch).not_before) == (["READY"], later(20))
    assert claim(firm_id=birch.firm_id, worker="test", now=later(19)) == []
    assert len(claim(firm_id=birch.firm_id, worker="test", now=later(20))) == 1


def test_refused_credentials_hold_the_order_and_open_the_breaker(birch: Birch) -> None:
    ready(birch)
    answered(birch, Refused(RefusalReason.AUTHENTICATION, "40110000", "access key verification failed", 401))
    assert statuses(birch) == ["HELD"]
    assert BrokerConnection.objects.for_firm(birch.firm_id).get().breaker_state == "OPEN"
    release_waves(firm_id=birch.firm_id, now=later(5))
    assert claim(firm_id=birch.firm_id, worker="test", now=later(5)) == []


def test_an_answer_that_comes_after_the_lease_ran_out_changes_nothing(birch: Birch) -> None:
    ready(birch)
    (old,) = claim(firm_id=birch.firm_id, worker="slow", now=NOW)
    resolve_expired(firm_id=birch.firm_id, now=later(61))
    late = NotSent(NotSentReason.UNREACHABLE, "connection refused")
    record(firm_id=birch.firm_id, answers=[(old, late)], capabilities={old.line.connection_id: True}, at=later(62))
    assert statuses(birch) == ["UNKNOWN"]


def test_a_cancel_waits_while_it_is_not_known_whether_the_order_arrived(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "20", price="60"))
    cancel_order(firm_id=birch.firm_id, order_id=order.pk, by="ann", at=NOW)
    assert claim(firm_id=birch.firm_id, worker="test", now=later(5)) == []


def test_a_cancelled_order_ends_at_the_custodian(market: Market) -> None:
    birch = market.world
    market.exchange.put("/simulator/prices", {"prices": [{"symbol": "VEA", "bid": "89.99", "ask": "90.01"}]}, "POST")
    (order,) = stage(birch, buy("VEA", "20", price="60"))
    send_due(firm_id=birch.firm_id, now=NOW)
    cancel_order(firm_id=birch.firm_id, order_id=order.pk, by="ann", at=NOW)
    market.trade(NOW)
    assert (statuses(birch), held(birch)) == (["CANCELED"], {"VTI": 250, "BND": 150})


@pytest.mark.parametrize(("level", "left"), [("HALTED", ["HELD", "HELD"]), ("REDUCING", ["SUBMITTING", "HELD"])])
def test_nothing_leaves_that_a_halt_stops_even_if_it_was_released_before(
    birch: Birch, level: str, left: list[str]
) -> None:
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "10"), price="300"), buy("VEA", "20", price="60"))
    release_waves(firm_id=birch.firm_id, now=NOW)
    release_waves(firm_id=birch.firm_id, now=NOW)
    TradingHalt.objects.for_firm(birch.firm_id).create(level=level, reason="test", raised_by="ann", raised_at=NOW)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    assert statuses(birch) == left


def test_without_an_address_nothing_is_claimed(birch: Birch, settings) -> None:
    settings.SIMULATOR_URL = ""
    ready(birch)
    with pytest.raises(NoAdapter, match="SIMULATOR_URL"):
        send_due(firm_id=birch.firm_id, now=NOW)
    assert statuses(birch) == ["READY"]


def test_run_after_run_leaves_no_difference(market: Market) -> None:
    birch = market.world
    set_guards(birch, order_repeat_minutes="0")
    for _ in range(4):
        make = [buy(symbol, "1", price=price) for symbol, price in (("VEA", "60"), ("AGG", "100"), ("ITOT", "130"))]
        stage(birch, *make)
        market.trade(NOW)
    assert statuses(birch) == ["FILLED"] * 12
    assert reconcile(firm_id=birch.firm_id, now=NOW) == CLEAN
