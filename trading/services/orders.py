"""Making orders from an approved proposal, and cancelling them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.services import audit
from accounts.tenancy import firm_scope
from portfolios.models import Lot
from portfolios.selectors.execution import execution_terms
from portfolios.selectors.market_rules import tick_sizes
from portfolios.selectors.quotes import Quote
from rebalancer.engine.fees import Side
from trading.lifecycle import AT_CUSTODIAN, TERMINAL, OrderStatus
from trading.models import (
    BrokerConnection,
    Order,
    OrderCommand,
    OrderLot,
    OrderTransition,
    Proposal,
    ProposalAccount,
    RebalanceRun,
)
from trading.services.construction.names import client_order_id
from trading.services.construction.slices import session_of_part
from trading.services.construction.trades import Trade, constructed, trades_of
from trading.services.limits import marketable_limit
from trading.services.moves import Moves
from trading.services.stops import hold_staged

SELL_WAVE, BUY_WAVE = 1, 2
CANCEL_PRIORITY = 1


class NoConnection(RuntimeError):
    """The firm has no line to the custodian of an account."""


class UnknownLot(RuntimeError):
    """A proposal names a lot that the account does not have, or does not name every share it sells."""


class OrderNotFound(LookupError):
    """The firm has no such order."""


class OrderHasEnded(RuntimeError):
    """There is nothing left to cancel."""


class OrderInBlock(RuntimeError):
    """The order left together with other accounts' orders and cannot be taken back alone."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """The orders that proposals would make, and by proposal why some cannot be made."""

    trades: Sequence[Trade]
    refused: Mapping[int, NoConnection | UnknownLot]
    skipped: Mapping[int, list[dict[str, Any]]]
    """What is left out of each proposal, as its run will keep it."""


def stage_orders(*, firm_id: int, proposal: Proposal, approved_by: str, at: datetime) -> RebalanceRun:
    """Write down the orders of an approved proposal, in the caller's transaction; nothing goes on the wire here.

    Sells are the first wave and name their lots; buys are the second.

    :raises NoConnection: if an account's custodian cannot be reached by this firm
    :raises UnknownLot: if a sell names a lot that is not the account's, or its lots do not sum to its quantity
    """
    drafts = draft_orders(firm_id=firm_id, proposals=[proposal])
    if proposal.pk in drafts.refused:
        raise drafts.refused[proposal.pk]
    (run,) = stage_drafts(firm_id=firm_id, proposals=[proposal], drafts=drafts, approved_by=approved_by, at=at)
    return run


def draft_orders(*, firm_id: int, proposals: Sequence[Proposal]) -> Drafts:
    """What the orders of these proposals would be; nothing is written."""
    parts = list(
        ProposalAccount.objects.for_firm(firm_id)
        .filter(proposal__in=proposals)
        .select_related("account__custodian")
        .defer("scenarios", "figures", "skipped", "inputs")
        .order_by("proposal_id", "id")
    )
    lines = _connections(firm_id)
    refused: dict[int, NoConnection | UnknownLot] = {}
    for part in parts:
        if part.trades and part.account.custodian_id not in lines:
            refused[part.proposal_id] = NoConnection(
                f"There is no connection to {part.account.custodian.name}, where {part.account} is held."
            )
    reachable = [part for part in parts if part.proposal_id not in refused]
    trades, skipped = constructed(trades_of(firm_id, reachable, lines), execution_terms(firm_id))
    refused.update(_wrong_lots(firm_id, trades))
    return Drafts([trade for trade in trades if trade.proposal_id not in refused], refused, skipped)


def stage_drafts(
    *, firm_id: int, proposals: Sequence[Proposal], drafts: Drafts, approved_by: str, at: datetime
) -> list[RebalanceRun]:
    """Write down the drafted orders of approved proposals, in the caller's transaction: a run for each proposal."""
    terms = execution_terms(firm_id)
    runs = RebalanceRun.objects.for_firm(firm_id).bulk_create(
        RebalanceRun(
            proposal=proposal,
            content_sha256=proposal.content_sha256,
            approved_by=approved_by,
            settlement=terms.settlement,
            haircut=terms.settlement_haircut_weight,
            skipped=drafts.skipped.get(proposal.pk, []),
            created_at=at,
        )
        for proposal in proposals
    )
    by_proposal = {run.proposal_id: run for run in runs}
    trades = [trade for trade in drafts.trades if trade.proposal_id in by_proposal]
    increments = tick_sizes(sorted({trade.security.pk for trade in trades}), on=timezone.localdate(at))
    orders = [_order(by_proposal[trade.proposal_id], trade, increments.get(trade.security.pk), at) for trade in trades]
    Order.objects.for_firm(firm_id).bulk_create(orders)
    _name_lots(firm_id, orders, trades)
    OrderTransition.objects.for_firm(firm_id).bulk_create(
        OrderTransition(order=order, from_status="", to_status=order.status, at=at, cause=f"Approved by {approved_by}.")
        for order in orders
    )
    hold_staged(firm_id=firm_id, orders=orders, at=at)
    count = Counter(trade.proposal_id for trade in trades)
    audit.record_each(
        firm_id=firm_id,
        at=at,
        actor=approved_by,
        action="ORDERS_STAGED",
        subject="proposal",
        payloads={
            run.proposal_id: {"run": run.pk, "orders": count[run.proposal_id], "content_sha256": run.content_sha256}
            for run in runs
        },
    )
    return runs


