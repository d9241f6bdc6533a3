"""Factories for orders: a connection, an approved proposal, and deliveries as a custodian would send them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account
from portfolios.models import CashBalance, Lot, Policy, Position, Scan
from rebalancer.engine.calendars import settles_on
from tests.worlds import NOW, TODAY, World
from trading.models import (
    Approval,
    BrokerConnection,
    Execution,
    Order,
    OrderTransition,
    Proposal,
    ProposalAccount,
)
from trading.services.deliveries import Delivery, Report, Said
from trading.services.inbox import Tally, receive
from trading.services.orders import stage_orders
from trading.services.outbox import claim
from trading.services.waves import release_waves

HASH = "a" * 64


def make_connection(world: World, **changes: Any) -> BrokerConnection:
    values: dict[str, Any] = {
        "custodian": world.account.custodian,
        "adapter": "SIMULATOR",
        "environment": "SIMULATOR",
        "credentials_ref": f"{world.slug}-schwab",
        "capabilities": {"always_open": True},
    }
    row = BrokerConnection(firm_id=world.firm_id)
    for name, value in {**values, **changes}.items():
        setattr(row, name, value)
    row.save()
    return row


def set_guards(world: World, **limits: str) -> None:
    """The firm's limits for its orders, as its parameter file writes them."""
    lines = "\n".join(f"{name} = {value}" for name, value in limits.items())
    Policy.objects.for_firm(world.firm_id).create(
        level="FIRM", version=1, toml=f"[guards]\n{lines}\n", created_by="test", created_at=NOW
    )


def set_execution(world: World, **terms: str) -> None:
    """How the firm's orders leave, as its parameter file writes it."""
    lines = "\n".join(f"{name} = {value}" for name, value in terms.items())
    Policy.objects.for_firm(world.firm_id).create(
        level="FIRM", version=1, toml=f"[execution]\n{lines}\n", created_by="test", created_at=NOW
    )


def lot(world: World, key: str) -> Lot:
    return Lot.objects.for_firm(world.firm_id).get(lot_key=key)


def sell(world: World, symbol: str, *named: tuple[str, str], price: str) -> dict[str, Any]:
    """A trade of a proposal; lots as (key, quantity)."""
    quantity = sum((Decimal(part) for _, part in named), Decimal(0))
    lots = [{"lot_id": str(lot(world, key).pk), "quantity": part} for key, part in named]
    return trade("SELL", symbol, quantity, price, lots)


def buy(symbol: str, quantity: str, *, price: str) -> dict[str, Any]:
    return trade("BUY", symbol, Decimal(quantity), price, [])


def trade(side: str, symbol: str, quantity: Decimal, price: str, lots: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "side": side,
        "quantity": str(quantity),
        "price": price,
        "amount": str(quantity * Decimal(price)),
        "reason": "DRIFT",
        "sentence": "Back to target.",
        "lots": lots,
    }


def make_proposal(
    world: World, trades: Sequence[dict[str, Any]], *, approved_by: Sequence[str] = ("ADVISER",)
) -> Proposal:
    scan = Scan.objects.for_firm(world.firm_id).create(
        as_of=TODAY, requested_by="test", started_at=NOW, status=Scan.Status.DONE, accounts_total=1
    )
    zero = Decimal(0)
    proposal = Proposal.objects.for_firm(world.firm_id).create(
        household=world.household, scan=scan, status=Proposal.Status.APPROVED, as_of=TODAY, created_at=NOW,
        account_count=1, trade_count=len(trades), value=zero, turnover=zero, drift_before=zero, drift_after=zero,
        gain_short=zero, gain_long=zero, tax=zero, cost=zero, engine_version="test", inputs_sha256=HASH,
        content_sha256=HASH,
    )  # fmt: skip
    ProposalAccount.objects.for_firm(world.firm_id).create(
        proposal=proposal, account=world.account, model_version_id=world.version.pk, trades=list(trades), skipped=[],
        figures={}, inputs={},
    )  # fmt: skip
    for role in approved_by:
        Approval.objects.for_firm(world.firm_id).create(
            proposal=proposal, member_id=world.members[role].id, decision="APPROVE", content_sha256=HASH, decided_at=NOW
        )
    return proposal


def stage(world: World, *trades: dict[str, Any]) -> list[Order]:
    """Orders of an approved proposal, in order."""
    stage_orders(firm_id=world.firm_id, proposal=make_proposal(world, trades), approved_by="ann@example.com", at=NOW)
    return orders(world)


def orders(world: World) -> list[Order]:
    return list(Order.objects.for_firm(world.firm_id).order_by("id"))


def sent(world: World, *trades: dict[str, Any]) -> list[Order]:
    """Staged orders of which those that may go are on the wire."""
    stage(world, *trades)
    claim_all(world)
    return orders(world)


def claim_all(world: World) -> None:
    """Release what may go, and lease it as a sender does."""
    release_waves(firm_id=world.firm_id, now=NOW)
    claim(firm_id=world.firm_id, worker="test", now=NOW)


def statuses(world: World) -> list[str]:
    return [order.status for order in orders(world)]


def story(order: Order) -> list[str]:
    rows = OrderTransition.objects.for_firm(order.firm_id).filter(order=order).order_by("id")
    return [row.to_status for row in rows]


def told(order: Order, said: Said, name: str, *, seconds: int = 0, **changes: Any) -> Delivery:
    return Delivery(
        **{
            "channel": "STREAM",
            "source_event_id": f"{order.client_order_id}-{name}",
            "said": said,
            "word": said.lower(),
            "client_order_id": order.client_order_id,
            "broker_order_id": f"B-{order.client_order_id}",
            "occurred_at": NOW + timedelta(seconds=seconds),
            "message": {"name": name},
            **changes,
        }
    )


def filled(
    order: Order,
    exec_id: str,
    quantity: str,
    price: str,
    *,
    seconds: int = 0,
    kind: Execution.Kind = Execution.Kind.NEW,
    ref: str = "",
    name: str = "",
    fees: str | None = "0",
    at: datetime = NOW,
) -> Delivery:
    report = Report(
        exec_id=exec_id,
        kind=kind,
        quantity=Decimal(quantity),
        price=Decimal(price),
        executed_at=at + timedelta(seconds=seconds),
        trade_on=TODAY,
        settle_on=settles_on(TODAY),
        ref_exec_id=ref,
        fees=None if fees is None else Decimal(fees),
    )
    return told(order, Said.EXECUTION, name or exec_id, seconds=seconds, execution=report)


def held(world: World, account: Account | None = None) -> dict[str, Decimal]:
    """Shares by symbol, without what is gone."""
    rows = Position.objects.for_firm(world.firm_id).filter(account=account or world.account).exclude(quantity=0)
    return dict(rows.values_list("security__symbol", "quantity"))


def lots_held(world: World) -> list[tuple[str, Decimal, Decimal | None]]:
    """Symbol, quantity and basis of every lot that holds shares."""
    rows = Lot.objects.for_firm(world.firm_id).filter(account=world.account, quantity__gt=0)
    found = rows.values_list("security__symbol", "quantity", "cost_basis", "acquired_on")
    return [row[:3] for row in sorted(found, key=lambda row: (row[0], row[3], row[1]))]


def cash(world: World) -> tuple[Decimal, Decimal]:
    row = CashBalance.objects.for_firm(world.firm_id).get(account=world.account)
    return row.settled, row.unsettled


def take_in(order: Order, *deliveries: Delivery) -> Tally:
    return receive(firm_id=order.firm_id, connection_id=order.connection_id, deliveries=deliveries, at=NOW)
