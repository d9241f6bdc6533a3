from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolios.models import Disposal, Transaction
from portfolios.services.settlement import settle
from tests.trading.worlds import (
    buy,
    cash,
    filled,
    held,
    lots_held,
    make_connection,
    orders,
    sell,
    sent,
    stage,
    statuses,
    story,
    take_in,
    told,
)
from tests.worlds import NOW, Birch, Cedar
from trading.models import Execution, InboundEvent, Order
from trading.services.deliveries import Delivery, Said
from trading.services.inbox import Tally, receive

OLD_VTI, NEW_VTI = "VTI-2021-03-03-200", "VTI-2026-03-02-50"
D = Decimal
BUST, CORRECT = Execution.Kind.BUST, Execution.Kind.CORRECT


def make_sale(birch: Birch) -> Order:
    """A sale of 60 VTI on the wire: first the 50 of this year, then 10 of the old."""
    make_connection(birch)
    return sent(birch, sell(birch, "VTI", (NEW_VTI, "50"), (OLD_VTI, "10"), price="300"))[0]


def test_an_order_goes_from_the_wire_to_filled(birch: Birch, cedar: Cedar) -> None:
    order = make_sale(birch)
    tally = take_in(
        order,
        told(order, Said.ACCEPTED, "ack"),
        told(order, Said.WORKING, "new", seconds=1),
        filled(order, "x1", "40", "299.99", seconds=2),
        filled(order, "x2", "20", "300.05", seconds=3),
    )
    (order,) = orders(birch)
    assert tally == Tally(applied=4)
    assert story(order)[-4:] == ["SUBMITTED", "WORKING", "PARTIALLY_FILLED", "FILLED"]
    assert (order.cum_quantity, order.average_price) == (60, D("300.01"))
    with cedar.scope():
        assert InboundEvent.objects.for_firm(cedar.firm_id).count() == 0


