"""Edge cases about execution events: what a fold over them gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.prose import Clause, stated
from rebalancer.engine.cases.reading import BadCase, Inputs, as_decimal
from rebalancer.engine.executions import (
    Event,
    Execution,
    ExecutionKind,
    Outcome,
    Report,
    ReportKind,
    fold,
    position_delta,
)
from rebalancer.engine.fees import Side
from rebalancer.engine.money import minus

SIDE_NAMES = {"BUY": Side.BUY, "SELL": Side.SELL}
REPORTS = {
    **{kind.value: kind for kind in ReportKind},
    "ACK": ReportKind.NEW,
    "ACCEPTED": ReportKind.NEW,
    "CANCELLED": ReportKind.CANCELED,
}
IGNORED = frozenset({"PENDING_NEW", "PENDING_CANCEL"})
_FILL = re.compile(r"(\S+)\s+(?:PARTIAL_FILL|PARTIAL|FILL)\s+([\d.]+)(?:\s*@\s*([\d.]+))?", re.IGNORECASE)
_CORRECT = re.compile(r"(\S+)\s+CORRECT\s+(\S+)\s+([\d.]+)(?:\s*@\s*([\d.]+))?", re.IGNORECASE)
_BUST = re.compile(r"(\S+)\s+BUST\s+(\S+)", re.IGNORECASE)
_REPORT = re.compile(r"([A-Z_]+)\s*(?:\((.*)\))?", re.IGNORECASE)
_CUM = re.compile(r"\bcum\s*=\s*([\d.]+)")


def _side(inputs: Inputs) -> Side:
    side = SIDE_NAMES.get(inputs.text("side", default="BUY").upper())
    if side is None:
        raise BadCase(f"The side is buy or sell, not {inputs.text('side')}.")
    return side


def _fold(side: Side, events: Sequence[Event], quantity: Decimal | None = None) -> Outcome:
    filled = [event.quantity for event in events if isinstance(event, Execution)]
    return fold(side=side, quantity=quantity or sum(filled, Decimal(0)), events=events)


def duplicate(inputs: Inputs) -> Answer:
    """Fills of these ids, each of this quantity, in this order of arrival."""
    quantity, price, side = inputs.decimal("qty"), inputs.decimal("price", default=Decimal(0)), _side(inputs)
    fills = [Execution(str(exec_id), ExecutionKind.FILL, quantity, price) for exec_id in inputs.items("exec_ids")]
    outcome = _fold(side, fills)
    return {"position_change": position_delta(side, outcome), "cash_delta": outcome.cash_delta}


def bust(inputs: Inputs) -> Answer:
    """What a bust changes for a fill that was already applied."""
    side, exec_id = _side(inputs), inputs.text("exec", "exec_id", default="E1")
    fill = Execution(exec_id, ExecutionKind.FILL, inputs.decimal("qty"), inputs.decimal("price", default=Decimal(0)))
    before, after = _fold(side, [fill]), _fold(side, [fill, _bust_of(exec_id)])
    return {
        "position_change": minus(position_delta(side, after), position_delta(side, before)),
        "cash_delta": minus(after.cash_delta, before.cash_delta),
        "rows": stated("APPENDED", Clause.APPEND_REVERSAL, Clause.KEEP_ORIGINAL),
        "lots": stated("REOPENED", Clause.REOPEN_LOTS, Clause.RECOMPUTE_WASH),
    }


def _bust_of(exec_id: str) -> Execution:
    return Execution(f"{exec_id}-BUST", ExecutionKind.BUST, ref_exec_id=exec_id)


def correct(inputs: Inputs) -> Answer:
    """What a correction of price, and perhaps of quantity, changes."""
    side, quantity = _side(inputs), inputs.decimal("qty")
    fill = Execution("E1", ExecutionKind.FILL, quantity, inputs.decimal("old"))
    corrected = inputs.decimal("new_qty", default=quantity)
    correction = Execution("E2", ExecutionKind.CORRECT, corrected, inputs.decimal("new"), ref_exec_id="E1")
    before, after = _fold(side, [fill]), _fold(side, [fill, correction])
    return {
        "cash_delta": minus(after.cash_delta, before.cash_delta),
        "position_change": minus(position_delta(side, after), position_delta(side, before)),
    }


def out_of_order(inputs: Inputs) -> Answer:
    quantity = inputs.decimal("order_qty")
    events = [event for item in inputs.items("arrival_sequence") for event in read_event(str(item))]
    outcome = _fold(_side(inputs), events, quantity)
    return {
        "final_cum": outcome.cum_quantity,
        "final_state": outcome.state.value,
        "cancelled_qty": outcome.canceled_quantity,
        "leaves": outcome.leaves_quantity,
        "avg_price": outcome.average_price,
        "overfill": outcome.overfill_quantity,
        "rule": stated("FOLD", Clause.STATE_FROM_EXECUTIONS, Clause.LATE_FILLS),
    }


def read_event(text: str) -> list[Event]:
    """ "E1 FILL 100 @ 50", "E2 BUST E1", "E3 CORRECT E1 90 @ 50", "NEW", "CANCELED(cum=140,leaves=0)".

    :raises BadCase: when it is none of these
    """
    text = text.strip()
    if found := _FILL.fullmatch(text):
        return [Execution(found[1], ExecutionKind.FILL, _number(found[2]), _number(found[3] or "0"))]
    if found := _CORRECT.fullmatch(text):
        quantity, price = _number(found[3]), _number(found[4] or "0")
        return [Execution(found[1], ExecutionKind.CORRECT, quantity, price, ref_exec_id=found[2])]
    if found := _BUST.fullmatch(text):
        return [Execution(found[1], ExecutionKind.BUST, ref_exec_id=found[2])]
    if (found := _REPORT.fullmatch(text)) and found[1].upper() in REPORTS:
        cum = _CUM.search(found[2] or "")
        return [Report(REPORTS[found[1].upper()], _number(cum[1]) if cum else None)]
    if text.upper() in IGNORED:
        return []
    raise BadCase(f"{text!r} is not an event this can read.")


def _number(text: str) -> Decimal:
    try:
        return as_decimal(Decimal(text), "arrival_sequence")
    except ArithmeticError as error:
        raise BadCase(f"{text!r} is not a number.") from error
