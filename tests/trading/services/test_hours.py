from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.trading.services.test_checks import staged_buy
from tests.trading.worlds import buy, make_connection, make_proposal, orders, sell, stage, statuses
from tests.worlds import Birch
from trading.models import Order
from trading.services.hours import closed_because, late_because
from trading.services.orders import stage_orders
from trading.services.waves import release_waves

OLD_VTI = "VTI-2021-03-03-200"
LATE = datetime(2026, 11, 20, 20, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        pytest.param(datetime(2026, 11, 20, 14, 31, tzinfo=UTC), "The market is not open yet; orders leave from 09:32.",
                     id="first minutes"),
        pytest.param(datetime(2026, 11, 20, 14, 32, tzinfo=UTC), "", id="two minutes after the open"),
        pytest.param(datetime(2026, 11, 20, 20, 59, tzinfo=UTC), "", id="last minute"),
        pytest.param(datetime(2026, 11, 20, 21, 0, tzinfo=UTC), "The market is closed until Monday, 23 November.",
                     id="close on a Friday"),
        pytest.param(datetime(2026, 11, 26, 17, 0, tzinfo=UTC), "The market is closed until Friday, 27 November.",
                     id="Thanksgiving"),
        pytest.param(datetime(2026, 11, 27, 18, 30, tzinfo=UTC), "The market is closed until Monday, 30 November.",
                     id="early close"),
    ],
)  # fmt: skip
def test_orders_leave_only_while_the_market_is_open(now: datetime, why: str) -> None:
    assert closed_because(now) == why


@pytest.mark.parametrize(
    ("now", "late"),
    [
        pytest.param(datetime(2026, 11, 20, 20, 44, 59, tzinfo=UTC), False, id="sixteen minutes before the close"),
        pytest.param(LATE, True, id="a quarter of an hour before the close"),
        pytest.param(datetime(2026, 11, 27, 17, 44, tzinfo=UTC), False, id="before an early close"),
        pytest.param(datetime(2026, 11, 27, 17, 46, tzinfo=UTC), True, id="right before an early close"),
        pytest.param(datetime(2026, 10, 30, 19, 46, tzinfo=UTC), True, id="the last session of summer time"),
        pytest.param(datetime(2026, 11, 2, 19, 46, tzinfo=UTC), False, id="the first session of winter time"),
    ],
)
def test_no_run_begins_in_the_last_quarter_of_an_hour(now: datetime, late: bool) -> None:
    assert (closed_because(now), bool(late_because(now))) == ("", late)


def test_a_new_run_waits_for_the_next_session_and_one_that_has_begun_goes_on(birch: Birch) -> None:
    make_connection(birch, capabilities={})
    stage(birch, sell(birch, "VTI", (OLD_VTI, "2"), price="300"), buy("VEA", "2", price="60"))
    Order.objects.for_firm(birch.firm_id).filter(side="SELL").update(status="FILLED")
    stage_orders(
        firm_id=birch.firm_id,
        proposal=make_proposal(birch, [buy("AGG", "2", price="100")]),
        approved_by="ann",
        at=LATE,
    )
    release_waves(firm_id=birch.firm_id, now=LATE)
    assert statuses(birch) == ["FILLED", "READY", "HELD"]
    assert (
        orders(birch)[2].status_reason == "The market closes in a few minutes; a new run begins on Monday, 23 November."
    )


def test_a_market_that_never_closes_begins_runs_at_any_time(birch: Birch) -> None:
    staged_buy(birch)
    release_waves(firm_id=birch.firm_id, now=LATE)
    assert statuses(birch) == ["READY"]
