"""A swap replaces one security by another and touches nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import WashRow
from rebalancer.engine.checks import Checker
from rebalancer.engine.fees import Side
from rebalancer.engine.swap import BadSwap, SwapRule, swap
from tests.engine.books import (
    OLD,
    TODAY,
    make_account,
    make_book,
    make_position,
    on_target,
    overweight_equity,
    trades,
)
from tests.engine.optimiser.test_properties import accounts, book_of, washes


def swapped(*rows, rule=None, **book):
    """Trades by account id."""
    found = swap(make_book(*rows, **book), "VTI", "ITOT", rule)
    assert Checker(found.book).check_all(found.decisions) == {}
    return {one.account_id: trades(one) for one in found.decisions}


def test_all_of_one_is_sold_and_the_other_bought_with_it_in_every_account():
    rows = [on_target(account_id="A1"), overweight_equity(account_id="A2"), make_account(cash="5000", account_id="A3")]
    found = swapped(*rows)
    assert found["A1"] == {"VTI": -500, "ITOT": 1000}
    assert found["A2"]["VTI"] == -660
    assert set(found) == {"A1", "A2"}


def test_totals_are_those_of_the_decisions():
    found = swap(make_book(on_target()), "VTI", "ITOT")
    assert (found.amount(Side.SELL), found.amount(Side.BUY)) == (Decimal(50000), Decimal(50000))
    assert found.left == ()


@pytest.mark.parametrize(
    ("rule", "lots"),
    [
        pytest.param(SwapRule(only_losses=True), {"VTI-3": 60}, id="only losses"),
        pytest.param(SwapRule(only_long_term=True), {"VTI-3": 60, "VTI-1": 400}, id="only long-term"),
        pytest.param(
            SwapRule(gain_cap=Decimal(1000)), {"VTI-3": 60, "VTI-2": 200, "VTI-1": 30}, id="a net gain of at most 1,000"
        ),
        pytest.param(SwapRule(), {"VTI-3": 60, "VTI-1": 400, "VTI-2": 200}, id="all"),
    ],
)
def test_only_what_the_rule_allows_is_sold(rule, lots):
    found = swap(make_book(overweight_equity()), "VTI", "ITOT", rule)
    (decision,) = found.decisions
    (sale,) = [trade for trade in decision.trades if trade.side is Side.SELL]
    assert {pick.lot_id: int(pick.quantity) for pick in sale.lots} == lots
    assert Checker(found.book).check_all(found.decisions) == {}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(on_target(model_id=None), id="no model"),
        pytest.param(on_target(cash="-50"), id="cash is missing"),
        pytest.param(
            replace(on_target(), positions=(make_position("VTI", ("9", "1", OLD), no_sell=True),)), id="barred"
        ),
    ],
)
def test_an_account_that_may_not_is_left_and_named(row):
    found = swap(make_book(row), "VTI", "ITOT")
    assert (found.decisions, found.left) == ((), ("A1",))


def test_nothing_is_sold_where_the_other_may_not_be_bought():
    lock = WashRow(household="A1", wash_group="ITOT", sold_at_loss_on=TODAY - timedelta(days=2))
    assert swapped(on_target(), wash=[lock]) == {}


def test_budgets_of_a_household_hold_over_all_its_accounts():
    rows = [overweight_equity(account_id=name, household="H") for name in ("A1", "A2")]
    found = swap(make_book(*rows), "VTI", "ITOT", SwapRule(gain_cap=Decimal(3000)))
    gains = [one.gain_short + one.gain_long for one in found.decisions]
    assert sum(gains) <= 3000
    assert sum(gains) > 2900


@pytest.mark.parametrize(
    ("sold", "bought", "sentence"),
    [("VTI", "VTI", "itself"), ("VTI", "XYZ", "no XYZ"), ("XYZ", "VTI", "no XYZ"), ("SPAXX", "VTI", "is cash")],
)
def test_a_swap_that_cannot_be_is_refused(sold, bought, sentence):
    with pytest.raises(BadSwap, match=sentence):
        swap(make_book(on_target()), sold, bought)


rules = st.builds(
    SwapRule,
    only_losses=st.booleans(),
    only_long_term=st.booleans(),
    gain_cap=st.sampled_from([None, Decimal(0), Decimal(500)]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(accounts, min_size=1, max_size=4, unique_by=lambda row: row.account_id), washes, rules)
def test_a_swap_passes_the_checks_and_keeps_its_rule(rows, wash, rule):
    found = swap(book_of(rows, wash), "VTI", "VEA", rule)
    assert Checker(found.book).check_all(found.decisions) == {}
    for one in found.decisions:
        assert {trade.symbol: trade.side for trade in one.trades}.items() <= {"VTI": Side.SELL, "VEA": Side.BUY}.items()
        picks = [pick for trade in one.trades for pick in trade.lots]
        assert not rule.only_losses or all(pick.gain < 0 for pick in picks)
        taxable = found.book.accounts.tax_status[found.book.index_of([one.account_id])[0]] == TaxStatus.TAXABLE
        if rule.only_long_term and taxable:
            assert all(pick.term == "LONG" or pick.gain <= 0 for pick in picks)
    if rule.gain_cap is not None:
        net = np.zeros(found.book.households)
        for one in found.decisions:
            account = found.book.index_of([one.account_id])[0]
            net[found.book.accounts.household[account]] += float(one.gain_short + one.gain_long)
        assert net.max() <= float(rule.gain_cap) + 0.01


@pytest.mark.parametrize(
    ("recent", "sold"), [pytest.param("BND", Decimal(100), id="nothing"), pytest.param("VTI", None, id="the same")]
)
def test_nothing_goes_at_a_loss_that_another_account_has_bought_lately(recent, sold):
    loser = make_account(make_position("VTI", ("100", "150", OLD), ("100", "60", OLD)), household="H")
    lately = TODAY - timedelta(days=5)
    buyer = make_account(make_position(recent, ("5", "90", lately)), account_id="A2", household="H", model_id=None)
    found = swap(make_book(loser, buyer), "VTI", "VEA", SwapRule(only_losses=True))
    sales = [trade.quantity for one in found.decisions for trade in one.trades if trade.symbol == "VTI"]
    assert sales == ([] if sold is None else [sold])
