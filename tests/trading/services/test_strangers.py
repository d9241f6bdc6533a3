from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.trading.conftest import Market
from tests.trading.worlds import buy, filled, held, make_connection, orders, sent, take_in
from tests.worlds import NOW, Birch, Cedar
from trading.connections import open_line
from trading.custodians.protocol import Accepted, OrderRequest, Side, account_id_for
from trading.models import InboundEvent, Order, OrderTransition, ReconBreak
from trading.services import strangers
from trading.services.breaks import close_break
from trading.services.deliveries import About, Delivery
from trading.services.inbox import Tally
from trading.services.lines import line_of
from trading.services.reconcile import Reconciliation, reconcile
from trading.services.strangers import settle_parked

CLEAN = Reconciliation(cash_difference_cents=0, share_differences=0, unapplied_rows=0)


def placed_elsewhere(market: Market, symbol: str = "VEA", side: Side = Side.BUY, quantity: str = "7") -> None:
    """An order of the account that we never sent, filled."""
    line = line_of(market.connection)
    request = OrderRequest(
        account=line.account(market.world.account.number),
        client_order_id=str(uuid.uuid4()),
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
    )
    with closing(open_line(line)) as custodian:
        assert isinstance(custodian.submit(request), Accepted)


def parked(market: Market) -> int:
    return InboundEvent.objects.for_firm(market.firm_id).filter(result="PARKED").count()


def pulled(market: Market) -> None:
    """Pull until the fill has come."""
    for _ in range(100):
        market.pull()
        rows = InboundEvent.objects.for_firm(market.firm_id).filter(result="PARKED", kind="EXECUTION")
        if rows.exists():
            return


@pytest.mark.parametrize(
    ("side", "symbol", "after"),
    [(Side.BUY, "VEA", {"VTI": 250, "BND": 150, "VEA": 7}), (Side.SELL, "VTI", {"VTI": 243, "BND": 150})],
)
def test_a_trade_placed_elsewhere_is_booked_after_a_minute_and_a_person_is_told(
    market: Market, cedar: Cedar, side: Side, symbol: str, after: dict[str, int]
) -> None:
    placed_elsewhere(market, symbol, side)
    pulled(market)
    assert (settle_parked(firm_id=market.firm_id, now=timezone.now()), held(market.world)["VTI"]) == (0, 250)
    assert settle_parked(firm_id=market.firm_id, now=later()) > 0
    (order,) = orders(market.world)
    assert (order.role, order.run_id, order.status, held(market.world)) == ("EXTERNAL", None, "FILLED", after)
    assert reconcile(firm_id=market.firm_id, now=NOW) == CLEAN
    assert [(row.kind, row.order_id) for row in ReconBreak.objects.for_firm(market.firm_id)] == [
        ("EXTERNAL_ORDER", order.pk)
    ]
    first = OrderTransition.objects.for_firm(market.firm_id).order_by("id").first()
    assert first is not None
    assert (first.from_status, first.cause) == ("", "Placed elsewhere; the custodian told us of it.")
    with cedar.scope():
        assert Order.objects.for_firm(cedar.firm_id).count() == 0


def later() -> datetime:
    return timezone.now() + timedelta(seconds=61)


def test_a_second_look_finds_nothing_more(market: Market) -> None:
    placed_elsewhere(market)
    pulled(market)
    settle_parked(firm_id=market.firm_id, now=later())
    assert (settle_parked(firm_id=market.firm_id, now=later()), parked(market), len(orders(market.world))) == (0, 0, 1)


def test_a_fill_that_comes_before_its_orders_number_is_taken_up_when_that_is_known(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "2", price="60"))
    early = anonymous(order, about=about(birch, "VEA"))
    assert take_in(order, early) == Tally(parked=1)
    Order.objects.for_firm(birch.firm_id).update(broker_order_id=early.broker_order_id)
    assert settle_parked(firm_id=birch.firm_id, now=NOW) == 1
    (order,) = orders(birch)
    assert (order.status, order.cum_quantity, held(birch)["VEA"]) == ("FILLED", 2, 2)
    assert take_in(order, early) == Tally(duplicate=1)


def anonymous(order: Order, *, about: About) -> Delivery:
    """A fill that names the custodian's number alone."""
    told = filled(order, "x1", "2", "60")
    return Delivery(
        channel=told.channel, source_event_id=told.source_event_id, said=told.said, word=told.word, client_order_id="",
        broker_order_id=told.broker_order_id, occurred_at=told.occurred_at, execution=told.execution, about=about,
    )  # fmt: skip


def about(world: Birch, symbol: str) -> About:
    return About(account_id_for(world.account.number), symbol, "BUY", Decimal(2))


def test_an_account_that_is_not_ours_is_left_alone(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "2", price="60"))
    stranger = anonymous(order, about=About(account_id_for("somebody else's"), "VEA", "BUY", Decimal(2)))
    assert take_in(order, stranger) == Tally(unmatched=1)
    assert settle_parked(firm_id=birch.firm_id, now=NOW + timedelta(hours=1)) == 0


def test_what_nothing_can_be_made_of_keeps_nothing_waiting(birch: Birch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "BATCH", 1)
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "2", price="60"))
    take_in(order, anonymous(order, about=about(birch, "NOBODY")))
    take_in(order, replace(anonymous(order, about=about(birch, "VEA")), source_event_id="later", broker_order_id="B-2"))
    assert settle_parked(firm_id=birch.firm_id, now=NOW + timedelta(seconds=61)) == 1


def test_a_break_that_a_person_closed_is_not_opened_again(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "2", price="60"))
    take_in(order, anonymous(order, about=about(birch, "NOBODY")))
    settle_parked(firm_id=birch.firm_id, now=NOW + timedelta(seconds=61))
    rows = ReconBreak.objects.for_firm(birch.firm_id)
    close_break(firm_id=birch.firm_id, break_id=rows.get().pk, reason="A test of theirs.", by="ann", at=NOW)
    settle_parked(firm_id=birch.firm_id, now=NOW + timedelta(seconds=99))
    assert rows.count() == 1


def test_a_security_that_nobody_knows_waits_with_a_break(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "2", price="60"))
    take_in(order, anonymous(order, about=about(birch, "NOBODY")))
    for _ in range(2):
        assert settle_parked(firm_id=birch.firm_id, now=NOW + timedelta(seconds=61)) == 0
    rows = ReconBreak.objects.for_firm(birch.firm_id)
    assert [(row.kind, "We do not know this security" in row.sentence) for row in rows] == [("EXTERNAL_ORDER", True)]
