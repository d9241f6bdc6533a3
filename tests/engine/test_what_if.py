from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import BadPolicy, Frequency, Policy
from rebalancer.engine.what_if import Standing, WhatIf, compare, standing, what_if
from tests.engine.books import OLD, make_account, make_book, make_position, on_target, overweight_equity

POLICY = Policy(calendar_frequency=Frequency.NONE)


def five_points_over():
    """100,000 dollars with VTI five and a half points over its target: inside the band of a taxable account."""
    return make_account(
        make_position("VTI", ("555", "60", OLD)),
        make_position("VEA", ("305", "40", OLD)),
        make_position("BND", ("340", "70", OLD)),
        cash="2050",
        account_id="A2",
        policy=POLICY,
    )


def book():
    return make_book(overweight_equity(policy=POLICY), five_points_over(), on_target(account_id="A3", policy=POLICY))


def test_a_standing_counts_what_is_decided_for_the_accounts_that_are_due():
    found, (decision,) = standing(book()), solve(book(), book().index_of(["A1"]))
    assert found == Standing(
        accounts=3,
        breached=1,
        due=1,
        traded=1,
        not_worth=0,
        trades=len(decision.trades),
        turnover=decision.turnover,
        tax=decision.tax,
        cost=decision.cost,
    )


def test_a_narrower_band_adds_the_accounts_that_lie_between_both():
    found = what_if(book(), {"taxable_band_absolute": Decimal("0.05")})
    assert (found.before.breached, found.after.breached) == (1, 2)
    assert (found.difference["traded"], found.difference["accounts"]) == (1, 0)
    assert found.difference["tax"] == found.after.tax - found.before.tax > 0
    trades, tax, cost = (found.difference[name] for name in ("trades", "tax", "cost"))
    assert found.sentence == (
        f"1 account more would trade: {trades} trades more, ${tax:,.2f} more tax and ${cost:,.2f} more cost."
    )


def test_a_wider_band_takes_them_away():
    wide = {"taxable_band_absolute": Decimal("0.9"), "class_band_relative": None}
    found = what_if(book(), wide)
    assert (found.after.due, found.after.trades, found.after.turnover) == (0, 0, Decimal(0))
    assert found.sentence.startswith("1 account fewer would trade: ")


def test_the_same_policy_changes_nothing():
    found = what_if(book(), {"class_band_absolute": Decimal("0.05")})
    assert found.before == found.after
    assert found.sentence == "Nothing would change today."


def test_trades_that_are_not_worth_their_cost_are_counted_as_left_undone():
    gains = make_account(
        make_position("VTI", ("660", "10", OLD)),
        make_position("VEA", ("180", "40", OLD)),
        make_position("BND", ("275", "70", OLD)),
        cash="3000",
        policy=POLICY,
    )
    found = what_if(make_book(gains), {"cost_benefit": True, "horizon_years": Decimal("0.1")})
    assert (found.before.traded, found.after.traded, found.after.not_worth) == (1, 0, 1)
    assert (found.after.due, found.after.tax) == (1, Decimal(0))


def test_two_books_are_compared_each_as_a_whole():
    one, other = make_book(on_target(policy=POLICY)), make_book(overweight_equity(policy=POLICY))
    assert compare(one, other) == WhatIf(standing(one), standing(other))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"bandwidth": Decimal(1)}, "bandwidth is no parameter", id="no such parameter"),
        pytest.param({"class_band_absolute": Decimal(4)}, "class_band_absolute must be between 0 and 1", id="points"),
    ],
)
def test_what_is_no_policy_is_refused(changes, sentence):
    with pytest.raises(BadPolicy, match=sentence):
        what_if(book(), changes)


def test_the_book_that_is_asked_about_stays_as_it_is():
    asked = book()
    what_if(asked, {"taxable_band_absolute": Decimal("0.05")})
    assert asked.policies == (replace(POLICY),)
