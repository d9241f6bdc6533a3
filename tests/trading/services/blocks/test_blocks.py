"""A block from its gathering to the accounts' ledgers, with the deliveries of a custodian that shares it out."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Q

from portfolios.models import Transaction
from rebalancer.engine.calendars import settles_on
from tests.trading.services.blocks.shared import (
    blocks,
    children,
    commands,
    gather,
    leave,
    make_accounts,
    make_block_connection,
    sale_of,
    shares,
    stage,
    street,
    three_buys,
)
from tests.trading.worlds import filled, lot, take_in, told
from tests.worlds import NOW, TODAY, Birch, Cedar, World
from trading.custodians.protocol import Allocated, RefusalReason, Refused
from trading.models import AllocationInstruction, Block, Execution, Order, ReconBreak
from trading.services.blocks.gathering import grouped
from trading.services.blocks.statements import sha256
from trading.services.cancels import cancel_open
from trading.services.deliveries import Delivery, Report, Said
from trading.services.halts import Scope, raise_halt
from trading.services.outbox import claim
from trading.services.outcomes import record


def allocated(
    order: Order, revision: int, quantity: str, gross: str, *, price: str, ref: str = "", kind: Any = "NEW"
) -> Delivery:
    """What the custodian tells of an account's share."""
    report = Report(
        exec_id=f"{order.client_order_id}-{revision}",
        kind=kind,
        quantity=Decimal(quantity),
        price=Decimal(price),
        executed_at=NOW + timedelta(seconds=revision),
        trade_on=TODAY,
        settle_on=settles_on(TODAY),
        ref_exec_id=ref,
        fees=Decimal(0),
        gross=Decimal(gross),
    )
    return told(order, Said.EXECUTION, f"share-{revision}", seconds=revision, execution=report)


def states(world: World) -> list[str]:
    return [order.status for order in children(world)]


