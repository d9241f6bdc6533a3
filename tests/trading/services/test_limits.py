"""Marketable limits: at the far side, no further than the collar, always on a step."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.selectors.quotes import Quote
from rebalancer.engine.fees import Side
from trading.services.limits import COLLAR_WEIGHT, marketable_limit

DAY = date(2026, 11, 23)
HALF_PENNY, PENNY, SUB_DOLLAR = Decimal("0.005"), Decimal("0.01"), Decimal("0.0001")


@pytest.mark.parametrize(
    ("side", "bid", "ask", "increment", "limit"),
    [
        pytest.param(Side.BUY, "59.99", "60.01", None, "60.07", id="a buy reaches up and rounds down"),
        pytest.param(Side.SELL, "59.99", "60.01", None, "59.94", id="a sale reaches down and rounds up"),
        pytest.param(Side.BUY, "60.005", "60.01", HALF_PENNY, "60.07", id="half a penny changes nothing here"),
        pytest.param(Side.SELL, "60.005", "60.01", HALF_PENNY, "59.945", id="and something there"),
        pytest.param(Side.BUY, "0.5000", "0.5001", HALF_PENNY, "0.5006", id="below a dollar"),
        pytest.param(Side.SELL, "1.00", "1.01", None, "0.9990", id="from a dollar to below it"),
        pytest.param(Side.BUY, "0.00004", "0.00005", None, "0.0001", id="below every step"),
    ],
)
def test_a_limit_stands_at_the_far_side_and_the_collar(
    side: Side, bid: str, ask: str, increment: Decimal | None, limit: str
) -> None:
    assert marketable_limit(side, Quote(DAY, Decimal(bid), Decimal(bid), Decimal(ask)), increment) == Decimal(limit)


@given(
    st.decimals("0.000001", "9000", places=6),
    st.decimals("0", "5", places=6),
    st.sampled_from(Side),
    st.sampled_from([None, PENNY, HALF_PENNY]),
)
def test_a_limit_is_on_a_step_and_within_the_collar_for_any_quote(
    bid: Decimal, spread: Decimal, side: Side, increment: Decimal | None
) -> None:
    quote = Quote(DAY, bid, bid, bid + spread)
    limit = marketable_limit(side, quote, increment)
    step = SUB_DOLLAR if limit < 1 else increment or PENNY
    assert limit > 0
    assert limit % step == 0
    if side is Side.BUY:
        assert limit <= max(quote.ask * (1 + COLLAR_WEIGHT), SUB_DOLLAR)
    else:
        assert limit >= quote.bid * (1 - COLLAR_WEIGHT)
