from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent
from tests.trading.worlds import buy, make_connection, make_proposal, orders, sell, sent, stage, statuses, story, trade
from tests.worlds import NOW, Birch, Cedar
from trading.lifecycle import ForbiddenMove, OrderStatus
from trading.models import OrderCommand, OrderLot
from trading.services.moves import OrderMoved, move_order
from trading.services.orders import (
    NoConnection,
    OrderHasEnded,
    OrderNotFound,
    UnknownLot,
    cancel_order,
    stage_orders,
)

OLD_VTI, NEW_VTI = "VTI-2021-03-03-200", "VTI-2026-03-02-50"


def test_an_approved_proposal_becomes_sells_then_buys_that_wait_unsent(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    first, second = stage(
        birch, sell(birch, "VTI", (NEW_VTI, "50"), (OLD_VTI, "10"), price="300"), buy("VEA", "20", price="60")
    )
    assert (first.side, first.wave, first.quantity, first.status) == ("SELL", 1, Decimal(60), "STAGED")
    assert (second.side, second.wave, second.quantity, second.status) == ("BUY", 2, Decimal(20), "STAGED")
    assert (first.limit_price, second.limit_price) == (Decimal("299.70"), Decimal("60.07"))
    assert not OrderCommand.objects.for_firm(birch.firm_id).exists()
    with cedar.scope():
        assert orders(cedar) == []


def test_a_sell_names_its_lots_in_the_order_of_the_proposal(birch: Birch) -> None:
    make_connection(birch)
    order, *_ = stage(birch, sell(birch, "VTI", (NEW_VTI, "50"), (OLD_VTI, "10"), price="300"))
    named = OrderLot.objects.for_firm(birch.firm_id).filter(order=order).order_by("position")
    assert list(named.values_list("lot__lot_key", "quantity")) == [(NEW_VTI, 50), (OLD_VTI, 10)]


def test_every_order_has_an_id_of_its_own_before_it_is_sent(birch: Birch) -> None:
    make_connection(birch)
    staged = stage(birch, buy("VEA", "1", price="60"), buy("AGG", "1", price="100"))
    ids = {order.client_order_id for order in staged}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[A-Z0-9-]{1,32}", client_id) for client_id in ids)


def test_staging_leaves_a_trail(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "1", price="60"))
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="ORDERS_STAGED")
    assert (event.actor, event.payload["orders"]) == ("ann@example.com", 1)


def test_without_a_line_to_the_custodian_nothing_is_staged(birch: Birch) -> None:
    with pytest.raises(NoConnection, match="no connection to Schwab"):
        stage(birch, buy("VEA", "1", price="60"))


def test_a_sell_may_not_name_the_lot_of_another_security(birch: Birch) -> None:
    make_connection(birch)
    wrong = sell(birch, "VTI", ("BND-2021-03-03-150", "5"), price="300")
    with pytest.raises(UnknownLot, match="has no lot"):
        stage(birch, wrong)


def test_the_lots_of_a_sell_sum_to_its_shares(birch: Birch) -> None:
    make_connection(birch)
    with pytest.raises(UnknownLot, match="do not sum"):
        stage(birch, trade("SELL", "VTI", Decimal(5), "300", []))


def test_a_sell_may_not_name_the_lot_of_another_firm(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    with cedar.scope():
        theirs = sell(cedar, "VTI", (OLD_VTI, "5"), price="300")
    with pytest.raises(UnknownLot):
        stage(birch, theirs)


def test_a_proposal_is_staged_once(birch: Birch) -> None:
    make_connection(birch)
    proposal = make_proposal(birch, [buy("VEA", "1", price="60")])
    stage_orders(firm_id=birch.firm_id, proposal=proposal, approved_by="ann", at=NOW)
    with pytest.raises(IntegrityError, match="run_once_a_proposal"), transaction.atomic():
        stage_orders(firm_id=birch.firm_id, proposal=proposal, approved_by="ann", at=NOW)


def test_a_move_that_the_table_does_not_have_is_forbidden(birch: Birch) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "1", price="60"))
    with pytest.raises(ForbiddenMove, match="STAGED cannot become FILLED"):
        move_order(order=order, to=OrderStatus.FILLED, cause="test", at=NOW)


def test_of_two_that_move_an_order_one_is_told_that_it_moved(birch: Birch) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "1", price="60"))
    (other,) = orders(birch)
    move_order(order=order, to=OrderStatus.HELD, cause="test", at=NOW)
    with pytest.raises(OrderMoved):
        move_order(order=other, to=OrderStatus.READY, cause="test", at=NOW)
    assert (statuses(birch), story(order)) == (["HELD"], ["STAGED", "HELD"])


def test_an_order_that_has_not_left_is_cancelled_here(birch: Birch) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "1", price="60"))
    assert cancel_order(firm_id=birch.firm_id, order_id=order.pk, by="ann", at=NOW) == "CANCELED"
    with pytest.raises(OrderHasEnded, match="already cancelled"):
        cancel_order(firm_id=birch.firm_id, order_id=order.pk, by="ann", at=NOW)


def test_an_order_that_has_left_is_asked_back(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "1", price="60"))
    assert cancel_order(firm_id=birch.firm_id, order_id=order.pk, by="ann", at=NOW) == "SUBMITTING"
    command = OrderCommand.objects.for_firm(birch.firm_id).get(kind="CANCEL")
    assert (command.order_id, command.status) == (order.pk, "READY")


def test_another_firms_order_cannot_be_cancelled(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "1", price="60"))
    with pytest.raises(OrderNotFound):
        cancel_order(firm_id=cedar.firm_id, order_id=order.pk, by="eve", at=NOW)
    assert statuses(birch) == ["STAGED"]