def test_orders_of_several_accounts_leave_as_one_whose_statement_is_written_first(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        three_buys(cedar)
        assert gather(cedar) == 1
    three_buys(birch)
    assert gather(birch) == 1
    (block,) = blocks(birch)
    assert (street(birch).quantity, street(birch).status) == (100, "READY")
    said = json.loads(block.statement)
    assert sha256(block.statement) == block.statement_sha256
    assert {row["account"]: row["quantity"] for row in said["participants"]} == {
        "1001": "20.000000",
        "1002": "50.000000",
        "1003": "30.000000",
    }
    assert [command.order.role for command in commands(birch)] == ["BLOCK"]
    with cedar.scope():
        assert street(cedar).quantity == 100


def test_the_accounts_orders_follow_the_street_order(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    assert states(birch) == ["SUBMITTING"] * 3
    assert blocks(birch)[0].sent_at == NOW
    take_in(street(birch), told(street(birch), Said.ACCEPTED, "accepted"))
    assert states(birch) == ["SUBMITTED"] * 3
    take_in(street(birch), told(street(birch), Said.WORKING, "new"))
    assert states(birch) == ["WORKING"] * 3
    take_in(street(birch), filled(street(birch), "x1", "40", "60"))
    assert states(birch) == ["WORKING"] * 3
    assert blocks(birch)[0].status == Block.Status.OPEN


def test_a_filled_block_is_shared_out_and_booked(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    take_in(street(birch), filled(street(birch), "x1", "40", "60"), filled(street(birch), "x2", "60", "60.01"))
    assert blocks(birch)[0].status == Block.Status.ALLOCATING
    assert {number: quantity for number, (quantity, _) in shares(birch).items()} == {"1001": 20, "1002": 50, "1003": 30}
    assert sum(amount or 0 for _, amount in shares(birch).values()) == Decimal("6000.60")
    (claimed,) = claim(firm_id=birch.firm_id, worker="test", now=NOW)
    assert claimed.allocation is not None
    assert claimed.allocation.average_price == Decimal("60.006")
    assert {share.quantity for share in claimed.allocation.shares} == {20, 50, 30}
    record(
        firm_id=birch.firm_id, answers=[(claimed, Allocated())], capabilities={claimed.line.connection_id: True}, at=NOW
    )
    block = blocks(birch)[0]
    assert (block.status, block.acknowledged_at) == (Block.Status.ALLOCATED, NOW)
    for order, (quantity, amount) in zip(children(birch), shares(birch).values(), strict=True):
        take_in(order, allocated(order, 1, str(quantity), str(amount), price="60.006"))
    assert states(birch) == ["FILLED"] * 3
    posted = Transaction.objects.for_firm(birch.firm_id).filter(key__startswith="exec:")
    assert sum(row.amount for row in posted) == Decimal("-6000.60")
    assert posted.count() == 3


def test_a_partial_fill_is_shared_pro_rata_and_ends_the_orders_when_the_shares_are_there(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    order = street(birch)
    take_in(order, filled(order, "x1", "33", "60"), told(order, Said.CANCELED, "end", seconds=5))
    assert {number: quantity for number, (quantity, _) in shares(birch).items()} == {"1001": 7, "1002": 16, "1003": 10}
    assert states(birch) == ["WORKING"] * 3
    first = children(birch)[0]
    take_in(first, allocated(first, 1, "7", "420.00", price="60"))
    assert states(birch) == ["CANCELED", "WORKING", "WORKING"]
    assert children(birch)[0].status_reason == "The block was filled with 33 of 100 shares."


def test_what_arrives_before_the_street_orders_end_counts_too(birch: Birch) -> None:
    """Deliveries of one account and of the street order may come in any order."""
    three_buys(birch)
    leave(birch)
    order, first = street(birch), children(birch)[0]
    take_in(order, filled(order, "x1", "33", "60"))
    take_in(first, allocated(first, 1, "7", "420.00", price="60"))
    take_in(order, told(order, Said.CANCELED, "end", seconds=5))
    assert states(birch) == ["CANCELED", "WORKING", "WORKING"]


def test_a_block_without_a_fill_ends_its_orders_with_the_custodians_reason(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    take_in(street(birch), told(street(birch), Said.REJECTED, "no", reason="VEA is halted"))
    assert states(birch) == ["REJECTED"] * 3
    assert {order.status_reason for order in children(birch)} == {"VEA is halted"}
    assert blocks(birch)[0].status == Block.Status.ENDED
    assert commands(birch, "ALLOCATE") == []


def test_a_bust_after_the_allocation_is_shared_out_anew(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    order = street(birch)
    take_in(order, filled(order, "x1", "40", "60"), filled(order, "x2", "60", "61"))
    for child, (quantity, amount) in zip(children(birch), shares(birch).values(), strict=True):
        take_in(child, allocated(child, 1, str(quantity), str(amount), price="60.6"))
    take_in(
        order,
        filled(order, "b1", "60", "61", kind=Execution.Kind.BUST, ref="x2", seconds=9),
        told(order, Said.CANCELED, "end", seconds=9),
    )
    newest = AllocationInstruction.objects.for_firm(birch.firm_id).order_by("revision").last()
    assert newest is not None
    assert (newest.revision, newest.cum_quantity, newest.gross) == (2, 40, Decimal("2400.00"))
    assert shares(birch) == {
        "1001": (8, Decimal("480.00")),
        "1002": (20, Decimal("1200.00")),
        "1003": (12, Decimal("720.00")),
    }
    (claimed,) = claim(firm_id=birch.firm_id, worker="test", now=NOW)
    assert claimed.allocation is not None
    assert claimed.allocation.revision == 2
    for child, (quantity, amount) in zip(children(birch), shares(birch).values(), strict=True):
        ref = f"{child.client_order_id}-1"
        take_in(child, allocated(child, 2, str(quantity), str(amount), price="60", ref=ref, kind="CORRECT"))
    assert states(birch) == ["CANCELED"] * 3
    posted = Transaction.objects.for_firm(birch.firm_id).filter(key__startswith="exec:")
    assert sum(row.amount for row in posted) == Decimal("-2400.00")


def test_a_refused_instruction_is_a_break_until_a_later_one_is_taken(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    order = street(birch)
    take_in(order, filled(order, "x1", "100", "60"))
    (claimed,) = claim(firm_id=birch.firm_id, worker="test", now=NOW)
    no = Refused(RefusalReason.INVALID, "422", "the shares come to 100, and 90 were traded")
    record(firm_id=birch.firm_id, answers=[(claimed, no)], capabilities={claimed.line.connection_id: True}, at=NOW)
    open_breaks = ReconBreak.objects.for_firm(birch.firm_id).filter(closed_at=None, kind="ALLOCATION_REFUSED")
    assert "90 were traded" in open_breaks.get().sentence
    take_in(order, filled(order, "c1", "90", "60", kind=Execution.Kind.CORRECT, ref="x1", seconds=3))
    (again,) = claim(firm_id=birch.firm_id, worker="test", now=NOW)
    record(firm_id=birch.firm_id, answers=[(again, Allocated())], capabilities={again.line.connection_id: True}, at=NOW)
    assert not open_breaks.exists()


def test_an_order_taken_back_before_the_block_leaves_is_left_out_of_a_new_one(birch: Birch) -> None:
    three_buys(birch)
    gather(birch)
    second = children(birch)[1]
    cancel_open(firm_id=birch.firm_id, which=Q(pk=second.pk), why="The client called.", at=NOW)
    assert claim(firm_id=birch.firm_id, worker="test", now=NOW) == []
    assert blocks(birch)[0].status == Block.Status.DISSOLVED
    assert states(birch) == ["HELD", "CANCELED", "HELD"]
    leave(birch)
    assert street(birch).quantity == 50
    assert states(birch) == ["SUBMITTING", "CANCELED", "SUBMITTING"]


def test_a_halted_account_drops_out_and_the_others_leave(birch: Birch) -> None:
    three_buys(birch)
    gather(birch)
    account = children(birch)[2].holder_id
    raise_halt(firm_id=birch.firm_id, reason="Death of the client", by="x", at=NOW, scope=Scope(account_id=account))
    assert leave(birch) == []
    leave(birch)
    assert street(birch).quantity == 70
    assert states(birch) == ["SUBMITTING", "SUBMITTING", "HELD"]


def test_a_statement_cannot_be_changed(birch: Birch) -> None:
    three_buys(birch)
    gather(birch)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Block.objects.for_firm(birch.firm_id).update(statement="{}")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Block.objects.for_firm(birch.firm_id).update(statement_sha256="0" * 64)


def test_orders_that_are_alike_in_all_but_the_account_share_a_block() -> None:
    def order(account: int, side: str = "BUY", limit: str | None = None, dollars: str | None = None) -> Order:
        return Order(
            connection_id=1,
            security_id=2,
            account_id=account,
            side=side,
            kind="LIMIT" if limit else "MARKET",
            limit_price=limit and Decimal(limit),
            notional=dollars and Decimal(dollars),
            client_order_id=f"RB-{account}{dollars}",
        )

    alike = [order(1), order(2), order(1), order(3, "SELL"), order(3, limit="60"), order(4, limit="61")]
    dollars = [order(5, dollars="100"), order(6, dollars="200")]
    found = [[one.account_id for one in group] for group in grouped([*alike, *dollars])]
    assert found == [[1, 2], [1], [3], [3], [4], [5], [6]]


def test_orders_wait_for_the_end_of_their_window(birch: Birch) -> None:
    three_buys(birch, minutes=5)
    assert gather(birch, now=NOW + timedelta(seconds=1)) == 0
    assert {order.status_reason for order in children(birch)} == {
        "Leaves in a block with the orders of other accounts."
    }
    assert gather(birch, now=NOW + timedelta(minutes=4)) == 0
    assert gather(birch, now=NOW + timedelta(minutes=5)) == 1


def test_a_small_share_of_a_partial_fill_goes_to_those_who_can_take_it(birch: Birch) -> None:
    three_buys(birch, block_least_shares="5")
    leave(birch)
    order = street(birch)
    take_in(order, filled(order, "x1", "14", "60"), told(order, Said.CANCELED, "end", seconds=5))
    assert {number: quantity for number, (quantity, _) in shares(birch).items()} == {"1001": 0, "1002": 9, "1003": 5}
    assert states(birch) == ["CANCELED", "WORKING", "WORKING"]


def test_what_is_filled_beyond_the_block_is_nobodys(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    take_in(street(birch), filled(street(birch), "x1", "101", "60"))
    assert {number: quantity for number, (quantity, _) in shares(birch).items()} == {"1001": 20, "1002": 50, "1003": 30}
    assert sum(amount or 0 for _, amount in shares(birch).values()) == 6000
    assert ReconBreak.objects.for_firm(birch.firm_id).filter(kind="OVERFILL").count() == 1


def test_sales_keep_the_lots_they_name(birch: Birch) -> None:
    make_block_connection(birch)
    accounts = make_accounts(birch)
    lots = [lot(birch, "VTI-2021-03-03-200"), lot(birch, "VTI-1002"), lot(birch, "VTI-1003")]
    stage(birch, *(sale_of(a, row.pk, "VTI", "10", "300") for a, row in zip(accounts, lots, strict=True)))
    leave(birch)
    take_in(street(birch), filled(street(birch), "x1", "30", "300.01"))
    for child in children(birch):
        take_in(child, allocated(child, 1, "10", "3000.10", price="300.01"))
    for row, left in zip(lots, (190, 90, 90), strict=True):
        row.refresh_from_db()
        assert row.quantity == left
