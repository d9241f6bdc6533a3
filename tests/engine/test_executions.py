"""What an order has come to: the same answer in any order of arrival."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.executions import (
    Execution,
    ExecutionKind,
    OrderState,
    Report,
    ReportKind,
    fold,
    position_delta,
)
from rebalancer.engine.fees import Side

NEW, CANCELED, EXPIRED, REJECTED = (
    Report(kind) for kind in (ReportKind.NEW, ReportKind.CANCELED, ReportKind.EXPIRED, ReportKind.REJECTED)
)


def fill(exec_id, quantity=100, price="50") -> Execution:
    return Execution(exec_id, ExecutionKind.FILL, Decimal(quantity), Decimal(price))


def correct(exec_id, ref, quantity=100, price="50.10") -> Execution:
    return Execution(exec_id, ExecutionKind.CORRECT, Decimal(quantity), Decimal(price), ref)


def bust(exec_id, ref) -> Execution:
    return Execution(exec_id, ExecutionKind.BUST, ref_exec_id=ref)


def fold_of(*events, quantity=200, side=Side.BUY):
    return fold(side=side, quantity=Decimal(quantity), events=events)


@pytest.mark.parametrize(
    ("events", "state", "cum", "cash"),
    [
        pytest.param([], OrderState.PENDING, 0, "0", id="nothing heard"),
        pytest.param([NEW], OrderState.NEW, 0, "0", id="accepted"),
        pytest.param([fill("1"), NEW], OrderState.PARTIALLY_FILLED, 100, "-5000", id="a fill before its order"),
        pytest.param([fill("1"), fill("1")], OrderState.PARTIALLY_FILLED, 100, "-5000", id="a fill twice"),
        pytest.param([fill("1"), fill("2")], OrderState.FILLED, 200, "-10000", id="filled"),
        pytest.param([fill("1"), CANCELED], OrderState.CANCELED, 100, "-5000", id="cancelled after a part"),
        pytest.param([CANCELED, fill("1"), fill("2")], OrderState.FILLED, 200, "-10000", id="late fills complete it"),
        pytest.param([REJECTED], OrderState.REJECTED, 0, "0", id="rejected"),
        pytest.param([EXPIRED, CANCELED], OrderState.CANCELED, 0, "0", id="of two endings one precedes"),
        pytest.param([fill("1"), correct("2", "1")], OrderState.PARTIALLY_FILLED, 100, "-5010", id="corrected"),
        pytest.param([correct("2", "1")], OrderState.PARTIALLY_FILLED, 100, "-5010", id="a correction before its fill"),
        pytest.param(
            [fill("1"), correct("2", "1"), correct("3", "2", price="50.20")],
            OrderState.PARTIALLY_FILLED,
            100,
            "-5020",
            id="a correction corrected",
        ),
        pytest.param([fill("1"), bust("2", "1"), NEW], OrderState.NEW, 0, "0", id="busted"),
        pytest.param([fill("1"), correct("2", "1"), bust("3", "1")], OrderState.PENDING, 0, "0", id="its root busted"),
        pytest.param([fill("1"), correct("2", "1"), bust("3", "2")], OrderState.PENDING, 0, "0", id="itself busted"),
        pytest.param(
            [fill("1"), fill("2"), bust("3", "2"), NEW], OrderState.PARTIALLY_FILLED, 100, "-5000", id="reopened"
        ),
    ],
)
def test_events_fold_to_state_quantity_and_cash(events, state, cum, cash):
    outcome = fold_of(*events)
    assert (outcome.state, outcome.cum_quantity, outcome.cash_delta) == (state, cum, Decimal(cash))


def test_a_cancellation_that_overtakes_the_last_fill_already_knows_what_is_cancelled():
    events = [fill("1"), NEW, Report(ReportKind.CANCELED, Decimal(140))]
    waiting = fold_of(*events)
    assert (waiting.cum_quantity, waiting.awaiting_quantity, waiting.canceled_quantity) == (100, 40, 60)
    done = fold_of(*events, fill("2", 40))
    assert (done.cum_quantity, done.awaiting_quantity, done.canceled_quantity) == (140, 0, 60)


def test_the_average_price_is_of_live_executions():
    assert fold_of(fill("1", 100, "50"), fill("2", 50, "53")).average_price == Fraction(51)
    assert fold_of(NEW).average_price is None


def test_a_sale_brings_cash_and_takes_shares():
    outcome = fold_of(fill("1"), side=Side.SELL)
    assert outcome.cash_delta == 5000
    assert position_delta(Side.SELL, outcome) == -100
    assert position_delta(Side.BUY, outcome) == 100


def test_more_than_was_ordered_is_counted_and_shown():
    outcome = fold_of(fill("1"), fill("2", 130))
    assert (outcome.state, outcome.cum_quantity, outcome.overfill_quantity) == (OrderState.FILLED, 230, 30)


def test_one_id_with_two_contents_is_a_conflict_and_the_first_stands():
    outcome = fold_of(fill("1", 100), fill("1", 90), fill("2", 10), fill("2", 10))
    assert (outcome.cum_quantity, outcome.conflicts) == (110, ("1",))


def test_executions_that_refer_to_each_other_end():
    assert fold_of(correct("1", "2"), correct("2", "1")).cum_quantity == 200


@pytest.mark.parametrize(
    ("kind", "quantity", "ref"),
    [
        (ExecutionKind.BUST, 0, None),
        (ExecutionKind.CORRECT, 100, None),
        (ExecutionKind.FILL, 0, None),
        (ExecutionKind.CORRECT, -1, "1"),
    ],
)
def test_a_wrong_execution_cannot_be_built(kind, quantity, ref):
    with pytest.raises(ValueError, match="Execution 9"):
        Execution("9", kind, Decimal(quantity), Decimal(50), ref)


STORY = [
    NEW,
    fill("1", 60),
    fill("2", 50, "50.5"),
    correct("3", "1", 50),
    correct("4", "3", 55),
    fill("5", 30),
    bust("6", "5"),
    Report(ReportKind.CANCELED, Decimal(105)),
]


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY)))
def test_any_order_and_any_repetition_of_events_ends_the_same(events, again):
    assert fold_of(*events, *again) == fold_of(*STORY)
