from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from accounts.models import Account, TaxProfile
from portfolios.models import Transaction
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from portfolios.snapshots.taxes import taxes_of
from rebalancer.engine.book_tables import NO_BUDGET, HouseholdTaxes
from rebalancer.engine.optimiser import solve
from tests.worlds import TODAY, Birch, Cedar, World, make_account, make_household


def taxes(world: World, *others: int, depth: Depth = Depth.ALL_LOTS) -> HouseholdTaxes | None:
    return load_book(world.firm_id, [world.household.pk, *others], as_of=TODAY, depth=depth).book.taxes


def budget(world: World, amount: str | None, **changes: object) -> None:
    profile = TaxProfile.objects.for_firm(world.firm_id).filter(household=world.household)
    profile.update(gain_budget=None if amount is None else Decimal(amount), **changes)


def sell(world: Birch, short: str, long: str, *, on: date = TODAY, account: Account | None = None) -> None:
    rows = Transaction.objects.for_firm(world.firm_id)
    rows.create(
        account=account or world.account,
        key=f"T-{rows.count()}",
        kind=Transaction.Kind.SELL,
        trade_on=on,
        settle_on=on,
        amount=Decimal(1000),
        realised_short=Decimal(short),
        realised_long=Decimal(long),
    )


def left(world: Birch) -> int:
    found = taxes(world)
    assert found is not None
    return int(found.gain_budget[0])


def test_a_book_without_budgets_has_no_taxes(birch: Birch) -> None:
    assert taxes(birch) is None


def test_triggers_are_looked_for_without_budgets(birch: Birch) -> None:
    budget(birch, "1000")
    assert taxes(birch, depth=Depth.LOSS_LOTS) is None


def test_the_years_sales_use_the_budget_up(birch: Birch) -> None:
    budget(birch, "5000")
    sell(birch, "300", "1000")
    sell(birch, "-100", "0", on=date(TODAY.year, 1, 1))
    assert left(birch) == 3_800_000_000


@pytest.mark.parametrize(
    ("on", "registration"),
    [
        pytest.param(date(TODAY.year - 1, 12, 31), "INDIVIDUAL", id="last-year"),
        pytest.param(TODAY, "ROTH_IRA", id="not-taxed"),
    ],
)
def test_sales_of_other_years_and_of_untaxed_accounts_do_not_count(birch: Birch, on: date, registration: str) -> None:
    budget(birch, "5000")
    account = make_account(birch.firm_id, birch.household, number="77", registration=registration)
    sell(birch, "300", "1000", on=on, account=account)
    assert left(birch) == 5_000_000_000


def test_gains_stated_up_to_a_day_replace_the_ledgers(birch: Birch) -> None:
    day = date(TODAY.year, 6, 30)
    budget(birch, "5000", realised_on=day, realised_short=Decimal(700), realised_long=Decimal(100))
    sell(birch, "300", "1000", on=day)
    sell(birch, "10", "20")
    assert left(birch) == 4_170_000_000


def test_carried_losses_lower_the_gains_so_far_and_not_what_the_budget_leaves(birch: Birch) -> None:
    budget(birch, "5000", carryover_short=Decimal(900))
    found = taxes(birch)
    assert found is not None
    assert (int(found.gain_budget[0]), int(found.short_so_far[0])) == (5_000_000_000, -900_000_000)


def test_a_budget_of_another_year_does_not_bind(birch: Birch) -> None:
    budget(birch, "5000", tax_year=TODAY.year - 1)
    assert taxes(birch) is None


def test_a_budget_of_tax_is_used_up_at_the_years_rates(birch: Birch) -> None:
    budget(birch, None, tax_budget=Decimal(1000), carryover_short=Decimal(100))
    sell(birch, "300", "1000")
    found = taxes(birch)
    assert found is not None
    # 200 × 0.408 + 1,000 × 0.238 = 319.60
    assert (int(found.tax_budget[0]), int(found.tax_budget_year[0])) == (680_400_000, 1_000_000_000)
    assert int(found.gain_budget[0]) == NO_BUDGET


def test_households_that_net_their_gains_have_taxes_without_a_budget(birch: Birch) -> None:
    budget(birch, None, netting=True, ordinary_rate=Decimal("0.37"), carried_worth=Decimal("0.1"))
    found = taxes(birch)
    assert found is not None
    assert (bool(found.netting[0]), float(found.ordinary_rate[0]), float(found.carried_worth[0])) == (True, 0.37, 0.1)


def test_the_year_is_read_in_two_queries_for_any_number_of_households(
    birch: Birch, django_assert_num_queries: Any
) -> None:
    others = [make_household(birch.firm_id, name=name).pk for name in ("Elm", "Fir", "Oak")]
    TaxProfile.objects.for_firm(birch.firm_id).update(gain_budget=Decimal(100))
    with django_assert_num_queries(2):
        taxes_of(birch.firm_id, np.array([birch.household.pk, *others]), as_of=TODAY)


def test_another_firms_budget_is_none_of_ours(birch: Birch, cedar: Cedar) -> None:
    budget(birch, "5000")
    sell(birch, "300", "1000")
    with cedar.scope():
        budget(cedar, "70")
        theirs = taxes(cedar)
        assert taxes_of(cedar.firm_id, np.array([birch.household.pk]), as_of=TODAY) is None
    assert theirs is not None
    assert (left(birch), theirs.gain_budget.tolist()) == (3_700_000_000, [70_000_000])


def test_households_without_a_budget_have_no_limit(birch: Birch) -> None:
    other = make_household(birch.firm_id, name="Elm")
    make_account(birch.firm_id, other, number="2001")
    budget(birch, "5000")
    found = taxes(birch, other.pk)
    assert found is not None
    assert sorted(found.gain_budget.tolist()) == [NO_BUDGET, 5_000_000_000]


def test_a_decision_keeps_the_budget_and_says_what_is_left(birch: Birch) -> None:
    found = load_book(birch.firm_id, [birch.household.pk], as_of=TODAY, depth=Depth.ALL_LOTS)
    free = solve(found.book)[0]
    budget(birch, "50")
    held = solve(load_book(birch.firm_id, [birch.household.pk], as_of=TODAY, depth=Depth.ALL_LOTS).book)[0]
    assert free.gain_short + free.gain_long > 50
    assert held.gain_short + held.gain_long <= 50
    assert held.year is not None
    assert (held.year.gain_budget, held.budget_left) == (50, 50 - held.gain_short - held.gain_long)
