"""The orders of all accounts in one security and side stay within its volume."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book_part import part_of
from rebalancer.engine.book_rows import from_rows
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from rebalancer.engine.optimiser.coupled.volume import shares
from rebalancer.engine.tax_rows import TaxRow
from tests.engine.books import (
    FULL,
    OLD,
    TODAY,
    make_account,
    make_book,
    make_model,
    make_position,
    make_securities,
    make_security,
    overweight_equity,
    reasons,
    trades,
)


def market(**volumes):
    """The usual securities, some of them with another daily volume in shares."""
    usual = {row.symbol: row for row in make_securities()}
    return make_securities(**{symbol: replace(usual[symbol], adv_shares=adv) for symbol, adv in volumes.items()})


def block_of(count, **volumes):
    rows = [overweight_equity(account_id=f"A{place}") for place in range(count)]
    return make_book(*rows, securities=market(**volumes))


def traded(decisions, symbol, sign):
    return sum(max(sign * trades(one).get(symbol, 0), 0) for one in decisions)


def test_orders_within_the_volume_are_left_as_they_are():
    alone = solve(block_of(1))[0]
    for decision in solve(block_of(4, VTI=4 * 160 * 20)):
        assert decision.trades == alone.trades


def test_a_volume_is_shared_in_proportion():
    book = block_of(4, VTI=6400)  # 5 % of it: 320 of the 640 shares wanted
    decisions = list(solve(book))
    assert [trades(one)["VTI"] for one in decisions] == [-80] * 4
    assert {reasons(one)["VTI"] for one in decisions} == {"VOLUME_CAP"}
    assert Checker(book).check_all(decisions) == {}


def test_buys_and_sales_have_a_volume_each():
    decisions = list(solve(block_of(4, BND=4000)))
    assert traded(decisions, "BND", 1) == 200
    assert {reasons(one)["BND"] for one in decisions} == {"VOLUME_CAP"}


def test_the_smallest_part_of_those_who_trade_holds():
    careful = replace(FULL, adv_cap=Decimal("0.01"))
    rows = [overweight_equity(account_id="A0", policy=careful), overweight_equity(account_id="A1")]
    decisions = solve(make_book(*rows, securities=market(VTI=16_000)))
    assert traded(decisions, "VTI", -1) == 160


def test_another_accounts_cap_is_nothing_to_those_who_trade_elsewhere():
    stopped = make_account(cash="0", account_id="A0", policy=replace(FULL, adv_cap=Decimal(0)))
    decisions = solve(make_book(stopped, overweight_equity(account_id="A1"), securities=market(VTI=16_000)))
    assert traded(decisions, "VTI", -1) == 160


def test_volume_and_budget_are_kept_together():
    lots = make_position("VTI", ("660", "60", OLD))
    rows = [
        replace(overweight_equity(account_id=f"A{place}"), positions=(lots,), household="SMITH") for place in range(3)
    ]
    taxes = [TaxRow(household="SMITH", gain_budget=Decimal(5000))]
    book = from_rows(
        as_of=TODAY, securities=market(VTI=2000, BND=2000), models=[make_model()], accounts=rows, taxes=taxes
    )
    decisions = list(solve(book))
    assert 0 < traded(decisions, "VTI", -1) <= 100
    assert traded(decisions, "BND", 1) <= 100
    assert 0 < sum(one.gain_long for one in decisions) <= 5000
    assert Checker(book).check_all(decisions) == {}


def test_a_household_asked_again_alone_keeps_its_share():
    rows = [overweight_equity(account_id=f"A{place}", household=f"H{place}") for place in range(4)]
    book = make_book(*rows, securities=market(VTI=6400, BND=1000))
    together = solve(book)
    assert set(together.volume_limits) == {"A0", "A1", "A2", "A3"}
    for place in range(4):
        part = part_of(book, np.array([place]))
        alone = solve(part, volume_limits={f"A{place}": together.volume_limits[f"A{place}"]})
        assert (alone[0], alone.volume_limits) == (
            together[place],
            {f"A{place}": together.volume_limits[f"A{place}"]},
        )


def test_orders_within_the_volume_have_no_limits():
    assert solve(block_of(4, VTI=4 * 160 * 20)).volume_limits == {}


@pytest.mark.parametrize(
    ("wanted", "steps", "limit", "parts"),
    [
        pytest.param([60, 60], [1, 1], 100, [50, 50], id="even"),
        pytest.param([90, 30], [1, 1], 60, [45, 15], id="in-proportion"),
        pytest.param([10, 10, 10], [1, 1, 1], 20, [7, 7, 6], id="rest-to-the-first"),
        pytest.param([100, 100], [10, 1], 101, [50, 51], id="whole-lots"),
        pytest.param([5, 5], [5, 5], 4, [0, 0], id="nothing-fits"),
    ],
)
def test_a_limit_is_shared_in_whole_steps(wanted, steps, limit, parts):
    assert shares(np.array(wanted), np.array(steps), limit).tolist() == parts


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(50, 900), min_size=2, max_size=6),
    volumes=st.fixed_dictionaries({symbol: st.integers(0, 20_000) for symbol in ("VTI", "VEA", "BND")}),
    caps=st.lists(st.sampled_from(["0.01", "0.05", "0.2"]), min_size=6, max_size=6),
)
def test_the_orders_of_a_block_never_exceed_the_volume(sizes, volumes, caps):
    rows = [
        make_account(
            make_position("VTI", (str(size), "60", OLD)),
            make_position("VEA", (str(size // 2), "40", OLD)),
            cash=str(37 * size),
            account_id=f"A{place}",
            policy=replace(FULL, adv_cap=Decimal(caps[place])),
        )
        for place, size in enumerate(sizes)
    ]
    book = make_book(*rows, securities=market(**volumes))
    decisions = solve(book)
    assert not decisions.breaches.any()
    assert Checker(book).check_all(list(decisions)) == {}
    for symbol, adv in volumes.items():
        for sign in (1, -1):
            part = min(
                [Decimal(caps[place]) for place, one in enumerate(decisions) if sign * trades(one).get(symbol, 0) > 0],
                default=Decimal(1),
            )
            assert traded(decisions, symbol, sign) <= part * adv


def test_securities_without_a_known_volume_have_no_limit():
    fund = make_security("VTI", "100", asset_class="US equity", adv_shares=None)
    rows = [overweight_equity(account_id=f"A{place}") for place in range(3)]
    decisions = solve(make_book(*rows, securities=make_securities(VTI=fund)))
    assert traded(decisions, "VTI", -1) == 480
