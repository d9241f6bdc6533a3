"""Prices and sizes an order may have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.fees import Side
from rebalancer.engine.orders import on_tick, round_lot, to_increment, to_tick


@pytest.mark.parametrize(
    ("price", "assigned", "allowed"),
    [
        pytest.param("10.01", False, True, id="a penny"),
        pytest.param("10.015", False, False, id="half a penny without assignment"),
        pytest.param("10.005", True, True, id="half a penny with assignment"),
        pytest.param("10.0025", True, False, id="a quarter of a penny never"),
        pytest.param("1.0000", False, True, id="a dollar"),
        pytest.param("1.0001", False, False, id="a dollar is not below a dollar"),
        pytest.param("0.9999", False, True, id="four decimals below a dollar"),
        pytest.param("0.50005", False, False, id="five decimals nowhere"),
        pytest.param("0.50005", True, False, id="an assignment does not matter below a dollar"),
        pytest.param("0", False, False, id="nothing"),
        pytest.param("-1.00", False, False, id="less than nothing"),
    ],
)
def test_a_limit_price_stands_on_its_tick(price, assigned, allowed):
    assert on_tick(Decimal(price), half_penny_assigned=assigned) is allowed


@pytest.mark.parametrize(("on", "allowed"), [("2026-10-30", False), ("2026-11-02", True)])
def test_half_pennies_began_on_a_day(on, allowed):
    assert on_tick(Decimal("10.005"), half_penny_assigned=True, on=date.fromisoformat(on)) is allowed


@given(st.decimals("0.0002", "5000", places=6), st.sampled_from(Side), st.booleans())
def test_rounding_to_a_tick_is_allowed_and_never_worse_for_the_client(price, side, assigned):
    limit = to_tick(price, side, half_penny_assigned=assigned)
    assert on_tick(limit, half_penny_assigned=assigned)
    assert limit <= price if side is Side.BUY else limit >= price


def test_a_price_below_every_tick_has_no_limit_to_buy_at():
    with pytest.raises(ValueError, match="no allowed limit"):
        to_tick(Decimal("0.00005"), Side.BUY, half_penny_assigned=False)


@pytest.mark.parametrize(
    ("average_close", "shares"),
    [("120", 100), ("250", 100), ("250.01", 40), ("1000", 40), ("1000.01", 10), ("10000", 10), ("10000.01", 1)],
)
def test_dearer_stocks_have_smaller_round_lots(average_close, shares):
    assert round_lot(Decimal(average_close)) == shares
    assert round_lot(Decimal(average_close), on=date(2025, 10, 31)) == 100


@given(
    st.decimals("0.0002", "5000", places=6),
    st.sampled_from(Side),
    st.sampled_from([None, Decimal("0.01"), Decimal("0.005")]),
)
def test_a_limit_on_an_assigned_step_is_one_of_its_multiples_and_never_worse_for_the_client(price, side, increment):
    limit = to_increment(price, side, increment)
    step = Decimal("0.0001") if price < 1 else increment or Decimal("0.01")
    assert limit % step == 0
    assert on_tick(limit, half_penny_assigned=increment == Decimal("0.005"))
    assert 0 <= (price - limit if side is Side.BUY else limit - price) < step
