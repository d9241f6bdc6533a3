from __future__ import annotations

from math import inf
from typing import Any

import pytest

from trading.benchmarks.oracle.terms import Account, Line, Parcel, counted_together
from trading.benchmarks.oracle.ways import cost_of

GAIN, LOSS = Parcel(10, 2.0, False, False), Parcel(5, -3.0, True, False)
RECENT, RECENT_LOSS = Parcel(4, 1.0, False, True), Parcel(4, -1.0, True, True)


def make_line(symbol: str = "A", **changes) -> Line:
    facts: dict[str, Any] = {
        "symbol": symbol,
        "group": symbol,
        "price": 10.0,
        "half_spread": 0.1,
        "fee": 0.0,
        "held": 15,
        "goal": 100.0,
        "cap": 1000,
        "no_buy": False,
        "no_sell": False,
        "no_loss": False,
        "parcels": (LOSS, GAIN),
    }
    return Line(**(facts | changes))


def make_account(*lines: Line, **changes) -> Account:
    facts: dict[str, Any] = {
        "value": 1000.0,
        "cash": 100.0,
        "raises": False,
        "reserve": 0.0,
        "floor": 0.0,
        "wanted": 100.0,
        "minimum": 0.0,
        "taxable": True,
        "harvest": False,
        "price_of_drift": 0.2,
        "cash_drag": 0.0,
        "commission": 0.0,
    }
    return Account(lines=lines, **(facts | changes))


def test_leaving_everything_costs_the_drift_there_is():
    assert cost_of([make_account(make_line())], [{}]) == pytest.approx(0.1 * 50 * (1 + 1e-4 * 50 / 1000))


def test_a_sale_costs_spread_and_what_its_cash_is_worth_and_saves_the_tax_on_losses():
    cash = 5 * 9.9
    assert cost_of([make_account(make_line())], [{"A": -5}]) == pytest.approx(5 * 0.1 - 15 + 0.2 * cash)


@pytest.mark.parametrize(
    ("line", "account", "shares"),
    [
        pytest.param({}, {}, -6, id="a sale beyond the goal by more than half a share"),
        pytest.param({}, {}, 1, id="a purchase above the goal"),
        pytest.param({"held": 5, "parcels": (LOSS,)}, {}, 6, id="a purchase beyond the goal"),
        pytest.param({}, {"minimum": 40.0}, -3, id="a trade below the minimum"),
        pytest.param({"cap": 3}, {}, -4, id="a trade above the volume cap"),
        pytest.param({"no_sell": True}, {}, -1, id="a sale that is barred"),
        pytest.param({"held": 5, "parcels": (LOSS,), "no_buy": True}, {}, 1, id="a purchase that is barred"),
        pytest.param({"no_loss": True, "parcels": (LOSS,)}, {}, -5, id="a loss after a purchase elsewhere"),
        pytest.param({"parcels": (LOSS, RECENT_LOSS)}, {}, -3, id="a loss while part of a recent lot is kept"),
        pytest.param({"held": 5, "parcels": (LOSS,)}, {"reserve": 90.0}, 2, id="a purchase out of the reserve"),
    ],
)
def test_what_the_rules_forbid_costs_without_end(line, account, shares):
    assert cost_of([make_account(make_line(**line), **account)], [{"A": shares}]) == inf


def test_recent_lots_go_whole_and_first_where_losses_are_sold():
    account = make_account(make_line(held=19, parcels=(LOSS, RECENT, GAIN)))
    with_loss = cost_of([account], [{"A": -5}])
    assert with_loss - cost_of([account], [{"A": -4}]) == pytest.approx(-3.0 + 0.1 + 0.1 * 2 * 9.9 - 0.1 * 10, abs=1e-3)


@pytest.mark.parametrize("apart", [False, True], ids=["in one account", "in two accounts of a household"])
def test_a_loss_and_a_purchase_of_its_group_exclude_each_other(apart):
    sold = make_line("A", group="G")
    bought = make_line("B", group="G", held=0, parcels=())
    accounts = [make_account(sold), make_account(bought)] if apart else [make_account(sold, bought)]
    both = [{"A": -5}, {"B": 5}] if apart else [{"A": -5, "B": 5}]
    assert cost_of(accounts, both) < inf, "of a lot at a gain"
    only_losses = make_line("A", group="G", parcels=(Parcel(15, -3.0, True, False),))
    accounts[0] = make_account(only_losses) if apart else make_account(only_losses, bought)
    assert cost_of(accounts, both) == inf


def test_a_loss_never_rests_on_what_another_account_sells():
    loses = make_account(make_line("A", parcels=(Parcel(15, -3.0, True, False),)))
    bought_lately = make_account(make_line("A", held=4, goal=0.0, parcels=(RECENT,)))
    assert cost_of([loses, bought_lately], [{"A": -5}, {"A": -4}]) == inf
    assert cost_of([loses, bought_lately], [{}, {"A": -4}]) < inf


def test_what_is_held_of_an_equivalent_counts_towards_the_line_that_is_short():
    spare, short = make_line("A", group="G", goal=0.0), make_line("B", group="G", held=2, goal=100.0)
    assert [line.goal for line in counted_together([spare, short])] == [80.0, 20.0]
