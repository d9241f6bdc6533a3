"""The optimiser against answers found without it: every combination listed, or an integer program."""

from __future__ import annotations

from itertools import chain

import pytest

from trading.benchmarks.oracle import listing, milp
from trading.benchmarks.oracle.accounts import middle_case, small_case
from trading.benchmarks.oracle.compare import OPTIMAL_BPS, by_listing, by_scip, compare
from trading.benchmarks.oracle.ways import cost_of

LISTED = [small_case(seed) for seed in range(80)]
PROGRAMMED = [middle_case(seed) for seed in range(40)]


@pytest.fixture(scope="module")
def compared():
    """(default, exact) for every account."""
    listed = compare(LISTED, by_listing, exact=(False, True))
    return list(chain(listed, compare(PROGRAMMED, by_scip, exact=(False, True))))


def test_nearly_every_account_has_an_answer_to_compare_with(compared):
    assert len(compared) >= 0.95 * (len(LISTED) + len(PROGRAMMED))


def test_no_decision_breaks_a_rule_misstates_its_cost_or_claims_a_bound_that_is_beaten(compared):
    assert {(one.seed, tuple(one.faults)) for one in chain.from_iterable(compared) if one.faults} == set()


def test_the_default_is_nearly_always_optimal_and_never_far_off(compared):
    usual = [default for default, _ in compared]
    assert max(one.worse for one in usual) <= 0.5
    assert sum(one.optimal for one in usual) >= 0.92 * len(usual)


def test_the_exact_search_finds_the_least_cost(compared):
    assert {(exact.seed, exact.worse) for _, exact in compared if not exact.optimal} == set()


@pytest.mark.parametrize("seed", range(100, 125))
def test_the_two_oracles_agree(seed):
    (account,) = small_case(seed).terms()
    cost, steps = listing.least_cost(account)
    program = milp.least_cost([account])
    assert program is not None
    assert program.cost == pytest.approx(cost, abs=OPTIMAL_BPS / 10 * account.value / 1e4)
    assert cost_of([account], [steps]) == pytest.approx(cost)
