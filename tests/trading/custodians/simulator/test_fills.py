from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.custodians.simulator.fills import Slice, next_slice, quantities
from trading.custodians.simulator.records import Asset, Order

ASSET = Asset("VTI", "id", "VTI", Decimal("299.98"), Decimal("300.02"), Decimal(300), Decimal(300), fractionable=True)


def make_order(client_order_id: str = "ONE", **changes: object) -> Order:
    words: dict[str, object] = {
        **dict.fromkeys(("id", "account_id", "key_id", "asset_id", "fate"), ""),
        **dict.fromkeys(("submitted_ns", "expires_ns", "updated_ns"), 0),
        **dict.fromkeys(("notional", "limit_price")),
        "symbol": "VTI",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "status": "new",
        "quantity": Decimal(10),
        "hold_unit": Decimal(300),
        "client_order_id": client_order_id,
    }
    return Order(**(words | changes))  # type: ignore[arg-type]


@given(st.integers(), st.text(), st.decimals("0.000001", "1000000", places=6))
def test_the_parts_of_an_order_are_positive_and_sum_to_it(seed: int, client_order_id: str, quantity: Decimal):
    sizes = quantities(seed, client_order_id, quantity)
    assert sum(sizes) == quantity
    assert min(sizes) > 0
    assert len(sizes) <= 5


def test_the_same_seed_and_id_give_the_same_fill():
    assert next_slice(7, make_order(), ASSET) == next_slice(7, make_order(), ASSET)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("quantity", "notional", "shares"), [("1000", None, "1000"), (None, "1500.02", "10.344965")])
def test_a_fund_is_traded_at_once_at_the_price_of_the_day(
    seed: int, quantity: str | None, notional: str | None, shares: str
):
    fund = replace(ASSET, last=Decimal(145), at_nav=True)
    order = make_order(
        quantity=Decimal(quantity) if quantity else None, notional=Decimal(notional) if notional else None
    )
    assert next_slice(seed, order, fund) == Slice(Decimal(shares), Decimal(145), is_last=True)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("side", "limit"), [("buy", "300.03"), ("sell", "299.97")])
def test_a_limit_order_never_trades_beyond_its_limit(seed: int, side: str, limit: str):
    price = next_slice(seed, make_order(side=side, limit_price=Decimal(limit)), ASSET).price
    assert price <= Decimal(limit) if side == "buy" else price >= Decimal(limit)


def test_large_orders_fill_in_parts():
    assert {len(quantities(seed, "LARGE", Decimal(1000))) for seed in range(60)} == {2, 3, 4, 5}
