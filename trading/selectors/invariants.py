"""What must be true of a firm's orders at any time, counted: every figure but the totals is a number of breaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from django.db.models import F, Sum

from accounts.tenancy import TenantQuerySet
from portfolios.models import Transaction
from rebalancer.engine.money import ZERO, cents, times
from trading.lifecycle import AT_CUSTODIAN, MOVES, TERMINAL, OrderStatus
from trading.models import Allocation, Approval, Block, Execution, InboundEvent, Order, OrderTransition

Place = tuple[int, int]
"""An account and a security."""


@dataclass(frozen=True, slots=True)
class Breaches:
    """How many rows break a rule.

    `unexplained` are orders that have neither ended nor say why they have not, and orders that need a person and do
    not say so. `ledger_shares` and `ledger_cents` are the differences between live executions and the ledger, over all
    accounts and securities, as absolute sums.
    """

    executions_not_summed: int
    overfilled_unflagged: int
    executions_unposted: int
    ledger_shares: Decimal
    ledger_cents: int
    unexplained: int
    moves_without_cause: int
    moves_forbidden: int
    moves_broken: int
    without_approval: int
    events_in_conflict: int
    allocations_not_summed: int

    def any(self) -> bool:
        return any(asdict(self).values())


def breaches(firm_id: int) -> Breaches:
    """Look at everything a firm ever ordered."""
    executions = list(
        Execution.objects.for_firm(firm_id).select_related("order").exclude(order__role=Order.Role.BLOCK).order_by("id")
    )
    shares, dollars = _ledger_differences(firm_id, executions)
    moves = _moves(firm_id)
    return Breaches(
        executions_not_summed=_not_summed(firm_id),
        overfilled_unflagged=_orders(firm_id)
        .filter(cum_quantity__gt=F("quantity"), notional=None, needs_review=False)
        .count(),
        executions_unposted=sum(row.posted_at is None and not row.order.needs_review for row in executions),
        ledger_shares=shares,
        ledger_cents=dollars,
        unexplained=_unexplained(firm_id),
        moves_without_cause=sum(not move.cause for move in moves),
        moves_forbidden=sum(not _allowed(move) for move in moves),
        moves_broken=_broken(firm_id, moves),
        without_approval=_without_approval(firm_id),
        events_in_conflict=_conflicts(firm_id),
        allocations_not_summed=_allocations(firm_id),
    )


def _orders(firm_id: int) -> TenantQuerySet[Order]:
    return Order.objects.for_firm(firm_id)


def _not_summed(firm_id: int) -> int:
    """Orders whose filled quantity is not the sum of their live executions."""
    sums = dict(
        Execution.objects.for_firm(firm_id).filter(is_live=True).values_list("order_id").annotate(Sum("quantity"))
    )
    filled = _orders(firm_id).values_list("id", "cum_quantity")
    return sum(sums.get(pk, ZERO) != quantity for pk, quantity in filled)


def _ledger_differences(firm_id: int, executions: Sequence[Execution]) -> tuple[Decimal, int]:
    """Absolute differences in shares and in cents, by account and security, between live executions and postings."""
    shares: dict[Place, Decimal] = defaultdict(Decimal)
    dollars: dict[Place, Decimal] = defaultdict(Decimal)
    for row in executions:
        if row.is_live and row.kind != Execution.Kind.BUST and row.posted_at is not None:
            sign = 1 if row.order.side == Order.Side.BUY else -1
            gross = cents(times(row.quantity, row.price)) if row.gross is None else row.gross
            place = (row.order.holder_id, row.order.security_id)
            shares[place] += sign * row.quantity
            dollars[place] -= sign * gross + row.fees
    posted = Transaction.objects.for_firm(firm_id).filter(key__startswith="exec:").values("account_id", "security_id")
    for account, security, quantity, amount in posted.annotate(Sum("quantity"), Sum("amount")).values_list(
        "account_id", "security_id", "quantity__sum", "amount__sum"
    ):
        shares[account, security] -= quantity
        dollars[account, security] -= amount
    return sum(map(abs, shares.values()), ZERO), int(sum(map(abs, dollars.values()), ZERO) * 100)


def _unexplained(firm_id: int) -> int:
    open_orders = _orders(firm_id).exclude(status__in=TERMINAL)
    silent = open_orders.filter(status_reason="", needs_review=False).exclude(status__in=AT_CUSTODIAN)
    lost = open_orders.filter(status__in=(OrderStatus.SUBMITTING, OrderStatus.UNKNOWN), needs_review=False)
    ended = _orders(firm_id).filter(status__in=(OrderStatus.REJECTED, OrderStatus.DENIED), status_reason="")
    return sum(rows.count() for rows in (silent, lost, ended))


def _moves(firm_id: int) -> list[OrderTransition]:
    return list(OrderTransition.objects.for_firm(firm_id).order_by("order_id", "id"))


def _allowed(move: OrderTransition) -> bool:
    if not move.from_status:
        return move.to_status == OrderStatus.STAGED or move.order.role == Order.Role.EXTERNAL
    return OrderStatus(move.to_status) in MOVES[OrderStatus(move.from_status)]


def _broken(firm_id: int, moves: Iterable[OrderTransition]) -> int:
    """Orders whose moves do not lead from the first state to the present one, each from where the last one ended."""
    at: dict[int, str] = {}
    broken = set()
    for move in moves:
        if at.get(move.order_id, "") != move.from_status:
            broken.add(move.order_id)
        at[move.order_id] = move.to_status
    present = dict(_orders(firm_id).values_list("id", "status"))
    return len(broken | {pk for pk, status in present.items() if at.get(pk) != status})


def _without_approval(firm_id: int) -> int:
    """Orders of ours whose run is of another content than was approved, or that too few people approved."""
    runs = {order.run_id: order.run for order in _ours(firm_id).select_related("run__proposal")}
    given: Mapping[tuple[int, str], int] = _approvals(firm_id)
    bad = set()
    for pk, run in runs.items():
        if run is None:
            bad.add(pk)
            continue
        needed = 2 if run.proposal.needs_two else 1
        same = run.content_sha256 == run.proposal.content_sha256
        if not same or given.get((run.proposal_id, run.content_sha256), 0) < needed:
            bad.add(pk)
    return sum(run in bad for run in _ours(firm_id).values_list("run_id", flat=True))


def _ours(firm_id: int) -> TenantQuerySet[Order]:
    return _orders(firm_id).filter(role=Order.Role.ACCOUNT)


def _approvals(firm_id: int) -> dict[tuple[int, str], int]:
    counts: dict[tuple[int, str], int] = defaultdict(int)
    rows = Approval.objects.for_firm(firm_id).filter(decision=Approval.Decision.APPROVE)
    for place in rows.values_list("proposal_id", "content_sha256"):
        counts[place] += 1
    return counts


def _conflicts(firm_id: int) -> int:
    """Deliveries that contradict the books and about which no order says that a person must look."""
    rows = InboundEvent.objects.for_firm(firm_id).filter(result=InboundEvent.Result.CONFLICT)
    return rows.exclude(order__needs_review=True).count()


def _allocations(firm_id: int) -> int:
    """Blocks that gave out more or less, in shares or cents, than their order got; and shares that did not arrive.

    What was filled beyond the block is nobody's.
    """
    streets = _orders(firm_id).filter(role=Order.Role.BLOCK, block__status=Block.Status.ALLOCATED)
    rows = Allocation.objects.for_firm(firm_id).filter(block__in=streets.values("block_id"))
    given = {
        block: (shares, dollars or ZERO)
        for block, shares, dollars in rows.values_list("block_id").annotate(Sum("allocated_quantity"), Sum("amount"))
    }
    got = _traded(firm_id)
    unequal = sum(
        given.get(block) != got.get(pk, (ZERO, ZERO))
        for pk, block, cum, wanted in streets.values_list("id", "block_id", "cum_quantity", "quantity")
        if cum <= wanted
    )
    return unequal + rows.exclude(order__cum_quantity=F("allocated_quantity")).count()


def _traded(firm_id: int) -> dict[int, tuple[Decimal, Decimal]]:
    """Shares and dollars of the live executions of orders to the street."""
    found: dict[int, tuple[Decimal, Decimal]] = {}
    rows = Execution.objects.for_firm(firm_id).filter(order__role=Order.Role.BLOCK, is_live=True)
    for pk, quantity, price in rows.values_list("order_id", "quantity", "price"):
        shares, dollars = found.get(pk, (ZERO, ZERO))
        found[pk] = shares + quantity, dollars + cents(times(quantity, price))
    return found
