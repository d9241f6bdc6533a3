"""A household's budget of net gains binds: over all its accounts, at one price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import from_rows
from rebalancer.engine.breaches import BreachCode
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from rebalancer.engine.tax_rows import TaxRow
from tests.engine.books import (
    OLD,
    THIS_YEAR,
    TODAY,
    make_account,
    make_model,
    make_position,
    make_securities,
    reasons,
    trades,
)
from tests.engine.optimiser.coupled.forced import cost_of_selling, year_of


def appreciated(account_id, *, lots=(("400", "60", OLD), ("260", "50", THIS_YEAR)), **changes):
    """100,000 dollars with 66 % in VTI against 50 %, at a gain in every lot; without a budget 160 are sold."""
    row = make_account(
        make_position("VTI", *lots),
        make_position("VEA", ("180", "40", OLD)),
        make_position("BND", ("275", "70", OLD)),
        cash="3000",
        account_id=account_id,
        household="SMITH",
    )
    return replace(row, **changes)


def book_of(*accounts, budget=None, household="SMITH", **taxes):
    row = TaxRow(household=household, gain_budget=None if budget is None else Decimal(budget), **taxes)
    return from_rows(as_of=TODAY, securities=make_securities(), models=[make_model()], accounts=accounts, taxes=[row])


def gain(decisions):
    return sum((one.gain_short + one.gain_long for one in decisions), Decimal(0))


def objective(decisions):
    return sum(one.certificate.objective for one in decisions)


def test_without_a_budget_nothing_is_left_or_priced():
    decision = solve(book_of(appreciated("A1")))[0]
    assert trades(decision)["VTI"] == -160
    assert (decision.budget_left, decision.budget_price) == (None, 0.0)


def test_a_budget_that_is_not_reached_changes_nothing():
    free, ample = solve(book_of(appreciated("A1")))[0], solve(book_of(appreciated("A1"), budget=10_000))[0]
    assert ample.trades == free.trades
    assert ample.certificate == free.certificate
    assert (ample.budget_left, ample.budget_price) == (Decimal(3600), 0.0)


@pytest.mark.parametrize(
    ("budget", "used"),
    [
        pytest.param("5000", "5000", id="used-to-the-dollar"),
        pytest.param("5010", "5000", id="whole-shares-leave-ten"),
        pytest.param("0", "0", id="no-gains-at-all"),
        pytest.param("-700", "0", id="already-exceeded-forces-no-losses"),
    ],
)
def test_two_accounts_realise_no_more_than_their_household_may(budget, used):
    book = book_of(appreciated("A1"), appreciated("A2"), budget=budget)
    decisions = list(solve(book))
    assert gain(decisions) == Decimal(used)
    assert {one.budget_left for one in decisions} == {Decimal(budget) - Decimal(used)}
    assert {reasons(one)["VTI"] for one in decisions} == {"GAIN_BUDGET"}
    assert "budget" in next(one.sentence for one in decisions[0].skipped if one.symbol == "VTI")
    assert Checker(book).check_all(decisions) == {}


def test_the_budget_goes_where_a_dollar_of_gain_mends_most():
    dear = appreciated("A1")
    cheap = appreciated("A2", positions=(make_position("VTI", ("660", "90", OLD)), *dear.positions[1:]))
    decisions = solve(book_of(dear, cheap, budget=1600))
    assert [trades(one).get("VTI", 0) for one in decisions] == [0, -160]


def test_accounts_without_tax_trade_freely():
    ira = appreciated("A2", tax_status=TaxStatus.DEFERRED)
    decisions = solve(book_of(appreciated("A1"), ira, budget=0))
    assert [trades(one).get("VTI", 0) for one in decisions] == [0, -160]


def test_losses_make_room_for_gains():
    loser = appreciated("A2", positions=(make_position("VTI", ("660", "110", OLD)),))
    decisions = list(solve(book_of(appreciated("A1"), loser, budget=0)))
    assert gain(decisions) <= 0
    assert trades(decisions[0])["VTI"] < 0


def test_other_households_are_not_touched():
    other = replace(appreciated("B1"), household="JONES")
    alone = solve(book_of(other, household="JONES"))[0]
    assert solve(book_of(appreciated("A1"), other, budget=0))[1].trades == alone.trades


def test_the_price_is_what_one_more_dollar_saves():
    book, more = (book_of(appreciated("A1"), appreciated("A2"), budget=budget) for budget in (4000, 4400))
    first, second = solve(book), solve(more)
    saved = (objective(first) - objective(second)) / 400
    assert first[0].budget_price == pytest.approx(saved, rel=0.02)


def test_cash_that_must_be_raised_beats_the_budget_and_nothing_else_does():
    needy = appreciated("A1", withdrawals_due=Decimal(20_000))
    book = book_of(needy, appreciated("A2"), budget=100)
    decisions = list(solve(book))
    assert decisions[0].cash_after >= Decimal(20_000)
    assert decisions[0].gain_long == Decimal(2130)  # 213 BND at ten dollars each, the smallest gain a dollar raised
    assert decisions[1].gain_long == 0
    assert decisions[0].budget_left == Decimal(-2030)
    assert Checker(book).check_all(decisions) == {}


def test_a_budget_that_cash_exceeds_is_said_to_be_exceeded():
    needy = appreciated("A1", withdrawals_due=Decimal(20_000))
    said = [one.sentence for one in solve(book_of(needy, budget=100))[0].skipped if one.symbol is None]
    assert said == ["The household's budget for gains is exceeded by $2,030.00: cash that must be raised comes first."]


@pytest.mark.parametrize(
    ("budget", "tax"),
    [
        pytest.param("900", "900", id="used-to-the-dollar"),
        pytest.param("0", "0", id="no-tax-at-all"),
        pytest.param("-5", "0", id="already-exceeded-forces-no-losses"),
    ],
)
def test_two_accounts_owe_no_more_tax_than_their_household_may(budget, tax):
    book = book_of(appreciated("A1"), appreciated("A2"), tax_budget=Decimal(budget))
    decisions = list(solve(book))
    owed = sum(one.tax for one in decisions)
    assert Decimal(tax) * Decimal("0.98") <= owed <= Decimal(tax)
    assert {year_of(one).tax_left for one in decisions} == {Decimal(budget) - owed}
    assert {reasons(one)["VTI"] for one in decisions} == {"TAX_BUDGET"}
    assert Checker(book).check_all(decisions) == {}


@pytest.mark.parametrize(
    ("gain_budget", "tax_budget", "reason"),
    [
        pytest.param(1000, 5000, "GAIN_BUDGET", id="gains-bind"),
        pytest.param(9000, 300, "TAX_BUDGET", id="tax-binds"),
        pytest.param(3000, 300, "TAX_BUDGET", id="tax-binds-harder"),
    ],
)
def test_both_budgets_are_kept_and_the_tighter_one_is_the_reason(gain_budget, tax_budget, reason):
    book = book_of(appreciated("A1"), appreciated("A2"), budget=gain_budget, tax_budget=Decimal(tax_budget))
    decisions = list(solve(book))
    assert 0 < gain(decisions) <= gain_budget
    assert 0 < sum(one.tax for one in decisions) <= tax_budget
    assert {reasons(one)["VTI"] for one in decisions} == {reason}
    assert Checker(book).check_all(decisions) == {}


def test_decisions_that_owe_more_than_the_budget_are_a_breach():
    free = list(solve(book_of(appreciated("A1"), appreciated("A2"))))
    checker = Checker(book_of(appreciated("A1"), appreciated("A2"), tax_budget=Decimal(500)))
    found = checker.check_all(free)
    assert {breach.code for breaches in found.values() for breach in breaches} == {BreachCode.BUDGET}


def test_decisions_that_exceed_the_budget_are_a_breach():
    free = list(solve(book_of(appreciated("A1"), appreciated("A2"))))
    found = Checker(book_of(appreciated("A1"), appreciated("A2"), budget=5000)).check_all(free)
    assert {breach.code for breaches in found.values() for breach in breaches} == {BreachCode.BUDGET}
    assert sorted(found) == ["A1", "A2"]


def test_the_same_question_has_the_same_answer():
    book = book_of(appreciated("A1"), appreciated("A2"), budget=1234)
    assert list(solve(book)) == list(solve(book))


LOTS = st.lists(
    st.tuples(st.integers(20, 120).map(str), st.integers(40, 130).map(str), st.sampled_from([OLD, THIS_YEAR])),
    min_size=1,
    max_size=3,
).map(tuple)


@settings(max_examples=40, deadline=None)
@given(
    lots=st.lists(LOTS, min_size=1, max_size=3),
    budget=st.integers(0, 4000),
    tax_budget=st.sampled_from([None, None, Decimal(0), Decimal(200)]),
    slider=st.sampled_from([0.0, 0.5, 1.0]),
    due=st.sampled_from([0, 0, 3000]),
)
def test_no_household_exceeds_its_budget_and_the_bound_holds(lots, budget, tax_budget, slider, due):
    accounts = [
        appreciated(f"A{place}", lots=some, withdrawals_due=Decimal(due) if place == 0 else Decimal(0))
        for place, some in enumerate(lots)
    ]
    book = book_of(*accounts, budget=budget, tax_budget=tax_budget)
    decisions = solve(book, slider=slider)
    free = solve(book_of(*accounts), slider=slider)
    assert not decisions.breaches.any()
    assert Checker(book).check_all(list(decisions)) == {}
    if due == 0:
        assert gain(decisions) <= budget
        assert sum(one.tax for one in decisions) <= (tax_budget if tax_budget is not None else Decimal(10**9))
        assert decisions.bound.sum() <= decisions.objective.sum() + 1e-6
        assert decisions.objective.sum() >= free.bound.sum() - 1e-6


@settings(max_examples=15, deadline=None)
@given(bases=st.tuples(st.integers(40, 99), st.integers(40, 99)), budget=st.integers(0, 3000))
def test_the_answer_is_near_the_best_of_all_ways_to_share_the_budget(bases, budget):
    """Every number of whole shares sold in each of two accounts whose only sale is of one security."""
    accounts = [appreciated(f"A{place}", lots=(("660", str(basis), OLD),)) for place, basis in enumerate(bases)]
    decisions = solve(book_of(*accounts, budget=budget))
    worth = [
        {sold: cost_of_selling(book_of(account), "VTI", sold) for sold in range(0, 161, 8)} for account in accounts
    ]
    best = min(
        worth[0][one] + worth[1][two]
        for one, two in product(worth[0], worth[1])
        if one * (100 - bases[0]) + two * (100 - bases[1]) <= budget
    )
    assert decisions.bound.sum() <= best + 1e-6
    assert decisions.objective.sum() <= best + 2.0
