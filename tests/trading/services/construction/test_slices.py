from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.services.policies import publish_policy
from tests.trading.services.test_fitting import MONDAY, OLD_VTI, release
from tests.trading.worlds import make_connection, orders, sell, stage, statuses, trade
from tests.worlds import NOW, Birch
from trading.models import OrderLot, PreTradeCheck
from trading.services.construction.slices import session_of_part, slices


@given(
    lots=st.lists(st.integers(1, 500), min_size=1, max_size=6),
    volume=st.one_of(st.none(), st.integers(0, 5000)),
)
def test_parts_lose_no_share_and_name_the_lots_in_order(lots: list[int], volume: int | None) -> None:
    named = [{"lot_id": str(number), "quantity": str(held)} for number, held in enumerate(lots)]
    parts = slices(trade("SELL", "VTI", Decimal(sum(lots)), "300", named), volume=volume, most_weight=Decimal("0.05"))
    assert sum(Decimal(part["quantity"]) for part in parts) == sum(lots)
    assert [sum(Decimal(lot["quantity"]) for lot in part["lots"]) for part in parts] == [
        Decimal(part["quantity"]) for part in parts
    ]
    order = [int(lot["lot_id"]) for part in parts for lot in part["lots"]]
    assert order == sorted(order)
    if len(parts) > 1:
        assert volume is not None
        assert max(Decimal(part["quantity"]) for part in parts) <= volume * Decimal("0.05")


@pytest.mark.parametrize(
    ("part", "at", "expected"),
    [
        pytest.param(1, NOW, None, id="the first at once"),
        pytest.param(2, datetime(2026, 11, 20, 15, 0, tzinfo=UTC), datetime(2026, 11, 23, 14, 32, tzinfo=UTC),
                     id="the second in the next session"),
        pytest.param(2, NOW, datetime(2026, 11, 24, 14, 32, tzinfo=UTC), id="after the close the first goes on Monday"),
        pytest.param(4, datetime(2026, 11, 23, 15, 0, tzinfo=UTC), datetime(2026, 11, 27, 14, 32, tzinfo=UTC),
                     id="over Thanksgiving"),
    ],
)  # fmt: skip
def test_each_part_has_a_session_of_its_own(part: int, at: datetime, expected: datetime | None) -> None:
    assert session_of_part(part, at) == expected


def test_a_large_sale_leaves_in_parts_that_are_together_what_was_approved(birch: Birch) -> None:
    publish_policy(
        firm_id=birch.firm_id,
        toml="execution.slice_volume_weight = 0.00001\nguards.order_price_maximum_sessions = 5",
        by="ann@example.com",
        at=NOW,
    )
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "70"), price="300"))
    release(birch)
    assert [(order.quantity, order.part, order.parts) for order in orders(birch)] == [
        (Decimal(30), 1, 3), (Decimal(30), 2, 3), (Decimal(10), 3, 3),
    ]  # fmt: skip
    assert statuses(birch) == ["READY", "HELD", "HELD"]
    assert orders(birch)[1].status_reason == "Leaves from Tuesday, 24 November, 09:32."
    lots = OrderLot.objects.for_firm(birch.firm_id).order_by("order_id").values_list("quantity", flat=True)
    assert list(lots) == [Decimal(30), Decimal(30), Decimal(10)]
    release(birch, MONDAY.replace(day=24))
    assert statuses(birch) == ["READY", "READY", "HELD"]
    assert not PreTradeCheck.objects.for_firm(birch.firm_id).filter(passed=False).exists()
