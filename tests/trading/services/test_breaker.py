from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEvent
from tests.trading.conftest import Market
from tests.trading.worlds import buy, make_connection, orders, stage, statuses
from tests.worlds import NOW, Birch, Cedar
from trading.custodians.protocol import (
    Accepted,
    Ambiguous,
    AmbiguousReason,
    NotSent,
    NotSentReason,
    OrderSnapshot,
    RefusalReason,
    Refused,
    Side,
)
from trading.models import BrokerConnection, ReconBreak
from trading.services import breaker
from trading.services.outbox import Claim, claim, send_due
from trading.services.outcomes import record
from trading.services.waves import release_waves

PRICES = {"VEA": "60", "AGG": "100", "ITOT": "130", "BND": "74", "VTI": "300"}
LOST = Ambiguous(AmbiguousReason.SERVER_ERROR, "504")


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def line(world: Birch) -> BrokerConnection:
    return BrokerConnection.objects.for_firm(world.firm_id).get()


def state(world: Birch) -> tuple[str, str]:
    row = line(world)
    return row.breaker_state, row.breaker_cause


def change(world: Birch, **values: Any) -> None:
    BrokerConnection.objects.for_firm(world.firm_id).update(**values)


def ready(world: Birch, count: int) -> None:
    make_connection(world)
    stage(world, *[buy(symbol, "1", price=PRICES[symbol]) for symbol in list(PRICES)[:count]])
    release_waves(firm_id=world.firm_id, now=NOW)


def claims(world: Birch, *, at: datetime = NOW, limit: int = 100) -> list[Claim]:
    return claim(firm_id=world.firm_id, worker="w", now=at, limit=limit)


def answer(world: Birch, held: list[Claim], what: Any, *, at: datetime = NOW) -> None:
    for one in held:
        said = _accepted(one) if what is Accepted else what
        record(firm_id=world.firm_id, answers=[(one, said)], capabilities={one.line.connection_id: True}, at=at)


def _accepted(held: Claim) -> Accepted:
    snapshot = OrderSnapshot(
        broker_order_id=f"B-{held.client_order_id}", client_order_id=held.client_order_id,
        symbol=held.request.symbol, side=Side.BUY, status="accepted", quantity=held.request.quantity, notional=None,
        filled_quantity=Decimal(0), average_price=None, limit_price=None, submitted_at=NOW, updated_at=NOW, raw={},
    )  # fmt: skip
    return Accepted(snapshot)


def test_five_answers_that_leave_it_open_within_a_minute_open_the_breaker(birch: Birch, cedar: Cedar) -> None:
    ready(birch, 5)
    with cedar.scope():
        ready(cedar, 1)
    held = claims(birch)
    answer(birch, held[:4], LOST)
    assert state(birch) == ("CLOSED", "")
    answer(birch, held[4:], LOST, at=later(59))
    assert state(birch) == ("OPEN", "OUTCOMES")
    with cedar.scope():
        assert state(cedar) == ("CLOSED", "")


def test_failures_that_are_further_apart_open_nothing(birch: Birch) -> None:
    ready(birch, 5)
    held = claims(birch)
    answer(birch, held[:4], LOST)
    answer(birch, held[4:], LOST, at=later(61))
    assert state(birch) == ("CLOSED", "")


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(Refused(RefusalReason.BUYING_POWER, "1", "no"), id="refused"),
        pytest.param(NotSent(NotSentReason.RATE_LIMITED, "slow down"), id="too fast"),
        pytest.param(Ambiguous(AmbiguousReason.DIFFERENT_ORDER, "taken"), id="another order has our id"),
    ],
)
def test_what_is_known_is_no_failure(birch: Birch, known: Any) -> None:
    ready(birch, 5)
    answer(birch, claims(birch), known)
    assert state(birch) == ("CLOSED", "")


def test_nothing_is_submitted_while_it_is_open_and_queries_pass(birch: Birch) -> None:
    ready(birch, 5)
    held = claims(birch, limit=2)
    answer(birch, held, LOST)
    change(birch, breaker_state="OPEN")
    assert {one.kind for one in claims(birch, at=later(2))} == {"QUERY"}


def half_open(birch: Birch, count: int = 3) -> None:
    ready(birch, count)
    change(birch, breaker_state="HALF_OPEN", breaker_cause="OUTCOMES", breaker_tries=1)


def test_one_order_is_tried_when_it_is_half_open(birch: Birch) -> None:
    half_open(birch)
    assert (len(claims(birch)), claims(birch), claims(birch, at=later(59))) == (1, [], [])
    assert len(claims(birch, at=later(61))) == 1, "a worker that died does not hold it for ever"


@pytest.mark.parametrize("certain", [Accepted, Refused(RefusalReason.INVALID, "1", "no")])
def test_a_certain_answer_closes_it_and_the_rest_goes(birch: Birch, certain: Any) -> None:
    half_open(birch)
    answer(birch, claims(birch), certain)
    assert (state(birch), line(birch).breaker_tries, len(claims(birch))) == (("CLOSED", ""), 0, 2)


@pytest.mark.parametrize("failure", [LOST, NotSent(NotSentReason.UNREACHABLE, "refused")])
def test_a_tried_order_that_comes_to_nothing_opens_it_for_longer(birch: Birch, failure: Any) -> None:
    half_open(birch)
    answer(birch, claims(birch), failure)
    assert (state(birch), line(birch).probe_at) == (("OPEN", "OUTCOMES"), later(15))


