from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent
from tests.trading.worlds import (
    buy,
    filled,
    make_connection,
    make_proposal,
    orders,
    sell,
    sent,
    stage,
    statuses,
    story,
    take_in,
)
from tests.worlds import NOW, Birch, Cedar
from trading.models import Order, OrderCommand, TradingHalt
from trading.services.cancels import Cancelled
from trading.services.halts import (
    EVERYTHING,
    AlreadyLifted,
    HaltNotFound,
    NobodyAsked,
    ReasonNeeded,
    Scope,
    ScopeNotFound,
    SecondPersonNeeded,
    agree_to_lift,
    ask_to_lift,
    raise_halt,
)
from trading.services.orders import stage_orders
from trading.services.outbox import claim
from trading.services.waves import release_waves

OLD_VTI = "VTI-2021-03-03-200"
ANN, BOB = "ann@birch.example", "bob@birch.example"
LATER = NOW + timedelta(minutes=1)


def halted(world: Birch, **changes: Any) -> int:
    return raise_halt(**{"firm_id": world.firm_id, "reason": "Odd prices", "by": ANN, "at": NOW, **changes}).halt_id


def lifted(world: Birch, halt_id: int) -> None:
    ask_to_lift(firm_id=world.firm_id, halt_id=halt_id, by=ANN, at=NOW, why="Prices are right again")
    agree_to_lift(firm_id=world.firm_id, halt_id=halt_id, by=BOB, at=LATER)


def sales_and_buys(birch: Birch) -> list[Order]:
    """One order on the wire, one ready."""
    make_connection(birch)
    sent(birch, buy("VEA", "2", price="60"))
    stage_orders(
        firm_id=birch.firm_id,
        proposal=make_proposal(birch, [sell(birch, "VTI", (OLD_VTI, "2"), price="300")]),
        approved_by="ann",
        at=NOW,
    )
    release_waves(firm_id=birch.firm_id, now=NOW)
    return orders(birch)


def everything(_order: Order) -> Scope:
    return EVERYTHING


def its_line(order: Order) -> Scope:
    return Scope(connection_id=order.connection_id)


def its_account(order: Order) -> Scope:
    return Scope(account_id=order.account_id)


def its_security(order: Order) -> Scope:
    return Scope(security_id=order.security_id)


SCOPES = pytest.mark.parametrize("scope", [everything, its_line, its_account, its_security])


@SCOPES
@pytest.mark.parametrize(("level", "left"), [("HALTED", "HELD"), ("REDUCING", "HELD")])
def test_a_buy_that_is_ready_is_held_by_its_sender(
    birch: Birch, cedar: Cedar, scope: Callable[[Order], Scope], level: str, left: str
) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "2", price="60"))
    release_waves(firm_id=birch.firm_id, now=NOW)
    with cedar.scope():
        sales_and_buys(cedar)
    halted(birch, scope=scope(order), level=level)
    assert (claim(firm_id=birch.firm_id, worker="w", now=NOW), statuses(birch)) == ([], [left])
    assert orders(birch)[0].status_reason == "Trading is stopped: Odd prices"
    with cedar.scope():
        assert len(claim(firm_id=cedar.firm_id, worker="w", now=NOW)) == 1


def test_a_sale_leaves_while_trading_is_only_reducing(birch: Birch) -> None:
    sales_and_buys(birch)
    halted(birch, level="REDUCING")
    assert [held.kind for held in claim(firm_id=birch.firm_id, worker="w", now=NOW)] == ["SUBMIT"]


@SCOPES
def test_what_a_halt_holds_goes_on_when_two_people_lift_it(birch: Birch, scope: Callable[[Order], Scope]) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "2", price="60"))
    release_waves(firm_id=birch.firm_id, now=NOW)
    halt = halted(birch, scope=scope(order))
    claim(firm_id=birch.firm_id, worker="w", now=NOW)
    assert release_waves(firm_id=birch.firm_id, now=NOW) == 0
    lifted(birch, halt)
    release_waves(firm_id=birch.firm_id, now=LATER)
    assert len(claim(firm_id=birch.firm_id, worker="w", now=LATER)) == 1
    assert story(orders(birch)[0]) == ["STAGED", "READY", "HELD", "READY", "SUBMITTING"]


def test_another_security_goes_on_meanwhile(birch: Birch) -> None:
    make_connection(birch)
    vea, _ = stage(birch, buy("VEA", "2", price="60"), buy("AGG", "2", price="100"))
    halted(birch, scope=Scope(security_id=vea.security_id))
    release_waves(firm_id=birch.firm_id, now=NOW)
    assert statuses(birch) == ["HELD", "READY"]


