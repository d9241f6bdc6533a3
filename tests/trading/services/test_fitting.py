from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import CashReserve
from portfolios.models import CashBalance
from portfolios.services.settlement import settle
from tests.trading.worlds import (
    buy,
    filled,
    make_connection,
    orders,
    sell,
    set_execution,
    set_guards,
    stage,
    statuses,
    take_in,
    told,
)
from tests.worlds import NOW, Birch, Cedar
from trading.models import Order, PreTradeCheck, RebalanceRun
from trading.services.deliveries import Said
from trading.services.outbox import claim
from trading.services.waves import release_waves

OLD_VTI = "VTI-2021-03-03-200"
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def release(world: Birch, now: datetime = NOW) -> int:
    return release_waves(firm_id=world.firm_id, now=now)


def skipped(world: Birch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = RebalanceRun.objects.for_firm(world.firm_id).get().skipped
    return found


def set_cash(world: Birch, settled: str, unsettled: str = "0") -> None:
    rows = CashBalance.objects.for_firm(world.firm_id).filter(account=world.account)
    rows.update(settled=Decimal(settled), unsettled=Decimal(unsettled))


def keep(world: Birch, amount: str) -> None:
    CashReserve.objects.for_firm(world.firm_id).create(
        account=world.account, name="Tax bill", amount=Decimal(amount), threshold=Decimal(0)
    )


def sold(world: Birch, quantity: str = "60", *, shares: str = "250") -> list[Order]:
    """A sale of 60 at 300, of which so much was filled before it ended, and a buy of VEA at 60."""
    make_connection(world)
    stage(world, sell(world, "VTI", (OLD_VTI, "60"), price="300"), buy("VEA", shares, price="60"))
    release(world)
    claim(firm_id=world.firm_id, worker="test", now=NOW)
    sale = orders(world)[0]
    take_in(sale, filled(sale, "x1", quantity, "300"), told(sale, Said.CANCELED, "c", seconds=1))
    return orders(world)


def test_what_a_cut_buy_leaves_out_is_kept_with_the_run_and_the_reason(birch: Birch) -> None:
    sold(birch, "20")
    release(birch)
    assert skipped(birch) == [
        {
            "symbol": "VEA",
            "side": "BUY",
            "quantity": "117",
            "account_id": birch.account.pk,
            "reason": "Bought less. The account has $8,000.00 for it, after its reserve; "
            "the order may take $15,017.50.",
        }
    ]
    totals = PreTradeCheck.objects.for_firm(birch.firm_id).filter(rule="RUN_TOTALS")
    assert [check.passed for check in totals] == [True, True]


def test_the_largest_buy_is_bought_and_what_no_cash_is_left_for_is_given_up(birch: Birch) -> None:
    make_connection(birch)
    set_cash(birch, "1950")
    stage(birch, buy("VEA", "5", price="60"), buy("AGG", "20", price="100"))
    release(birch)
    small, large = orders(birch)
    assert (small.status, large.status, large.quantity) == ("CANCELED", "READY", Decimal(19))
    assert small.status_reason.startswith("Not bought. The account has $")
    assert [(entry["symbol"], entry["quantity"], entry.get("order_id")) for entry in skipped(birch)] == [
        ("AGG", "1", None),
        ("VEA", "5", small.pk),
    ]
    assert release(birch) == 0


def test_the_reserve_is_kept(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        keep(cedar, "2000")
    make_connection(birch)
    set_cash(birch, "2000")
    keep(birch, "800")
    stage(birch, buy("VEA", "30", price="60"))
    release(birch)
    assert orders(birch)[0].quantity == Decimal(19)


def test_a_haircut_leaves_a_part_of_filled_proceeds_unspent(birch: Birch) -> None:
    set_execution(birch, settlement_haircut_weight="0.10")
    set_cash(birch, "0")
    sold(birch, shares="300")
    release(birch)
    buying = orders(birch)[1]
    run = RebalanceRun.objects.for_firm(birch.firm_id).get()
    assert (run.settlement, run.haircut) == ("SAME_DAY", Decimal("0.100000"))
    assert buying.quantity * Decimal("60.07") <= Decimal(18000) * Decimal("0.9")
    assert buying.quantity == Decimal(269)


def test_the_terms_of_a_run_are_those_of_its_approval(birch: Birch) -> None:
    sold(birch)
    set_execution(birch, settlement='"NEXT_SESSION"')
    release(birch)
    assert statuses(birch)[1] == "READY"


def test_buys_of_the_next_session_wait_until_the_proceeds_settle(birch: Birch) -> None:
    set_execution(birch, settlement='"NEXT_SESSION"')
    sold(birch)
    release(birch)
    buying = orders(birch)[1]
    assert (buying.status, buying.status_reason) == (
        "HELD",
        "Waits until Monday, 23 November, when the proceeds of this account's sales settle.",
    )
    settle(firm_id=birch.firm_id, today=date(2026, 11, 23), at=MONDAY)
    release(birch, MONDAY)
    assert (orders(birch)[1].status, orders(birch)[1].quantity) == ("READY", Decimal(250))


def test_cash_that_has_not_settled_buys_nothing_in_the_next_session(birch: Birch) -> None:
    set_execution(birch, settlement='"NEXT_SESSION"')
    make_connection(birch)
    set_cash(birch, "700", "5000")
    stage(birch, buy("VEA", "20", price="60"))
    release(birch)
    assert orders(birch)[0].quantity == Decimal(11)


@pytest.mark.parametrize(
    ("minutes", "status"), [pytest.param(29, "HELD", id="before"), pytest.param(30, "READY", id="after")]
)
def test_sales_are_waited_for_as_long_as_the_firm_says(birch: Birch, minutes: int, status: str) -> None:
    set_execution(birch, sells_maximum_minutes="30")
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"), buy("VEA", "10", price="60"))
    release(birch)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    release(birch, NOW + timedelta(minutes=minutes))
    assert statuses(birch)[1] == status


def test_a_held_order_whose_approval_grew_old_ends_with_a_sentence(birch: Birch) -> None:
    set_guards(birch, order_approval_hours="48")
    make_connection(birch, capabilities={})
    stage(birch, buy("VEA", "20", price="60"))
    release(birch)
    release(birch, MONDAY)
    order = orders(birch)[0]
    assert (order.status, order.status_reason) == (
        "EXPIRED",
        "Not sent: it was held until its approval of Friday, 20 November was older than 48 hours. Scan again.",
    )
    assert [(entry["order_id"], entry["quantity"]) for entry in skipped(birch)] == [(order.pk, "20")]
