"""The largest trades of an account leave first; what is no longer needed after them is not sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portfolios.services.policies import publish_policy
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser.decision import TradeReason
from tests.trading.services.test_fitting import release, skipped
from tests.trading.worlds import (
    buy,
    filled,
    make_connection,
    orders,
    sell,
    stage,
    statuses,
    take_in,
    told,
)
from tests.worlds import NOW, Birch, Cedar, World
from trading.models import PreTradeCheck
from trading.services.construction.second_look import MENDS_DRIFT, WAITS
from trading.services.construction.tiers import tiers_of
from trading.services.deliveries import Said
from trading.services.outbox import claim

OLD_VTI, BND = "VTI-2021-03-03-200", "BND-2021-03-03-150"
WIDE = "triggers.taxable_band_absolute = 0.9\ntriggers.class_band_absolute = 0.9\ntriggers.class_band_relative = 1"

amounts = st.decimals("0.01", "100000", places=2)
trades = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Side), amounts), max_size=12)


@given(trades, st.integers(1, 5))
def test_every_trade_is_in_one_tier_and_the_largest_of_each_account_in_the_first(
    trades: list[tuple[int, Side, Decimal]], first: int
) -> None:
    tiers = tiers_of(trades, first)
    assert set(tiers) <= {1, 2}
    assert len(tiers) == len(trades)
    for account in {account for account, _, _ in trades}:
        ours = [(amount, side, tier) for (of, side, amount), tier in zip(trades, tiers, strict=True) if of == account]
        leading = sorted((amount for amount, _, tier in ours if tier == 1), reverse=True)
        assert leading[:first] == sorted((amount for amount, _, _ in ours), reverse=True)[:first]
        assert len(leading) >= min(first, len(ours))
        later_sells = [amount for amount, side, tier in ours if tier == 2 and side is Side.SELL]
        bought = sum(amount for amount, side, tier in ours if tier == 1 and side is Side.BUY)
        sold = sum(amount for amount, side, tier in ours if tier == 1 and side is Side.SELL)
        assert not later_sells or sold >= bought
        others = [trade for trade in trades if trade[0] == account]
        assert tiers_of(others, first) == [tier for _, _, tier in ours]


@given(trades)
def test_without_a_setting_there_is_one_tier(trades: list[tuple[int, Side, Decimal]]) -> None:
    assert tiers_of(trades, None) == [1] * len(trades)


def test_the_reasons_that_end_with_the_drift_are_reasons_of_the_engine() -> None:
    assert set(TradeReason) > MENDS_DRIFT


def set_terms(world: World, tier: int, more: str = "") -> None:
    publish_policy(firm_id=world.firm_id, toml=f"execution.tier = {tier}\n{more}", by="ann@example.com", at=NOW)


def why(trade: dict[str, Any], reason: str) -> dict[str, Any]:
    return {**trade, "reason": reason}


def stage_four(world: World) -> None:
    make_connection(world)
    stage(
        world,
        why(sell(world, "VTI", (OLD_VTI, "60"), price="300"), "OVERWEIGHT"),
        why(buy("VEA", "250", price="60"), "UNDERWEIGHT"),
        why(sell(world, "BND", (BND, "30"), price="74"), "OVERWEIGHT"),
        why(buy("AGG", "20", price="100"), "UNDERWEIGHT"),
    )


def fill_first_tier(world: World) -> None:
    release(world)
    claim(firm_id=world.firm_id, worker="test", now=NOW)
    sale, bought, *_ = orders(world)
    take_in(sale, filled(sale, "x1", "60", "300"))
    release(world)
    claim(firm_id=world.firm_id, worker="test", now=NOW)
    take_in(bought, filled(bought, "x2", "250", "60"))


def test_the_rest_waits_for_the_largest_and_sells_come_before_buys_in_each_tier(birch: Birch, cedar: Cedar) -> None:
    set_terms(birch, 2)
    stage_four(birch)
    with cedar.scope():
        stage_four(cedar)
        assert [order.tier for order in orders(cedar)] == [1, 1, 1, 1]
    assert [order.tier for order in orders(birch)] == [1, 1, 2, 2]
    release(birch)
    assert statuses(birch) == ["READY", "HELD", "HELD", "HELD"]
    assert [order.status_reason for order in orders(birch)[2:]] == [WAITS, WAITS]
    fill_first_tier(birch)
    assert statuses(birch) == ["FILLED", "FILLED", "HELD", "HELD"]
    release(birch)
    assert statuses(birch) == ["FILLED", "FILLED", "READY", "HELD"]
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    rest = orders(birch)[2]
    take_in(rest, filled(rest, "x3", "30", "74"))
    release(birch)
    assert statuses(birch) == ["FILLED", "FILLED", "FILLED", "READY"]
    assert not PreTradeCheck.objects.for_firm(birch.firm_id).filter(passed=False).exists()
    assert skipped(birch) == []
    with cedar.scope():
        assert statuses(cedar) == ["STAGED"] * 4


def test_what_an_account_within_its_bands_does_not_need_is_dropped_with_words(birch: Birch) -> None:
    set_terms(birch, 2, WIDE)
    stage_four(birch)
    fill_first_tier(birch)
    release(birch)
    assert statuses(birch) == ["FILLED", "FILLED", "CANCELED", "HELD"]
    release(birch)
    assert statuses(birch) == ["FILLED", "FILLED", "CANCELED", "CANCELED"]
    sold, bought = orders(birch)[2:]
    assert sold.status_reason.startswith(
        "Not needed any more: after its largest trades the account is within its bands"
    )
    assert [(entry["symbol"], entry["quantity"], entry["order_id"]) for entry in skipped(birch)] == [
        ("BND", "30", sold.pk), ("AGG", "20", bought.pk),
    ]  # fmt: skip
    totals = PreTradeCheck.objects.for_firm(birch.firm_id).filter(rule="RUN_TOTALS")
    assert all(check.passed for check in totals)


def test_a_trade_that_mends_no_drift_is_sent_in_any_case(birch: Birch) -> None:
    set_terms(birch, 1, WIDE)
    make_connection(birch)
    stage(
        birch,
        why(sell(birch, "VTI", (OLD_VTI, "60"), price="300"), "OVERWEIGHT"),
        why(sell(birch, "BND", (BND, "30"), price="74"), "HARVEST"),
    )
    release(birch)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    sale = orders(birch)[0]
    take_in(sale, filled(sale, "x1", "20", "300"), told(sale, Said.CANCELED, "c"))
    release(birch)
    assert statuses(birch) == ["CANCELED", "READY"]


def test_what_was_sold_in_the_rest_pays_for_its_buys_although_the_drift_is_mended_meanwhile(birch: Birch) -> None:
    set_terms(birch, 2)
    stage_four(birch)
    fill_first_tier(birch)
    release(birch)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    rest = orders(birch)[2]
    take_in(rest, filled(rest, "x3", "30", "74"))
    publish_policy(firm_id=birch.firm_id, toml=WIDE, by="ann@example.com", at=NOW)
    release(birch)
    assert statuses(birch)[2:] == ["FILLED", "READY"]
