"""Laws of the least cost: theorems about the problem, so that any exact solver must keep them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import AccountRow, from_rows
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser import solve
from trading.benchmarks.oracle.accounts import TODAY, Case, middle_case, small_case

cases = st.integers(0, 10**6).flatmap(lambda seed: st.sampled_from([small_case(seed), middle_case(seed)]))
TOLERANCE = 1e-6
"""Of the account's value: a hundredth of a basis point."""


def value_of(case: Case) -> float:
    return float(solve(case.book())[0].value)


def least(case: Case) -> float:
    return float(solve(case.book(), exact=True).objective[0])


def account_of(case: Case) -> AccountRow:
    return case.accounts[0]


def with_account(case: Case, **changes) -> Case:
    return replace(case, accounts=(replace(account_of(case), **changes),))


def with_policy(case: Case, **changes) -> Case:
    return with_account(case, policy=replace(account_of(case).policy, **changes))


def with_positions(case: Case, change) -> Case:
    return with_account(case, positions=tuple(map(change, account_of(case).positions)))


@settings(max_examples=40, deadline=None)
@given(cases)
def test_cash_after_is_cash_before_with_what_trades_bring_and_cost(case):
    decision = solve(case.book())[0]
    brought = sum(
        ((1 if trade.side is Side.SELL else -1) * trade.amount - trade.cost for trade in decision.trades), Decimal(0)
    )
    assert decision.cash_after == decision.cash_before + brought


@settings(max_examples=40, deadline=None)
@given(cases)
def test_no_sale_takes_more_of_a_lot_than_there_is(case):
    lots = {lot.lot_id: lot.quantity for held in account_of(case).positions for lot in held.lots}
    for trade in solve(case.book())[0].trades:
        assert sum((pick.quantity for pick in trade.lots), Decimal(0)) == (
            trade.quantity if trade.side is Side.SELL else 0
        )
        assert all(0 < pick.quantity <= lots[pick.lot_id] for pick in trade.lots)


@settings(max_examples=60, deadline=None)
@given(cases)
def test_no_loss_is_washed(case):
    assume(account_of(case).tax_status is TaxStatus.TAXABLE)
    group = {one.symbol: one.wash_group for one in case.securities}
    recent = {
        (group[held.symbol], lot.lot_id): lot.quantity
        for held in account_of(case).positions
        for lot in held.lots
        if (TODAY - lot.acquired_on).days <= 30
    }
    bought = {one.wash_group for one in case.wash if one.bought_on}
    at_loss = set()
    for trade in solve(case.book())[0].trades:
        if trade.side is Side.BUY:
            bought.add(group[trade.symbol])
        for pick in trade.lots:
            key = (group[trade.symbol], pick.lot_id)
            recent[key] = recent.get(key, pick.quantity) - pick.quantity
            if pick.gain < 0:
                at_loss.add(group[trade.symbol])
    kept = {name for (name, _), quantity in recent.items() if quantity > 0}
    assert at_loss & (kept | bought) == set()


@settings(max_examples=60, deadline=None)
@given(cases, st.booleans())
def test_the_bound_is_never_above_the_objective(case, exact):
    decisions = solve(case.book(), exact=exact)
    assert decisions.bound[0] <= decisions.objective[0] + 1e-9


@settings(max_examples=40, deadline=None)
@given(cases)
def test_the_usual_effort_never_finds_less_than_the_exact_one_nor_less_than_its_bound(case):
    usual, exact = solve(case.book()), solve(case.book(), exact=True)
    assert exact.objective[0] <= usual.objective[0] + TOLERANCE * value_of(case)
    assert usual.bound[0] <= exact.objective[0] + TOLERANCE * value_of(case)


@settings(max_examples=30, deadline=None)
@given(cases, st.sampled_from(["0.01", "0.10", "1.00"]))
def test_a_wider_spread_never_lowers_the_least_cost(case, cents):
    wider = tuple(replace(one, bid=one.bid - Decimal(cents), ask=one.ask + Decimal(cents)) for one in case.securities)
    assert least(replace(case, securities=wider)) >= least(case) - TOLERANCE * value_of(case)


@settings(max_examples=30, deadline=None)
@given(cases, st.sampled_from(["1", "4.95", "20"]))
def test_a_dearer_trade_never_lowers_the_least_cost(case, more):
    dearer = with_policy(case, commission=account_of(case).policy.commission + Decimal(more))
    assert least(dearer) >= least(case) - TOLERANCE * value_of(case)


