"""What holds of every joint household, whatever its accounts hold and are asked to do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebalancer.engine.book_rows import from_rows
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from rebalancer.engine.tax_rows import TaxRow
from rebalancer.engine.triggers import MODES, Mode
from tests.engine.optimiser.test_properties import accounts, book_of, washes
from trading.benchmarks.oracle.accounts import TODAY, joint_case
from trading.benchmarks.oracle.compare import OPTIMAL_BPS, steps_of
from trading.benchmarks.oracle.joint import least_cost

FULL, LIQUIDATE = MODES.index(Mode.FULL), MODES.index(Mode.LIQUIDATE)
ASKED = st.sampled_from([FULL, FULL, FULL, *range(len(MODES))])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(accounts, min_size=2, max_size=4, unique_by=lambda row: row.account_id), washes, st.data())
def test_every_decision_passes_the_checks_keeps_its_bound_and_is_made_again_alike(rows, wash, data):
    policy = replace(rows[0].policy, joint=True)
    book = book_of([replace(row, household="H1", policy=policy) for row in rows], wash)
    modes = data.draw(st.lists(ASKED, min_size=len(rows), max_size=len(rows)))
    decisions = solve(book, modes=modes)
    assert Checker(book).check_all(list(decisions)) == {}
    assert (decisions.bound <= decisions.objective + 1e-6).all()
    assert [one.trades for one in solve(book, modes=modes)] == [one.trades for one in decisions]


@pytest.mark.parametrize("seed", range(20))
def test_an_account_that_is_closed_sells_what_it_would_alone(seed):
    case = joint_case(seed)
    apart = [replace(row, policy=replace(row.policy, joint=False)) for row in case.accounts]
    closed = solve(case.book(), modes=[LIQUIDATE, FULL])[0]
    alone = solve(replace(case, accounts=tuple(apart)).book(), modes=[LIQUIDATE, FULL])[0]
    assert closed.trades == alone.trades


@pytest.mark.parametrize("seed", range(12))
def test_a_shared_volume_limits_a_household_and_the_best_within_it_is_found(seed):
    random = np.random.default_rng(seed)
    case = joint_case(seed)
    thin = tuple(replace(one, adv_shares=int(random.integers(200, 3000))) for one in case.securities)
    case = replace(case, securities=thin)
    decisions = solve(case.book())
    limits = decisions.volume_limits
    terms = [
        replace(
            account,
            lines=tuple(
                replace(line, cap=min(line.cap, limits.get(row.account_id, {}).get(line.symbol, 10**18) // 10**6))
                for line in account.lines
            ),
        )
        for account, row in zip(case.terms(), case.accounts, strict=True)
    ]
    steps = [steps_of(one) for one in decisions]
    least, own = least_cost(terms, case.model), least_cost(terms, case.model, fixed=steps)
    assert least is not None
    assert own is not None
    assert (own.cost - least.cost) * 1e4 <= OPTIMAL_BPS * sum(account.value for account in terms)
    assert [steps_of(one) for one in solve(case.book(), volume_limits=limits)] == steps


def _taxed_book(case, budget):
    row = TaxRow(household=case.accounts[0].household, gain_budget=budget)
    return from_rows(
        as_of=TODAY,
        securities=case.securities,
        models=[case.model],
        accounts=case.accounts,
        wash=case.wash,
        taxes=[row],
    )


@pytest.mark.parametrize("seed", range(2000, 2016))
def test_a_budget_of_gains_binds_a_joint_household(seed):
    case = joint_case(seed)
    free = solve(case.book())
    gain = sum((one.gain_short + one.gain_long for one in free), Decimal(0))
    book = _taxed_book(case, max(gain / 2, Decimal(0)).quantize(Decimal("0.01")))
    decisions = solve(book)
    assert Checker(book).check_all(list(decisions)) == {}
    assert float(decisions.bound.sum()) <= float(decisions.objective.sum()) + 1e-6
    assert float(decisions.objective.sum()) >= float(free.bound.sum()) - 0.01


@pytest.mark.parametrize("seed", range(12))
def test_whatever_an_account_holds_off_target_is_traded_or_told_why_not(seed):
    case = joint_case(seed)
    for row, decision in zip(case.accounts, solve(case.book()), strict=True):
        held = {position.symbol for position in row.positions if position.quantity}
        told = {trade.symbol for trade in decision.trades} | {one.symbol for one in decision.skipped}
        off = {line.symbol for line in decision.securities if abs(line.before_weight - line.target_weight) > 0.01}
        assert off & held <= told