def test_orders_that_are_staged_under_a_halt_are_held_at_once(birch: Birch) -> None:
    make_connection(birch)
    halted(birch, level="REDUCING")
    stage(birch, sell(birch, "VTI", (OLD_VTI, "2"), price="300"), buy("VEA", "2", price="60"))
    assert statuses(birch) == ["STAGED", "HELD"]


def test_stopping_with_cancelling_ends_what_has_not_left_and_asks_for_the_rest(birch: Birch, cedar: Cedar) -> None:
    sales_and_buys(birch)
    with cedar.scope():
        sales_and_buys(cedar)
    raised = raise_halt(firm_id=birch.firm_id, reason="Stop", by=ANN, at=NOW, cancel=True)
    assert (raised.cancelled, statuses(birch)) == (Cancelled(here=1, asked=1), ["SUBMITTING", "CANCELED"])
    assert orders(birch)[1].status_reason == f"Cancelled by {ANN}, who stopped trading: Stop"
    with cedar.scope():
        assert statuses(cedar) == ["SUBMITTING", "READY"]


def test_the_cancels_pass_while_trading_is_stopped(birch: Birch) -> None:
    order, _ = sales_and_buys(birch)
    take_in(order, filled(order, "x1", "1", "60"))
    raise_halt(firm_id=birch.firm_id, reason="Stop", by=ANN, at=NOW, cancel=True)
    assert [(held.kind, held.order_id) for held in claim(firm_id=birch.firm_id, worker="w", now=NOW)] == [
        ("CANCEL", order.pk)
    ]


def test_cancelling_twice_asks_once(birch: Birch) -> None:
    sales_and_buys(birch)
    found = [raise_halt(firm_id=birch.firm_id, reason="Stop", by=ANN, at=NOW, cancel=True).cancelled for _ in range(2)]
    assert found == [Cancelled(here=1, asked=1), Cancelled(here=0, asked=0)]
    assert OrderCommand.objects.for_firm(birch.firm_id).filter(kind="CANCEL").count() == 1


@pytest.mark.parametrize(("who", "error"), [(ANN, SecondPersonNeeded), (BOB, None)])
@pytest.mark.parametrize("is_automatic", [False, True])
def test_who_asked_cannot_agree(birch: Birch, who: str, error: type[Exception] | None, is_automatic: bool) -> None:
    halt = halted(birch, is_automatic=is_automatic)
    ask_to_lift(firm_id=birch.firm_id, halt_id=halt, by=ANN, at=NOW, why="Mended")
    if error:
        with pytest.raises(error):
            agree_to_lift(firm_id=birch.firm_id, halt_id=halt, by=who, at=LATER)
    else:
        agree_to_lift(firm_id=birch.firm_id, halt_id=halt, by=who, at=LATER)
    row = TradingHalt.objects.for_firm(birch.firm_id).get(pk=halt)
    assert (row.lifted_at is None) is (error is not None)


def test_nothing_is_lifted_that_nobody_asked_for(birch: Birch) -> None:
    halt = halted(birch)
    with pytest.raises(NobodyAsked):
        agree_to_lift(firm_id=birch.firm_id, halt_id=halt, by=BOB, at=LATER)


def test_a_lifted_halt_is_not_lifted_again(birch: Birch) -> None:
    halt = halted(birch)
    lifted(birch, halt)
    with pytest.raises(AlreadyLifted):
        ask_to_lift(firm_id=birch.firm_id, halt_id=halt, by=ANN, at=LATER, why="Again")


def test_the_other_firms_halt_does_not_exist(birch: Birch, cedar: Cedar) -> None:
    halt = halted(birch)
    with cedar.scope(), pytest.raises(HaltNotFound):
        ask_to_lift(firm_id=cedar.firm_id, halt_id=halt, by="eve", at=NOW, why="Mine")


def test_the_other_firms_account_cannot_be_stopped(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope(), pytest.raises(ScopeNotFound):
        halted(cedar, scope=Scope(account_id=birch.account.pk))


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_halt_says_why(birch: Birch, reason: str) -> None:
    with pytest.raises(ReasonNeeded):
        halted(birch, reason=reason)


def test_every_act_is_in_the_audit_trail(birch: Birch) -> None:
    lifted(birch, halted(birch))
    rows = AuditEvent.objects.for_firm(birch.firm_id).filter(subject="halt").order_by("id")
    assert list(rows.values_list("action", "actor")) == [
        ("TRADING_HALTED", ANN),
        ("HALT_LIFT_ASKED", ANN),
        ("HALT_LIFTED", BOB),
    ]