def cancel_order(*, firm_id: int, order_id: int, by: str, at: datetime) -> OrderStatus:
    """Cancel an order here if it has not left, else ask the custodian to; gives back the state it is in now.

    :raises OrderNotFound: if the firm has no such order
    A block's order takes the orders of its accounts along.

    :raises OrderHasEnded: if it has ended already
    :raises OrderInBlock: if it has left in a block
    """
    with firm_scope(firm_id):
        order = Order.objects.for_firm(firm_id).select_for_update().filter(pk=order_id).first()
        if order is None:
            raise OrderNotFound(order_id)
        status = OrderStatus(order.status)
        if status in TERMINAL:
            raise OrderHasEnded(f"This order is already {status.label.lower()}; there is nothing left to cancel.")
        if status in AT_CUSTODIAN and order.role == Order.Role.ACCOUNT and order.block_id is not None:
            raise OrderInBlock(
                "This order left in a block with the orders of other accounts. It cannot be cancelled alone: cancel "
                "the block's order, for all of them."
            )
        if status in AT_CUSTODIAN:
            _ask_to_cancel(order, at)
        else:
            _cancel_here(order, by, at)
        audit.record(
            firm_id=firm_id, at=at, actor=by, action="ORDER_CANCEL", subject="order", subject_id=order.pk, was=status
        )
        return OrderStatus(order.status)


def _connections(firm_id: int) -> dict[int, BrokerConnection]:
    """The firm's line to each custodian; of several the first."""
    rows = BrokerConnection.objects.for_firm(firm_id).select_related("custodian").order_by("-id")
    return {line.custodian_id: line for line in rows}


def _order(run: RebalanceRun, trade: Trade, increment: Decimal | None, at: datetime) -> Order:
    price = Decimal(trade.trade["price"])
    quote = trade.quote or Quote(timezone.localdate(at), price, price, price)
    return Order(
        run=run,
        connection=trade.connection,
        account=trade.account,
        security=trade.security,
        client_order_id=client_order_id(run.proposal, *trade.economics),
        side=trade.side,
        quantity=Decimal(trade.trade["quantity"]),
        kind=trade.kind,
        limit_price=marketable_limit(trade.side, quote, increment) if trade.kind == Order.Kind.LIMIT else None,
        reference_price=price,
        notional=trade.dollars,
        tier=trade.tier,
        wave=SELL_WAVE if trade.side is Side.SELL else BUY_WAVE,
        part=trade.part,
        parts=trade.parts,
        not_before=session_of_part(trade.session, at),
        created_at=at,
        updated_at=at,
    )


def _wrong_lots(firm_id: int, trades: Sequence[Trade]) -> dict[int, UnknownLot]:
    """By proposal, the first sale that names shares which are not its account's."""
    sells = [trade for trade in trades if trade.side is Side.SELL]
    homes = dict(_lot_homes(firm_id, {lot_id for trade in sells for lot_id, _ in trade.lots}))
    wrong: dict[int, UnknownLot] = {}
    for trade in sells:
        if sum(quantity for _, quantity in trade.lots) != Decimal(trade.trade["quantity"]):
            told = f"The lots of the {trade.security} sale in {trade.account} do not sum to its shares."
            wrong.setdefault(trade.proposal_id, UnknownLot(told))
        for lot_id, _ in trade.lots:
            if homes.get(lot_id) != (trade.account.pk, trade.security.pk):
                told = f"{trade.account} has no lot {lot_id} of {trade.security}. Scan again."
                wrong.setdefault(trade.proposal_id, UnknownLot(told))
    return wrong


def _name_lots(firm_id: int, orders: Sequence[Order], trades: Sequence[Trade]) -> None:
    OrderLot.objects.for_firm(firm_id).bulk_create(
        OrderLot(order=order, lot_id=lot_id, position=position, quantity=quantity)
        for order, trade in zip(orders, trades, strict=True)
        if trade.side is Side.SELL
        for position, (lot_id, quantity) in enumerate(trade.lots)
    )


def _lot_homes(firm_id: int, lot_ids: Iterable[int]) -> Iterable[tuple[int, tuple[int, int]]]:
    rows = Lot.objects.for_firm(firm_id).filter(pk__in=lot_ids).order_by("id")
    return ((pk, (account, security)) for pk, account, security in rows.values_list("id", "account_id", "security_id"))


def _ask_to_cancel(order: Order, at: datetime) -> None:
    OrderCommand.objects.for_firm(order.firm_id).update_or_create(
        idempotency_key=order.client_order_id,
        kind=OrderCommand.Kind.CANCEL,
        defaults={
            "order": order,
            "status": OrderCommand.Status.READY,
            "priority": CANCEL_PRIORITY,
            "not_before": at,
            "outcome": "",
        },
    )


def _cancel_here(order: Order, by: str, at: datetime) -> None:
    moves = Moves(order.firm_id, at)
    why = f"Cancelled by {by} before it was sent."
    for one in (order, *_with_it(order)):
        one.status_reason = why
        moves.move(one, OrderStatus.CANCELED, why)
    moves.write()
    OrderCommand.objects.for_firm(order.firm_id).filter(order=order, status=OrderCommand.Status.READY).update(
        status=OrderCommand.Status.DONE, outcome="cancelled before it was sent"
    )


def _with_it(order: Order) -> list[Order]:
    """The orders that a block's order stands for and that have not left."""
    if order.role != Order.Role.BLOCK:
        return []
    rows = Order.objects.for_firm(order.firm_id).filter(block_id=order.block_key, role=Order.Role.ACCOUNT)
    return list(rows.filter(status=OrderStatus.READY).select_for_update().order_by("id"))
