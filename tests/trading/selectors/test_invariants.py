"""Every rule about a firm's orders holds after a day of trading, and each is found broken when a row is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal

import pytest
from django.db import connection

from portfolios.models import Transaction
from tests.trading.worlds import buy, filled, make_connection, orders, sell, sent, take_in, told
from tests.worlds import NOW, Birch, Cedar, World
from trading.models import Approval, Execution, InboundEvent, Order, OrderTransition
from trading.selectors.invariants import breaches
from trading.services.deliveries import Said

OLD_VTI = "VTI-2021-03-03-200"


def trade_a_day(world: World) -> Order:
    """A sale filled in two parts, one of them corrected."""
    make_connection(world)
    order = sent(world, sell(world, "VTI", (OLD_VTI, "60"), price="300"))[0]
    take_in(
        order,
        told(order, Said.WORKING, "new"),
        filled(order, "x1", "40", "299.99", seconds=1),
        filled(order, "x2", "20", "300.05", seconds=2),
        filled(order, "c2", "20", "300.04", seconds=3, kind=Execution.Kind.CORRECT, ref="x2"),
    )
    return orders(world)[0]


def broken(world: World) -> dict[str, int | Decimal]:
    return {name: number for name, number in asdict(breaches(world.firm_id)).items() if number}


def test_nothing_is_broken_after_a_day_of_trading(birch: Birch) -> None:
    trade_a_day(birch)
    assert broken(birch) == {}
    assert not breaches(birch.firm_id).any()


def change(model: type, order: Order, **values: object) -> None:
    """Write past the services that keep the rules."""
    assert model.objects.for_firm(order.firm_id).filter(order=order).update(**values)  # type: ignore[attr-defined]


def set_order(order: Order, **values: object) -> None:
    assert Order.objects.for_firm(order.firm_id).filter(pk=order.pk).update(**values)


def append_move(order: Order, before: str, after: str, cause: str = "By hand.") -> None:
    OrderTransition.objects.for_firm(order.firm_id).create(
        order=order, from_status=before, to_status=after, at=NOW, cause=cause
    )


def drop_approvals(order: Order) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trading_rebalancerun SET content_sha256 = repeat('b', 64)")
    assert Approval.objects.for_firm(order.firm_id).exists()


BREAKS: dict[str, Callable[[Order], object]] = {
    "executions_not_summed": lambda order: set_order(order, cum_quantity=Decimal(59)),
    "overfilled_unflagged": lambda order: set_order(order, quantity=Decimal(50)),
    "executions_unposted": lambda order: change(Execution, order, posted_at=None),
    "ledger_cents": lambda order: (
        Transaction.objects.for_firm(order.firm_id).filter(key__endswith=":0").update(amount=Decimal(1))
    ),
    "ledger_shares": lambda order: (
        Transaction.objects.for_firm(order.firm_id).filter(key__endswith=":0").update(quantity=Decimal(-1))
    ),
    "unexplained": lambda order: set_order(order, status="UNKNOWN"),
    "moves_without_cause": lambda order: append_move(order, "FILLED", "CANCELED", cause=""),
    "moves_forbidden": lambda order: append_move(order, "FILLED", "STAGED"),
    "moves_broken": lambda order: set_order(order, status="CANCELED"),
    "without_approval": drop_approvals,
    "events_in_conflict": lambda order: (
        InboundEvent.objects.for_firm(order.firm_id).filter(source_event_id__endswith="-new").update(result="CONFLICT")
    ),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_a_row_that_breaks_a_rule_is_counted(birch: Birch, rule: str) -> None:
    order = trade_a_day(birch)
    BREAKS[rule](order)
    assert rule in broken(birch)


def test_an_order_that_waits_and_says_why_is_explained_and_one_that_does_not_is_not(birch: Birch) -> None:
    make_connection(birch)
    order = sent(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"), buy("BND", "1", price="74"))[1]
    order.refresh_from_db()
    assert order.status == "HELD"
    take_in(orders(birch)[0], filled(orders(birch)[0], "x1", "60", "300"))
    assert broken(birch) == {}
    set_order(order, status_reason="")
    assert broken(birch) == {"unexplained": 1}


def test_what_is_broken_in_another_firm_is_not_counted_here(birch: Birch, cedar: Cedar) -> None:
    trade_a_day(birch)
    with cedar.scope():
        set_order(trade_a_day(cedar), cum_quantity=Decimal(1))
        assert broken(cedar) == {"executions_not_summed": 1}
    assert broken(birch) == {}
