"""Both figures are kept: what a broker reports and what the household's books say."""

from __future__ import annotations

import pytest
from hypothesis import given

from rebalancer.engine.wash_sales.figures import coverage
from rebalancer.engine.wash_sales.records import Account, AccountKind
from tests.engine.wash_sales.families import FAMILY, bought, sold, washed
from tests.engine.wash_sales.test_matching import uneven_families

OLD, LOSS = bought("o", 0), sold("s", 100, 6, o=100)
SAME_INDEX = {"X": "S&P 500", "Y": "S&P 500"}


@pytest.mark.parametrize(
    ("purchase", "broker", "household"),
    [
        pytest.param(bought("n", 105), 400, 400, id="one account and one CUSIP"),
        pytest.param(bought("n", 105, account="other"), 0, 400, id="another account"),
        pytest.param(bought("n", 105, account="ira"), 0, 400, id="an IRA"),
        pytest.param(bought("n", 105, account="spouse"), 0, 400, id="the spouse"),
        pytest.param(bought("n", 105, security="Y"), 0, 400, id="another fund on the same index"),
        pytest.param(bought("n", 105, covered=False), 0, 400, id="a lot that is not covered"),
        pytest.param(bought("n", 105, security="Z"), 0, 0, id="another index"),
    ],
)
def test_a_broker_reports_only_what_it_sees_in_one_account(purchase, broker, household):
    found = washed([OLD, purchase], [LOSS], groups=SAME_INDEX)
    assert (found.broker.disallowed(), found.household.disallowed()) == (broker, household)


def test_a_broker_reports_nothing_of_a_lot_that_is_not_covered():
    found = washed([bought("o", 0, covered=False), bought("n", 105)], [LOSS])
    assert (found.broker.disallowed(), found.household.disallowed()) == (0, 400)


def test_a_report_says_which_accounts_it_cannot_see():
    found = washed([OLD], [LOSS], accounts=(*FAMILY, Account("401k at work", AccountKind.WORKPLACE_PLAN, linked=False)))
    assert not found.coverage_complete
    assert found.coverage.sentence.startswith("401k at work is not linked: a purchase there may disallow")


def test_a_report_is_complete_when_every_account_is_linked():
    assert coverage(FAMILY).complete


@given(uneven_families())
def test_every_sale_stands_in_both_figures(family):
    purchases, sales = family
    found = washed(purchases, sales)
    for washes in (found.broker, found.household):
        assert sorted({d.sale_id for d in washes.disposals}) == sorted(s.sale_id for s in sales)
