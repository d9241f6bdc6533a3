"""Three accounts of a household at a custodian that trades in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Account
from portfolios.models import Scan, Security
from tests.trading.worlds import HASH, filled, make_connection, set_execution, told
from tests.worlds import NOW, TODAY, World, make_account, make_lot
from trading.models import (
    Allocation,
    Approval,
    Block,
    BrokerConnection,
    Order,
    OrderCommand,
    Proposal,
    ProposalAccount,
)
from trading.services.blocks.gathering import gather_blocks
from trading.services.deliveries import Said
from trading.services.inbox import receive
from trading.services.orders import stage_orders
from trading.services.outbox import claim
from trading.services.waves import release_waves


def make_accounts(world: World) -> list[Account]:
    """Two more accounts with cash and VTI beside the world's own."""
    found = [world.account]
    for number in ("1002", "1003"):
        account = make_account(world.firm_id, world.household, number=number, cash="50000.00")
        make_lot(world.firm_id, account, "VTI", "100", basis="20000.00", key=f"VTI-{number}")
        found.append(account)
    return found


def make_block_connection(world: World, *, minutes: int = 0, **more: str) -> BrokerConnection:
    set_execution(world, block_window_minutes=str(minutes), **more)
    return make_connection(world, capabilities={"always_open": True, "block_account": f"AVG-{world.slug}"})


def buy_of(account: Account, symbol: str, quantity: str, price: str) -> tuple[Account, dict[str, Any]]:
    return account, _trade("BUY", symbol, quantity, price, [])


def sale_of(account: Account, lot_id: int, symbol: str, quantity: str, price: str) -> tuple[Account, dict[str, Any]]:
    return account, _trade("SELL", symbol, quantity, price, [{"lot_id": str(lot_id), "quantity": quantity}])


def _trade(side: str, symbol: str, quantity: str, price: str, lots: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "price": price,
        "amount": str(Decimal(quantity) * Decimal(price)),
        "reason": "DRIFT",
        "sentence": "Back to target.",
        "lots": lots,
    }


def stage(world: World, *trades: tuple[Account, dict[str, Any]]) -> list[Order]:
    """Orders of an approved proposal over several accounts."""
    zero = Decimal(0)
    scan = Scan.objects.for_firm(world.firm_id).create(
        as_of=TODAY, requested_by="test", started_at=NOW, status=Scan.Status.DONE, accounts_total=1
    )
    proposal = Proposal.objects.for_firm(world.firm_id).create(
        household=world.household, scan=scan, status=Proposal.Status.APPROVED, as_of=TODAY, created_at=NOW,
        account_count=len(trades), trade_count=len(trades), value=zero, turnover=zero, drift_before=zero,
        drift_after=zero, gain_short=zero, gain_long=zero, tax=zero, cost=zero, engine_version="test",
        inputs_sha256=HASH, content_sha256=HASH,
    )  # fmt: skip
    by_account: dict[Account, list[dict[str, Any]]] = {}
    for account, trade in trades:
        by_account.setdefault(account, []).append(trade)
    for account, made in by_account.items():
        ProposalAccount.objects.for_firm(world.firm_id).create(
            proposal=proposal, account=account, model_version_id=world.version.pk, trades=made, skipped=[],
            figures={}, inputs={},
        )  # fmt: skip
    Approval.objects.for_firm(world.firm_id).create(
        proposal=proposal,
        member_id=world.members["ADVISER"].id,
        decision="APPROVE",
        content_sha256=HASH,
        decided_at=NOW,
    )
    stage_orders(firm_id=world.firm_id, proposal=proposal, approved_by="ann@example.com", at=NOW)
    return children(world)


def three_buys(world: World, *, minutes: int = 0, **more: str) -> list[Order]:
    make_block_connection(world, minutes=minutes, **more)
    first, second, third = make_accounts(world)
    return stage(
        world, buy_of(first, "VEA", "20", "60"), buy_of(second, "VEA", "50", "60"), buy_of(third, "VEA", "30", "60")
    )


def shares(world: World) -> dict[str, tuple[Decimal, Decimal | None]]:
    rows = Allocation.objects.for_firm(world.firm_id).exclude(block__status=Block.Status.DISSOLVED)
    found = rows.order_by("order_id").values_list("account__number", "allocated_quantity", "amount")
    return {number: (quantity, amount) for number, quantity, amount in found}


def children(world: World) -> list[Order]:
    return list(Order.objects.for_firm(world.firm_id).filter(role=Order.Role.ACCOUNT).order_by("id"))


def street(world: World) -> Order:
    """The block's order that has not been taken apart."""
    rows = Order.objects.for_firm(world.firm_id).filter(role=Order.Role.BLOCK)
    return rows.exclude(block__status=Block.Status.DISSOLVED).get()


def blocks(world: World) -> list[Block]:
    return list(Block.objects.for_firm(world.firm_id).order_by("id"))


def commands(world: World, kind: str = "SUBMIT") -> list[OrderCommand]:
    return list(OrderCommand.objects.for_firm(world.firm_id).filter(kind=kind).order_by("id"))


def gather(world: World, *, now: Any = NOW) -> int:
    release_waves(firm_id=world.firm_id, now=now)
    return gather_blocks(firm_id=world.firm_id, now=now)


def leave(world: World) -> Sequence[Any]:
    """Release, gather and claim: what is on the wire then."""
    gather(world)
    return claim(firm_id=world.firm_id, worker="test", now=NOW)


def make_bare_block(world: World) -> Block:
    """A block without orders, on the firm's first connection."""
    connection = BrokerConnection.objects.for_firm(world.firm_id).order_by("id").first()
    assert connection is not None
    return Block.objects.for_firm(world.firm_id).create(
        connection=connection,
        custodian_id=connection.custodian_id,
        security=Security.objects.get(symbol="VEA"),
        side="BUY",
        window="test",
        statement="{}",
        statement_sha256="",
        created_at=NOW,
    )


def make_block(world: World, *, at: datetime = NOW) -> Block:
    """A block of three accounts that is partly filled, and was shared out then."""
    three_buys(world)
    leave(world)
    order = street(world)
    said = (filled(order, "x1", "33", "60"), told(order, Said.CANCELED, "end", seconds=5))
    receive(firm_id=world.firm_id, connection_id=order.connection_id, deliveries=said, at=at)
    return blocks(world)[-1]
