from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditEvent
from tests.trading.services.blocks.shared import blocks, children, leave, make_block, shares, street, three_buys
from tests.trading.worlds import filled, take_in
from tests.worlds import NOW, Birch, Cedar
from trading.models import AllocationInstruction
from trading.services.blocks.deviating import (
    BlockNotFound,
    NobodyAsked,
    NothingToShare,
    ReasonNeeded,
    SecondPersonNeeded,
    TooLate,
    WrongShares,
    agree_otherwise,
    ask_otherwise,
    refuse_otherwise,
)

ANN, COMPLIANCE = "ann@example.com", "compliance@example.com"


def shared_out(birch: Birch) -> int:
    """A block of 20, 50 and 30 shares of which 33 were filled: 7, 16 and 10."""
    return make_block(birch).pk


def ask(birch: Birch, *quantities: str, reason: str = "The second account is being closed.") -> None:
    wanted = {order.client_order_id: Decimal(q) for order, q in zip(children(birch), quantities, strict=True)}
    block_id = blocks(birch)[0].pk
    ask_otherwise(firm_id=birch.firm_id, block_id=block_id, quantities=wanted, reason=reason, by=ANN, at=NOW)


def test_other_shares_are_given_when_a_second_person_agrees(birch: Birch) -> None:
    block_id = shared_out(birch)
    ask(birch, "20", "0", "13")
    assert [quantity for quantity, _ in shares(birch).values()] == [7, 16, 10]
    agree_otherwise(firm_id=birch.firm_id, block_id=block_id, by=COMPLIANCE, at=NOW)
    assert list(shares(birch).values()) == [(20, Decimal("1200.00")), (0, 0), (13, Decimal("780.00"))]
    newest = AllocationInstruction.objects.for_firm(birch.firm_id).get(revision=2)
    assert newest.reason == f"The second account is being closed. (asked by {ANN}, agreed by {COMPLIANCE})"
    trail = AuditEvent.objects.for_firm(birch.firm_id).filter(action__startswith="BLOCK_OTHERWISE").order_by("id")
    assert [(row.action, row.actor) for row in trail] == [
        ("BLOCK_OTHERWISE_ASKED", ANN),
        ("BLOCK_OTHERWISE_AGREED", COMPLIANCE),
    ]


def test_who_asks_cannot_agree(birch: Birch) -> None:
    block_id = shared_out(birch)
    ask(birch, "20", "0", "13")
    with pytest.raises(SecondPersonNeeded, match="you asked"):
        agree_otherwise(firm_id=birch.firm_id, block_id=block_id, by=ANN, at=NOW)


def test_a_refusal_leaves_the_shares(birch: Birch) -> None:
    block_id = shared_out(birch)
    ask(birch, "20", "0", "13")
    refuse_otherwise(firm_id=birch.firm_id, block_id=block_id, by=COMPLIANCE, at=NOW)
    assert [quantity for quantity, _ in shares(birch).values()] == [7, 16, 10]
    with pytest.raises(NobodyAsked):
        agree_otherwise(firm_id=birch.firm_id, block_id=block_id, by=COMPLIANCE, at=NOW)


@pytest.mark.parametrize(
    ("quantities", "words"),
    [
        (("20", "0", "12"), "sum to 32; 33 are to be shared out"),
        (("21", "0", "12"), "can get 0 to 20 shares"),
        (("-1", "14", "20"), "can get 0 to 20 shares"),
        (("10.5", "10.5", "12"), "in steps of 1"),
    ],
)
def test_shares_that_cannot_be_given_are_refused_with_the_reason(
    birch: Birch, quantities: tuple[str, str, str], words: str
) -> None:
    shared_out(birch)
    with pytest.raises(WrongShares, match=words):
        ask(birch, *quantities)


def test_there_must_be_a_reason_and_a_fill(birch: Birch) -> None:
    three_buys(birch)
    leave(birch)
    with pytest.raises(NothingToShare):
        ask(birch, "20", "0", "13")
    with pytest.raises(ReasonNeeded):
        ask(birch, "20", "0", "13", reason="  ")


def test_an_hour_after_the_next_open_it_is_too_late(birch: Birch) -> None:
    block_id = shared_out(birch)
    ask(birch, "20", "0", "13")
    with pytest.raises(TooLate, match="Monday, 23 November, 10:30"):
        agree_otherwise(firm_id=birch.firm_id, block_id=block_id, by=COMPLIANCE, at=NOW + timedelta(days=4))


def test_a_fill_that_changed_since_is_not_shared_out_by_what_was_asked_before(birch: Birch) -> None:
    block_id = shared_out(birch)
    ask(birch, "20", "0", "13")
    take_in(street(birch), filled(street(birch), "late", "7", "60", seconds=9))
    with pytest.raises(WrongShares, match="40 are to be shared out"):
        agree_otherwise(firm_id=birch.firm_id, block_id=block_id, by=COMPLIANCE, at=NOW)


def test_another_firms_block_does_not_exist(birch: Birch, cedar: Cedar) -> None:
    block_id = shared_out(birch)
    for act in (agree_otherwise, refuse_otherwise):
        with pytest.raises(BlockNotFound), cedar.scope():
            act(firm_id=cedar.firm_id, block_id=block_id, by=COMPLIANCE, at=NOW)