def test_it_is_probed_then_tried_then_closed(market: Market) -> None:
    birch = market.world
    stage(birch, buy("VEA", "1", price="60"), buy("AGG", "1", price="100"))
    change(birch, breaker_state="OPEN", breaker_cause="OUTCOMES", breaker_tries=1, probe_at=later(5))
    assert (send_due(firm_id=birch.firm_id, now=later(4)), state(birch)[0]) == (0, "OPEN")
    assert (send_due(firm_id=birch.firm_id, now=later(5)), state(birch)[0]) == (2, "CLOSED")
    market.trade(later(6))
    assert statuses(birch) == ["FILLED", "FILLED"]
    trail = AuditEvent.objects.for_firm(birch.firm_id).filter(subject="connection").order_by("id")
    assert [row.action for row in trail] == ["BREAKER_HALF_OPEN", "BREAKER_CLOSED"]


def test_a_custodian_that_does_not_answer_the_probe_is_asked_later(birch: Birch, settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    ready(birch, 1)
    change(birch, breaker_state="OPEN", breaker_cause="OUTCOMES", breaker_tries=1, probe_at=NOW)
    breaker.watch(firm_id=birch.firm_id, now=NOW)
    row = line(birch)
    assert (row.breaker_state, row.probe_at) == ("OPEN", later(15))
    assert row.breaker_reason.startswith("The custodian does not answer")


@pytest.mark.parametrize(("lost", "opened"), [(29, "CLOSED"), (31, "OPEN")])
def test_a_stream_that_is_lost_for_half_a_minute_opens_it(birch: Birch, lost: int, opened: str) -> None:
    ready(birch, 1)
    change(birch, stream_lost_at=NOW)
    breaker.watch(firm_id=birch.firm_id, now=later(lost))
    assert state(birch)[0] == opened


@pytest.mark.parametrize(
    ("cause", "after"), [("STREAM", "CLOSED"), ("CREDENTIALS", "CLOSED"), ("OUTCOMES", "OPEN"), ("BREAKS", "OPEN")]
)
def test_an_accepted_stream_mends_what_only_wanted_that(birch: Birch, cause: str, after: str) -> None:
    ready(birch, 1)
    change(birch, breaker_state="OPEN", breaker_cause=cause)
    breaker.stream_accepted(firm_id=birch.firm_id, connection_id=line(birch).pk)
    assert state(birch)[0] == after


def test_a_lost_stream_keeps_it_open_although_the_custodian_answers(market: Market) -> None:
    birch = market.world
    change(birch, breaker_state="OPEN", breaker_cause="STREAM", stream_lost_at=NOW, probe_at=NOW)
    breaker.watch(firm_id=birch.firm_id, now=later(40))
    assert state(birch) == ("OPEN", "STREAM")
    change(birch, stream_lost_at=None, probe_at=NOW)
    breaker.watch(firm_id=birch.firm_id, now=later(41))
    assert state(birch)[0] == "HALF_OPEN"


def test_more_breaks_than_allowed_open_it_until_they_are_fewer(market: Market) -> None:
    birch, row = market.world, line(market.world)
    breaks = ReconBreak.objects.for_firm(birch.firm_id)
    breaks.bulk_create(
        ReconBreak(
            connection=row, account=birch.account, kind="POSITION", subject=str(number), ours="1", theirs="2",
            sentence="They differ.", opened_at=NOW,
        )
        for number in range(101)
    )  # fmt: skip
    breaker.watch(firm_id=birch.firm_id, now=NOW)
    assert state(birch)[0] == "CLOSED", "one comparison may have met positions of before"
    breaks.update(seen_at=later(5))
    breaker.watch(firm_id=birch.firm_id, now=later(5))
    assert state(birch) == ("OPEN", "BREAKS")
    breaker.watch(firm_id=birch.firm_id, now=later(6))
    assert state(birch) == ("OPEN", "BREAKS")
    breaks.filter(subject="7").update(closed_at=NOW)
    breaker.watch(firm_id=birch.firm_id, now=later(60))
    assert state(birch)[0] == "HALF_OPEN"


@pytest.mark.parametrize(("limit", "after"), [(10, "CLOSED"), (0, "OPEN")])
def test_a_clock_that_is_too_far_off_opens_it(market: Market, limit: int, after: str) -> None:
    birch = market.world
    change(birch, capabilities={"always_open": True, "clock_limit_seconds": limit})
    breaker.read_clocks(firm_id=birch.firm_id, now=NOW)
    row = line(birch)
    assert (row.breaker_state, row.clock_skew_ms is not None) == (after, True)


def test_refused_credentials_open_it_and_only_an_accepted_answer_closes_it(birch: Birch, settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    ready(birch, 2)
    answer(birch, claims(birch, limit=1), Refused(RefusalReason.AUTHENTICATION, "401", "no such key", 401))
    assert (state(birch), line(birch).breaker_reason) == (
        ("OPEN", "CREDENTIALS"),
        "The custodian refuses our credentials: no such key",
    )
    breaker.watch(firm_id=birch.firm_id, now=later(60))
    assert (state(birch), claims(birch, at=later(60))) == (("OPEN", "CREDENTIALS"), [])
    assert len(orders(birch)) == 2
