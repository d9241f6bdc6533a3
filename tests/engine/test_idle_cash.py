from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rebalancer.engine.idle_cash import buys_from, idle_cash


@pytest.mark.parametrize(
    ("sold_on", "expected"),
    [
        pytest.param(date(2026, 11, 17), date(2026, 11, 18), id="the next day"),
        pytest.param(date(2026, 11, 20), date(2026, 11, 23), id="over a weekend"),
        pytest.param(date(2026, 10, 9), date(2026, 10, 13), id="over a session on which nothing settles"),
        pytest.param(date(2026, 11, 10), date(2026, 11, 12), id="over Veterans Day, a session without settlement"),
        pytest.param(date(2026, 11, 25), date(2026, 11, 27), id="over Thanksgiving"),
    ],
)
def test_buys_come_in_the_first_session_with_settled_proceeds(sold_on: date, expected: date) -> None:
    assert buys_from(sold_on) == expected


def test_three_idle_days_of_a_million_at_four_percent_cost_a_third_of_a_basis_point_of_a_tenfold_account() -> None:
    found = idle_cash(Decimal(1_000_000), sold_on=date(2026, 11, 20), rate=Decimal("0.04"), value=Decimal(10_000_000))
    assert (found.days, found.cost, round(found.cost_bps, 4)) == (3, Decimal("328.77"), Decimal("0.3288"))


def test_an_account_worth_nothing_has_no_cost_in_basis_points() -> None:
    with pytest.raises(ValueError, match="above zero, not 0"):
        idle_cash(Decimal(1), sold_on=date(2026, 11, 20), rate=Decimal("0.04"), value=Decimal(0))