@settings(max_examples=30, deadline=None)
@given(cases, st.tuples(st.integers(0, 100), st.integers(0, 100)))
def test_the_least_cost_grows_with_the_worth_of_drift(case, sliders):
    """The rest of the cost does not depend on the slider, and drift counts for more."""
    far, near = sorted(sliders)
    costs = [least(with_policy(case, scenario_slider=Decimal(place) / 100)) for place in (far, near)]
    assert costs[0] <= costs[1] + TOLERANCE * value_of(case)


@settings(max_examples=30, deadline=None)
@given(cases)
def test_forbidding_a_side_never_lowers_the_least_cost(case):
    assume(account_of(case).positions)
    first = account_of(case).positions[0].symbol
    for bar in ({"no_buy": True}, {"no_sell": True}):
        barred = with_positions(case, lambda held, bar=bar: replace(held, **bar) if held.symbol == first else held)
        assert least(barred) >= least(case) - TOLERANCE * value_of(case)


@settings(max_examples=30, deadline=None)
@given(cases)
def test_permission_to_harvest_never_raises_the_least_cost(case):
    without, permitted = (least(with_policy(case, harvest=harvest)) for harvest in (False, True))
    assert permitted <= without + TOLERANCE * value_of(case)


@settings(max_examples=30, deadline=None)
@given(cases)
def test_cutting_lots_in_two_changes_nothing(case):
    def halves(lot):
        half = lot.quantity // 2
        basis = lot.cost_basis / lot.quantity
        parts = [("a", half), ("b", lot.quantity - half)]
        return [
            replace(lot, lot_id=lot.lot_id + name, quantity=part, cost_basis=part * basis)
            for name, part in parts
            if part
        ]

    def cut(held):
        return replace(held, lots=tuple(part for lot in held.lots for part in halves(lot)))

    assert least(with_positions(case, cut)) == pytest.approx(least(case), abs=TOLERANCE * value_of(case))


@settings(max_examples=30, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_lots_and_positions_does_not_matter(case, random):
    def shuffled(items):
        return tuple(random.sample(items, len(items)))

    other = with_positions(case, lambda held: replace(held, lots=shuffled(held.lots)))
    other = with_account(other, positions=shuffled(account_of(other).positions))
    assert least(other) == pytest.approx(least(case), abs=TOLERANCE * value_of(case))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10**6).map(small_case), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_accounts_of_other_households_change_nothing(several, random):
    """Each case's securities are its own, so that only the engine could mix them up."""
    rows, securities, models, wash = [], [], [], []
    for place, case in enumerate(several):
        rows.append(_renamed(account_of(case), place))
        securities += [
            replace(one, symbol=f"{place}{one.symbol}", wash_group=f"{place}{one.wash_group}")
            for one in case.securities
        ]
        weights = {f"{place}{symbol}": weight for symbol, weight in case.model.weights.items()}
        models.append(replace(case.model, model_id=f"M{place}", weights=weights))
        wash += [replace(one, household=f"{place}", wash_group=f"{place}{one.wash_group}") for one in case.wash]
    book = from_rows(as_of=TODAY, securities=securities, models=models, accounts=rows, wash=wash)
    order = np.array(random.sample(range(len(rows)), len(rows)))
    together = solve(book, order, exact=True)
    alone = [least(case) for case in several]
    for place, account in enumerate(order):
        value = float(together[place].value)
        assert together.objective[place] == pytest.approx(alone[account], abs=TOLERANCE * value)


def _renamed(account: AccountRow, place: int) -> AccountRow:
    return replace(
        account,
        account_id=f"{place}",
        household="",
        model_id=f"M{place}",
        positions=tuple(replace(held, symbol=f"{place}{held.symbol}") for held in account.positions),
    )


@settings(max_examples=30, deadline=None)
@given(cases, st.sampled_from([2, 10]))
def test_in_smaller_money_every_amount_is_larger_and_nothing_else(case, times):
    """Only the cents kept back for rounding do not grow with prices: the least cost grows no faster than they do."""

    def grown(held):
        return replace(held, lots=tuple(replace(lot, cost_basis=lot.cost_basis * times) for lot in held.lots))

    amounts = ("cash", "cash_reserve", "reserve_threshold", "withdrawals_due")
    large = with_policy(with_positions(case, grown), commission=account_of(case).policy.commission * times)
    large = with_account(large, **{name: getattr(account_of(large), name) * times for name in amounts})
    large = replace(
        large,
        securities=tuple(
            replace(one, price=one.price * times, bid=one.bid * times, ask=one.ask * times) for one in case.securities
        ),
    )
    cents = 0.05 * len(case.securities) * times
    assert least(large) <= times * least(case) + TOLERANCE * times * value_of(case) + cents