def test_a_sale_takes_its_named_lots_and_brings_its_proceeds(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00", fees="0.37"))
    assert held(birch) == {"VTI": 190, "BND": 150}
    assert lots_held(birch) == [("BND", 150, D(12000)), ("VTI", 190, D(38000))]
    assert cash(birch) == (D("2000.00"), D("17999.63"))
    sales = Disposal.objects.for_firm(birch.firm_id).order_by("id")
    assert [(row.quantity, row.proceeds, row.cost_basis, row.gain, row.term) for row in sales] == [
        (50, D("14999.69"), 16000, D("-1000.31"), "SHORT"),
        (10, D("2999.94"), 2000, D("999.94"), "LONG"),
    ]
    posting = Transaction.objects.for_firm(birch.firm_id).get()
    assert (posting.quantity, posting.amount, posting.realised_short, posting.realised_long) == (
        -60,
        D("17999.63"),
        D("-1000.31"),
        D("999.94"),
    )


def test_a_sale_whose_custodian_states_no_fees_pays_the_schedules(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00", fees=None))
    assert Execution.objects.for_firm(birch.firm_id).get().fees == D("0.38")


def test_a_buy_makes_a_lot_and_takes_cash(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "20", price="60"))
    take_in(order, filled(order, "x1", "20", "60.01"))
    assert ("VEA", 20, D("1200.20")) in lots_held(birch)
    assert (held(birch)["VEA"], cash(birch)) == (20, (D("2000.00"), D("-1200.20")))


def test_cash_settles_on_its_day_and_once(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00"))
    days = [date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 23)]
    assert [settle(firm_id=birch.firm_id, today=day, at=NOW) for day in days] == [0, 1, 0]
    assert cash(birch) == (D("20000.00"), 0)


def test_a_delivery_that_comes_twice_is_taken_in_once(birch: Birch) -> None:
    order = make_sale(birch)
    fill = filled(order, "x1", "60", "300.00")
    assert [take_in(order, fill, fill), take_in(order, fill)] == [Tally(applied=1, duplicate=1), Tally(duplicate=1)]
    assert Transaction.objects.for_firm(birch.firm_id).count() == 1


def test_the_same_execution_in_another_delivery_is_a_duplicate(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00"))
    assert take_in(order, filled(order, "x1", "60.0", "300", name="again")) == Tally(duplicate=1)


def test_an_execution_told_with_other_content_is_set_aside(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "40", "300.00"))
    assert take_in(order, filled(order, "x1", "41", "300.00", name="other")) == Tally(conflict=1)
    (order,) = orders(birch)
    assert (order.cum_quantity, order.needs_review) == (40, True)


def test_an_execution_of_another_order_cannot_be_told_again_for_this_one(birch: Birch) -> None:
    make_connection(birch)
    first, second = sent(birch, buy("VEA", "5", price="60"), buy("AGG", "5", price="100"))
    take_in(first, filled(first, "x1", "5", "60.00"))
    assert take_in(second, filled(second, "x1", "5", "60.00")) == Tally(conflict=1)


def test_a_message_about_no_order_of_ours_is_kept_and_moves_nothing(birch: Birch) -> None:
    order = make_sale(birch)
    stranger = told(order, Said.CANCELED, "x", client_order_id="STRANGER", broker_order_id="B-STRANGER")
    assert take_in(order, stranger) == Tally(unmatched=1)
    assert statuses(birch) == ["SUBMITTING"]


def test_another_firms_custodian_cannot_move_our_order(birch: Birch, cedar: Cedar) -> None:
    order = make_sale(birch)
    with cedar.scope():
        line = make_connection(cedar)
        tally = receive(
            firm_id=cedar.firm_id, connection_id=line.pk, deliveries=[told(order, Said.CANCELED, "c")], at=NOW
        )
    assert (tally, statuses(birch)) == (Tally(unmatched=1), ["SUBMITTING"])


def test_an_acknowledgement_after_the_fill_is_out_of_date(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00"))
    assert take_in(order, told(order, Said.ACCEPTED, "ack")) == Tally(stale=1)
    assert statuses(birch) == ["FILLED"]


def test_a_late_fill_of_a_cancelled_order_still_counts(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, told(order, Said.CANCELED, "c"), filled(order, "x1", "20", "300.00"))
    (order,) = orders(birch)
    assert (order.status, order.cum_quantity, held(birch)["VTI"]) == ("CANCELED", 20, 230)


def test_an_order_that_the_custodian_calls_filled_waits_for_its_executions(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, told(order, Said.WORKING, "filled", cum_quantity=D(60)))
    (order,) = orders(birch)
    assert (order.status, order.sub_status) == ("WORKING", "awaiting_executions")


def test_a_bust_puts_everything_back(birch: Birch) -> None:
    before = held(birch), lots_held(birch), cash(birch)
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00", fees="0.37"))
    take_in(order, filled(order, "b1", "60", "300.00", kind=BUST, ref="x1", seconds=9))
    (order,) = orders(birch)
    assert (held(birch), lots_held(birch), cash(birch)) == before
    assert (order.status, order.cum_quantity, order.needs_review) == ("WORKING", 0, True)
    gains = [row.gain or D(0) for row in Disposal.objects.for_firm(birch.firm_id)]
    assert (len(gains), sum(gains)) == (4, 0)


def test_the_bust_of_a_buy_closes_its_lot(birch: Birch) -> None:
    before = held(birch), lots_held(birch), cash(birch)
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "20", price="60"))
    take_in(order, filled(order, "x1", "20", "60.01"), filled(order, "b1", "20", "60.01", kind=BUST, ref="x1"))
    take_in(order, filled(order, "x2", "20", "60.02"))
    take_in(order, filled(order, "b2", "20", "60.02", kind=BUST, ref="x2"))
    assert (held(birch), lots_held(birch), cash(birch)) == before


def test_a_correction_replaces_what_it_corrects(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.00"))
    take_in(order, filled(order, "c1", "60", "299.00", kind=CORRECT, ref="x1"))
    (order,) = orders(birch)
    assert (order.average_price, cash(birch)) == (299, (D("2000.00"), D("17940.00")))


def test_a_lot_without_basis_leaves_the_gain_unknown(birch: Birch) -> None:
    make_connection(birch)
    before = lots_held(birch)
    birch_lot = sell(birch, "BND", ("BND-2021-03-03-150", "150"), price="74")
    from portfolios.models import Lot

    Lot.objects.for_firm(birch.firm_id).filter(lot_key="BND-2021-03-03-150").update(cost_basis=None)
    (order,) = sent(birch, birch_lot)
    take_in(order, filled(order, "x1", "150", "74.00"))
    row = Disposal.objects.for_firm(birch.firm_id).get()
    assert (row.proceeds, row.cost_basis, row.gain) == (11100, None, None)
    assert lots_held(birch) == before[1:]


def test_shares_that_are_not_there_leave_the_execution_unposted_for_a_person(birch: Birch) -> None:
    order = make_sale(birch)
    tally = take_in(order, filled(order, "x1", "600", "300.00"))
    (order,) = orders(birch)
    assert (tally.unposted, order.needs_review, cash(birch)) == (1, True, (D("2000.00"), 0))
    assert Execution.objects.for_firm(birch.firm_id).get().posted_at is None


def test_an_order_that_never_left_cannot_be_moved_by_a_custodian(birch: Birch) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "2000", price="60"))
    Order.objects.for_firm(birch.firm_id).update(status="DENIED")
    assert take_in(order, told(order, Said.CANCELED, "c")) == Tally(conflict=1)
    assert statuses(birch) == ["DENIED"]


