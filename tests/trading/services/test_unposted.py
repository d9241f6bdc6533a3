from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from portfolios.models import Lot, Position, ReportedDay, Transaction
from tests.trading.worlds import buy, cash, filled, held, make_connection, orders, sell, sent, take_in
from tests.worlds import NOW, TODAY, Birch, Cedar, World, make_lot
from trading.models import Execution, Order
from trading.services.reconcile import _unapplied
from trading.services.unposted import POSTED_LATE, post_unposted

OLD_VTI = "VTI-2021-03-03-200"
BUST = Execution.Kind.BUST
LATER = NOW + timedelta(minutes=1)


def retry(world: World) -> int:
    return post_unposted(firm_id=world.firm_id, at=LATER)


def unposted_sale(world: World, *fills: str) -> Order:
    """A sale of 60 VTI that was filled when the books held 10."""
    make_connection(world)
    (order,) = sent(world, sell(world, "VTI", (OLD_VTI, "60"), price="300"))
    Lot.objects.for_firm(world.firm_id).filter(security__symbol="VTI").update(quantity=0)
    Lot.objects.for_firm(world.firm_id).filter(lot_key=OLD_VTI).update(quantity=10)
    for number, quantity in enumerate(fills or ("60",)):
        take_in(order, filled(order, f"x{number}", quantity, "300", seconds=number))
    return order


def unposted(world: World) -> list[str]:
    rows = Execution.objects.for_firm(world.firm_id).filter(posted_at=None).order_by("id")
    return list(rows.values_list("exec_id", flat=True))


def shares_come(world: World) -> None:
    Lot.objects.for_firm(world.firm_id).filter(lot_key=OLD_VTI).update(quantity=200)


def test_a_fill_is_posted_when_its_shares_have_come(birch: Birch, cedar: Cedar) -> None:
    unposted_sale(birch)
    with cedar.scope():
        unposted_sale(cedar)
    shares_come(birch)
    assert (unposted(birch), retry(birch), unposted(birch)) == (["x0"], 1, [])
    (order,) = orders(birch)
    assert (order.needs_review, order.status_reason) == (True, POSTED_LATE)
    assert cash(birch) == (2000, 18000)
    assert held(birch)["VTI"] == 190
    assert retry(birch) == 0
    with cedar.scope():
        assert (unposted(cedar), cash(cedar)) == (["x0"], (2000, 0))


def test_a_fill_whose_shares_are_still_missing_leaves_no_trace_of_the_trial(birch: Birch) -> None:
    unposted_sale(birch, "50", "10")
    assert unposted(birch) == ["x0"]
    before = list(Transaction.objects.for_firm(birch.firm_id).order_by("id").values())
    version = orders(birch)[0].version
    assert [retry(birch) for _ in range(3)] == [0, 0, 0]
    assert list(Transaction.objects.for_firm(birch.firm_id).order_by("id").values()) == before
    assert orders(birch)[0].version == version


def test_fills_that_came_after_it_are_posted_anew_in_their_order(birch: Birch) -> None:
    unposted_sale(birch, "50", "10")
    shares_come(birch)
    assert retry(birch) == 1
    assert (unposted(birch), cash(birch)) == ([], (2000, 18000))


def test_a_buy_posted_in_the_meantime_gives_the_shares(birch: Birch) -> None:
    unposted_sale(birch)
    make_lot(birch.firm_id, birch.account, "VTI", "50", basis="15000", key="new")
    assert (retry(birch), unposted(birch)) == (1, [])


@pytest.mark.parametrize("subject", ReportedDay.Subject)
@pytest.mark.parametrize(
    ("reported_on", "posted"),
    [
        pytest.param(TODAY - timedelta(days=1), 1, id="the day before the trade"),
        pytest.param(TODAY, 0, id="the day of the trade"),
        pytest.param(TODAY + timedelta(days=3), 0, id="a later day"),
    ],
)
def test_an_account_that_was_reported_since_is_left_to_a_person(
    birch: Birch, subject: ReportedDay.Subject, reported_on: date, posted: int
) -> None:
    unposted_sale(birch)
    shares_come(birch)
    ReportedDay.objects.for_firm(birch.firm_id).create(account=birch.account, subject=subject, reported_on=reported_on)
    assert retry(birch) == posted
    assert len(unposted(birch)) == 1 - posted


def test_a_buy_that_could_not_be_taken_back_counts_as_unposted_until_it_is(birch: Birch) -> None:
    make_connection(birch)
    (order,) = sent(birch, buy("VEA", "20", price="60"))
    take_in(order, filled(order, "x0", "20", "60"))
    bought = Lot.objects.for_firm(birch.firm_id).filter(security__symbol="VEA")
    bought.update(quantity=5)
    tally = take_in(order, filled(order, "b0", "20", "60", seconds=5, kind=BUST, ref="x0"))
    assert (tally.unposted, unposted(birch), _unapplied(birch.firm_id)) == (1, ["x0"], 1)
    assert retry(birch) == 0
    bought.update(quantity=20)
    assert (retry(birch), unposted(birch), _unapplied(birch.firm_id)) == (1, [], 0)
    assert cash(birch) == (Decimal(2000), 0)
    assert "VEA" not in held(birch)
    assert Position.objects.for_firm(birch.firm_id).get(security__symbol="VEA").quantity == 0
