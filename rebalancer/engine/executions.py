"""What an order has come to: a fold over everything its broker ever said, in whatever order it was said.

Quantities and cash are always sums over live executions; a broker's cumulative figure is a checksum, never a source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO, minus, times, total


class ExecutionKind(StrEnum):
    """FIX ExecType F, G (trade correct) and H (trade cancel)."""

    FILL = "FILL"
    CORRECT = "CORRECT"
    BUST = "BUST"


class ReportKind(StrEnum):
    """What a broker says of an order besides its executions."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"


class OrderState(StrEnum):
    """Where the fold arrives."""

    PENDING = "PENDING"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution message; CORRECT and BUST name the message they are about, directly or through another.

    :raises ValueError: when a correction or bust names nothing, or a fill or correction has no positive quantity
    """

    exec_id: str
    kind: ExecutionKind
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    ref_exec_id: str | None = None

    def __post_init__(self) -> None:
        if self.kind is not ExecutionKind.FILL and not self.ref_exec_id:
            raise ValueError(f"Execution {self.exec_id} must name the execution it is about.")
        if self.kind is not ExecutionKind.BUST and not (self.quantity > 0 and self.price >= 0):
            raise ValueError(f"Execution {self.exec_id} needs a positive quantity and no negative price.")


@dataclass(frozen=True, slots=True)
class Report:
    """The order's own news; `cum_quantity` is the broker's checksum, where it gave one."""

    kind: ReportKind
    cum_quantity: Decimal | None = None


Event = Execution | Report

ENDINGS: Sequence[tuple[ReportKind, OrderState]] = (
    (ReportKind.CANCELED, OrderState.CANCELED),
    (ReportKind.EXPIRED, OrderState.EXPIRED),
    (ReportKind.REPLACED, OrderState.REPLACED),
    (ReportKind.REJECTED, OrderState.REJECTED),
)
"""In order of precedence, so that contradictory endings fold to the same state in any order of arrival."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the events come to.

    `cash_delta` is signed: a buy takes cash. `awaiting_quantity` was filled by the broker's count, but its executions
    have not arrived. `conflicts` are ids that came twice with different content: the first stands, a person looks.
    """

    state: OrderState
    cum_quantity: Decimal
    average_price: Fraction | None
    cash_delta: Decimal
    leaves_quantity: Decimal
    canceled_quantity: Decimal
    awaiting_quantity: Decimal
    overfill_quantity: Decimal
    conflicts: tuple[str, ...]


def fold(*, side: Side, quantity: Decimal, events: Iterable[Event]) -> Outcome:
    """State, quantities and cash of an order; any order and any repetition of the same events gives the same answer.

    A terminal order may still take fills. A bust takes out its execution and every correction of it; a correction
    replaces what it corrects, and may arrive first.
    """
    events = list(events)
    executions, conflicts = _distinct([event for event in events if isinstance(event, Execution)])
    reports = [event for event in events if isinstance(event, Report)]
    live = live_executions(executions.values())
    cum = total([execution.quantity for execution in live])
    paid = total([times(execution.quantity, execution.price) for execution in live])
    claimed = max([report.cum_quantity for report in reports if report.cum_quantity is not None], default=ZERO)
    busted = any(execution.kind is ExecutionKind.BUST for execution in executions.values())
    awaiting = ZERO if busted else max(ZERO, minus(claimed, cum))
    state = _state(quantity, cum, {report.kind for report in reports})
    is_open = state in (OrderState.PENDING, OrderState.NEW, OrderState.PARTIALLY_FILLED)
    unfilled = max(ZERO, minus(quantity, cum + awaiting))
    return Outcome(
        state=state,
        cum_quantity=cum,
        average_price=Fraction(paid) / Fraction(cum) if cum else None,
        cash_delta=-paid if side is Side.BUY else paid,
        leaves_quantity=unfilled if is_open else ZERO,
        canceled_quantity=ZERO if is_open else unfilled,
        awaiting_quantity=awaiting,
        overfill_quantity=max(ZERO, minus(cum, quantity)),
        conflicts=conflicts,
    )


def position_delta(side: Side, outcome: Outcome) -> Decimal:
    """Shares the account gained (a sale gains negative shares)."""
    return outcome.cum_quantity if side is Side.BUY else -outcome.cum_quantity


def live_executions(executions: Iterable[Execution]) -> list[Execution]:
    """The executions that count, by id: neither busted nor replaced by a correction.

    Messages about one original are one family. Of several corrections the one furthest along the chain of references
    counts, then the greatest id, as custodians number revisions upwards.
    """
    known = {execution.exec_id: execution for execution in executions}
    families: dict[str, list[tuple[int, str]]] = {}
    busted: set[str] = set()
    for execution in known.values():
        depth, root = _descent(execution, known)
        if execution.kind is ExecutionKind.BUST:
            busted.add(root)
        else:
            families.setdefault(root, []).append((depth, execution.exec_id))
    heads = [max(members)[1] for root, members in families.items() if root not in busted]
    return [known[exec_id] for exec_id in sorted(heads)]


def _descent(execution: Execution, known: Mapping[str, Execution]) -> tuple[int, str]:
    """How many references lead from the execution to its original, and the original's id."""
    depth, seen = 0, {execution.exec_id}
    while execution.ref_exec_id is not None and execution.kind is not ExecutionKind.FILL:
        depth, ref = depth + 1, execution.ref_exec_id
        if ref not in known or ref in seen:
            return depth, ref
        seen.add(ref)
        execution = known[ref]
    return depth, execution.exec_id


def _distinct(executions: Sequence[Execution]) -> tuple[dict[str, Execution], tuple[str, ...]]:
    """The first of each id, and the ids whose content changed."""
    first: dict[str, Execution] = {}
    for execution in executions:
        first.setdefault(execution.exec_id, execution)
    return first, tuple(sorted({e.exec_id for e in executions if e != first[e.exec_id]}))


def _state(quantity: Decimal, cum: Decimal, reported: set[ReportKind]) -> OrderState:
    if cum >= quantity:
        return OrderState.FILLED
    for kind, state in ENDINGS:
        if kind in reported:
            return state
    if cum:
        return OrderState.PARTIALLY_FILLED
    return OrderState.NEW if ReportKind.NEW in reported else OrderState.PENDING