class _Undo(Exception):
    """Takes a trial of the property back."""


def script(order: Order) -> list[Delivery]:
    """Everything that can happen to one order: partial fills, a bust, a correction, a cancel that comes too late."""
    return [
        told(order, Said.ACCEPTED, "ack"),
        told(order, Said.WORKING, "new", seconds=1),
        filled(order, "x1", "30", "299.99", seconds=2, fees="0.20"),
        filled(order, "x2", "15", "300.05", seconds=3, fees="0.11"),
        told(order, Said.REMARK, "suspended", seconds=4),
        filled(order, "x3", "10", "300.11", seconds=5),
        told(order, Said.CANCELED, "canceled", seconds=6, cum_quantity=D(55)),
        filled(order, "b2", "15", "300.05", seconds=7, kind=BUST, ref="x2"),
        filled(order, "c3", "10", "300.10", seconds=8, kind=CORRECT, ref="x3"),
    ]


def state(birch: Birch) -> tuple[object, ...]:
    (order,) = orders(birch)
    gains = [(row.term, row.gain or D(0)) for row in Disposal.objects.for_firm(birch.firm_id)]
    return (
        order.status,
        order.sub_status,
        order.needs_review,
        order.cum_quantity,
        order.average_price,
        order.broker_order_id,
        held(birch),
        lots_held(birch),
        cash(birch),
        sum(gain for term, gain in gains if term == "SHORT"),
        sum(gain for term, gain in gains if term == "LONG"),
    )


def play(birch: Birch, order: Order, batches: Sequence[Sequence[Delivery]]) -> tuple[object, ...]:
    found: tuple[object, ...] = ()
    try:
        with transaction.atomic():
            for batch in batches:
                take_in(order, *batch)
            found = state(birch)
            raise _Undo
    except _Undo:
        return found


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_any_order_and_repetition_of_messages_gives_the_same_end(birch: Birch) -> None:
    sale = make_sale(birch)
    everything = script(sale)
    expected = play(birch, sale, [everything])
    assert expected[:5] == ("CANCELED", "", True, 40, D("300.0175"))
    assert play(birch, sale, [[delivery] for delivery in everything]) == expected

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(
        order_of=st.permutations(range(len(everything))),
        again=st.lists(st.integers(0, len(everything) - 1), max_size=4),
        cuts=st.sets(st.integers(1, len(everything) + 3)),
    )
    def holds(order_of: list[int], again: list[int], cuts: set[int]) -> None:
        played = [everything[index] for index in [*order_of, *again]]
        places = [0, *sorted(cuts), len(played)]
        batches = [played[start:end] for start, end in itertools.pairwise(places)]
        assert play(birch, sale, batches) == expected

    holds()


def tale(draw: st.DrawFn, order: Order) -> list[Delivery]:
    """Any list of things that a custodian may say of an order: fills, chains of corrections, busts, several ends."""
    events = [told(order, said, said.lower()) for said in draw(st.sets(st.sampled_from(SAYINGS)))]
    for number in range(draw(st.integers(0, 4))):
        name, quantity = f"x{number}", draw(st.integers(1, 30))
        price = draw(st.sampled_from(["299.99", "300.00", "300.05"]))
        events.append(filled(order, name, str(quantity), price, seconds=number))
        for revision in range(draw(st.integers(0, 2))):
            before, name = name, f"{name}r{revision}"
            right = str(draw(st.integers(1, 30)))
            events.append(filled(order, name, right, price, seconds=10 + number, kind=CORRECT, ref=before))
        if draw(st.booleans()):
            events.append(filled(order, f"b{number}", "1", price, seconds=20 + number, kind=BUST, ref=name))
    return events


SAYINGS = [Said.ACCEPTED, Said.WORKING, Said.REMARK, Said.CANCELED, Said.EXPIRED, Said.REJECTED]


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_any_list_of_messages_ends_the_same_in_any_order_and_told_any_number_of_times(birch: Birch) -> None:
    sale = make_sale(birch)

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        events = data.draw(st.composite(tale)(sale))
        again = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
        shuffled = data.draw(st.permutations([*events, *again]))
        cuts = data.draw(st.sets(st.integers(1, max(1, len(shuffled)))))
        places = [0, *sorted(cuts), len(shuffled)]
        batches = [shuffled[start:end] for start, end in itertools.pairwise(places)]
        assert play(birch, sale, batches) == play(birch, sale, [events])

    holds()
