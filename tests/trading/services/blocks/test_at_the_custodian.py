"""Blocks at the simulated custodian: traded in the average-price account, shared out, and shared out anew."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from tests.trading.conftest import PATIENCE_SECONDS, Exchange, Market, open_market
from tests.trading.services.blocks.shared import blocks, buy_of, children, make_accounts, sale_of, stage, street
from tests.trading.worlds import lot, set_execution
from tests.worlds import Birch
from trading.connections import simulator_credentials
from trading.models import Allocation, AllocationInstruction, Block
from trading.selectors.invariants import breaches
from trading.services.outbox import send_due
from trading.services.reconcile import reconcile
from trading.services.streams import pull_events


@pytest.fixture
def hall(market: Market) -> Market:
    """The market with two more accounts, where blocks are traded in an account of the firm's own."""
    world, ref = market.world, market.connection.credentials_ref
    set_execution(world, block_window_minutes="0")
    accounts = make_accounts(world)
    for account in accounts[1:]:
        account.number = f"{account.number}-{ref}"
        account.save(update_fields=["number"])
    capabilities = {"always_open": True, "block_account": f"AVG-{ref}"}
    type(market.connection).objects.for_firm(world.firm_id).update(capabilities=capabilities)
    key_id, _ = simulator_credentials(ref)
    held = [{"symbol": "VTI", "qty": "100"}]
    rows = [
        {"account_number": account.number, "key_id": key_id, "cash": "50000", "positions": held}
        for account in accounts[1:]
    ]
    pool = {"account_number": f"AVG-{ref}", "key_id": key_id, "cash": "0", "kind": "AVERAGE_PRICE"}
    market.exchange.put("/simulator/load", {"accounts": [*rows, pool]}, "POST")
    return market


def accounts_of(market: Market) -> list[Account]:
    return list(Account.objects.for_firm(market.firm_id).order_by("id"))


def three_buys(market: Market) -> None:
    first, second, third = accounts_of(market)
    wanted = ((first, "20"), (second, "51"), (third, "31"))
    stage(market.world, *(buy_of(account, "VEA", quantity, "60") for account, quantity in wanted))


def trade(market: Market, until: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until():
        send_due(firm_id=market.firm_id, now=timezone.now(), worker="test")
        pull_events(firm_id=market.firm_id, connection_id=market.connection.pk, now=timezone.now())
        assert time.monotonic() < deadline, [(order.status, order.status_reason) for order in children(market.world)]


def all_ended(market: Market) -> Any:
    return lambda: {order.status for order in children(market.world)} <= {"FILLED", "CANCELED", "REJECTED"}


def pool_of(market: Market) -> Mapping[str, Any]:
    rows = market.exchange.put("/simulator/accounts", None, "GET")
    found: Mapping[str, Any] = next(
        row for row in rows if row["account_number"] == f"AVG-{market.connection.credentials_ref}"
    )
    return found


def assert_books_agree(market: Market) -> None:
    told = reconcile(firm_id=market.firm_id, now=timezone.now())
    assert (told.cash_difference_cents, told.share_differences, told.not_asked) == (0, 0, 0)
    assert not breaches(market.firm_id).any()
    assert (pool_of(market)["positions"], Decimal(pool_of(market)["cash"])) == ({}, 0)


def test_a_block_is_traded_shared_out_and_reconciles_to_the_cent(hall: Market) -> None:
    hall.exchange.put("/simulator/faults", [{"kind": "PARTIAL"}])
    three_buys(hall)
    trade(hall, all_ended(hall))
    assert [order.cum_quantity for order in children(hall.world)] == [20, 51, 31]
    assert {order.status for order in children(hall.world)} == {"FILLED"}
    assert blocks(hall.world)[0].status == Block.Status.ALLOCATED
    assert_books_agree(hall)


def test_an_instruction_that_was_taken_without_an_answer_is_given_again(hall: Market) -> None:
    hall.exchange.put("/simulator/faults", [{"kind": "ACCEPT_THEN_504", "times": 2}])
    three_buys(hall)
    trade(hall, lambda: all_ended(hall)() and blocks(hall.world)[0].status == Block.Status.ALLOCATED)
    assert [order.cum_quantity for order in children(hall.world)] == [20, 51, 31]
    assert AllocationInstruction.objects.for_firm(hall.firm_id).count() == 1
    assert_books_agree(hall)


@pytest.mark.parametrize("kind", ["BUST", "CORRECT"])
def test_what_changes_after_the_allocation_is_shared_out_anew(hall: Market, kind: str) -> None:
    hall.exchange.put("/simulator/faults", [{"kind": "PARTIAL"}, {"kind": kind, "times": 1, "seconds": 1}])
    three_buys(hall)
    instructions = AllocationInstruction.objects.for_firm(hall.firm_id)
    trade(hall, lambda: instructions.filter(revision=2).exclude(acknowledged_at=None).exists())
    hall.pull()
    trade(hall, lambda: _is_given(hall))
    assert_books_agree(hall)


def _is_given(market: Market) -> bool:
    rows = Allocation.objects.for_firm(market.firm_id).values_list("order__cum_quantity", "allocated_quantity")
    return all(has == given for has, given in rows) and all_ended(market)()


def test_a_sale_and_a_refusal_in_blocks(hall: Market) -> None:
    hall.exchange.put("/simulator/faults", [{"kind": "REJECT", "symbol": "VEA"}])
    accounts = accounts_of(hall)
    lots = [lot(hall.world, key) for key in ("VTI-2021-03-03-200", "VTI-1002", "VTI-1003")]
    sales = [sale_of(a, row.pk, "VTI", "10", "300") for a, row in zip(accounts, lots, strict=True)]
    stage(hall.world, *sales, *(buy_of(account, "VEA", "5", "60") for account in accounts))
    trade(hall, all_ended(hall))
    assert [order.status for order in children(hall.world)].count("FILLED") == 3
    refused = [order for order in children(hall.world) if order.status == "REJECTED"]
    assert len(refused) == 3
    assert all(order.status_reason for order in refused)
    assert_books_agree(hall)


def test_two_firms_never_share_a_block(hall: Market, cedar: Birch, exchange: Exchange) -> None:
    with cedar.scope():
        other = open_market(cedar, exchange)
        assert other.connection.credentials_ref != hall.connection.credentials_ref
    three_buys(hall)
    trade(hall, all_ended(hall))
    assert street(hall.world).quantity == 102
    with cedar.scope():
        assert Block.objects.for_firm(cedar.firm_id).count() == 0
