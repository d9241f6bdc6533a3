from __future__ import annotations

import pytest

from tests.trading.worlds import (
    buy,
    filled,
    held,
    make_connection,
    make_proposal,
    orders,
    sent,
    set_guards,
    statuses,
    take_in,
)
from tests.worlds import NOW, Birch, Cedar
from trading.models import Execution, Order, ReconBreak, TradingHalt
from trading.services import inbox
from trading.services.halts import agree_to_lift, ask_to_lift
from trading.services.orders import stage_orders
from trading.services.overfills import stop_left_over
from trading.services.waves import release_waves


def overfilled(birch: Birch) -> None:
    make_connection(birch)
    set_guards(birch, order_repeat_minutes="0")
    (order,) = sent(birch, buy("VEA", "20", price="60"))
    take_in(order, filled(order, "x1", "15", "60"), filled(order, "x2", "7", "60", seconds=1))


def halts(birch: Birch) -> list[TradingHalt]:
    return list(TradingHalt.objects.for_firm(birch.firm_id).order_by("id"))


def test_an_overfill_is_booked_and_stops_its_account(birch: Birch, cedar: Cedar) -> None:
    overfilled(birch)
    (halt,) = halts(birch)
    assert held(birch)["VEA"] == 22
    assert (halt.is_automatic, halt.account_id, halt.raised_by, halt.lifted_at) == (
        True,
        birch.account.pk,
        "system",
        None,
    )
    (row,) = ReconBreak.objects.for_firm(birch.firm_id)
    assert (row.kind, row.sentence) == ("OVERFILL", "22 shares of VEA were filled where 20 were ordered.")
    with cedar.scope():
        assert halts(cedar) == []


def test_what_the_account_has_left_waits_until_two_people_let_it_go_on(birch: Birch) -> None:
    overfilled(birch)
    proposal = make_proposal(birch, [buy("BND", "2", price="74")])
    stage_orders(firm_id=birch.firm_id, proposal=proposal, approved_by="ann", at=NOW)
    release_waves(firm_id=birch.firm_id, now=NOW)
    assert (statuses(birch)[-1], orders(birch)[-1].status_reason[:30]) == ("HELD", "Trading is stopped: Overfill o")
    (halt,) = halts(birch)
    ask_to_lift(firm_id=birch.firm_id, halt_id=halt.pk, by="ann", at=NOW, why="Settled with the custodian")
    agree_to_lift(firm_id=birch.firm_id, halt_id=halt.pk, by="bob", at=NOW)
    release_waves(firm_id=birch.firm_id, now=NOW)
    assert statuses(birch)[-1] == "READY"


def test_what_is_said_of_it_later_stops_the_account_no_second_time(birch: Birch) -> None:
    overfilled(birch)
    (order,) = orders(birch)
    take_in(order, filled(order, "x3", "1", "60", seconds=2))
    assert (len(halts(birch)), ReconBreak.objects.for_firm(birch.firm_id).count()) == (1, 1)


def test_an_overfill_that_is_busted_leaves_the_halt_to_a_person(birch: Birch) -> None:
    overfilled(birch)
    (order,) = orders(birch)
    take_in(order, filled(order, "x4", "7", "60", seconds=3, kind=Execution.Kind.BUST, ref="x2"))
    assert (orders(birch)[0].cum_quantity, halts(birch)[0].lifted_at) == (15, None)


def test_what_was_placed_elsewhere_has_no_quantity_that_could_be_exceeded(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "20", price="60"))
    Order.objects.for_firm(birch.firm_id).filter(pk=order.pk).update(role=Order.Role.EXTERNAL)
    take_in(order, filled(order, "x1", "15", "60"), filled(order, "x2", "7", "60", seconds=1))
    assert held(birch)["VEA"] == 22
    assert halts(birch) == []


def test_a_worker_that_dies_before_it_halts_leaves_the_halt_to_the_sweep(
    birch: Birch, cedar: Cedar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(**_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(inbox, "stop_overfilled", dies)
    with pytest.raises(KeyboardInterrupt):
        overfilled(birch)
    monkeypatch.undo()
    assert halts(birch) == []
    assert stop_left_over(firm_id=birch.firm_id, now=NOW) == 1
    assert [halt.account_id for halt in halts(birch)] == [birch.account.pk]
    assert stop_left_over(firm_id=birch.firm_id, now=NOW) == 0
    assert stop_left_over(firm_id=cedar.firm_id, now=NOW) == 0
