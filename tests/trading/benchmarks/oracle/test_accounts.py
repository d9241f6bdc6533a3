from __future__ import annotations

import pytest

from rebalancer.engine.book import TaxStatus
from trading.benchmarks.oracle.accounts import household_case, middle_case, small_case


@pytest.mark.parametrize("make", [small_case, middle_case, household_case])
def test_a_seed_always_gives_the_same_case(make):
    assert make(7) == make(7)
    assert make(7) != make(8)


@pytest.mark.parametrize("make", [small_case, middle_case, household_case])
def test_every_case_makes_a_book_and_what_the_oracle_needs(make):
    for seed in range(20):
        case = make(seed)
        values = case.book().value_micros(case.book().position_value()) / 1e6
        assert [account.value for account in case.terms()] == pytest.approx(list(values))


def test_the_first_account_of_a_household_is_taxed():
    for seed in range(20):
        first, second = household_case(seed).accounts
        assert first.tax_status is TaxStatus.TAXABLE
        assert first.household == second.household
