"""Two households of each firm may realise less than their concentrated stock has gained."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from rebalancer.demo.book import DemoHousehold
from rebalancer.demo.budgets import with_budgets
from rebalancer.demo.files import make_book
from rebalancer.demo.securities import LEGACY_STOCKS

AS_OF = date(2026, 11, 20)


@pytest.fixture(scope="module")
def book_and_market():
    return make_book(7, AS_OF)


def gain_of(household: DemoHousehold, market) -> Decimal:
    lots = [lot for one in household.accounts if "CONCENTRATED" in one.situations for lot in one.lots]
    stocks = [lot for lot in lots if lot.symbol in LEGACY_STOCKS]
    return sum((lot.quantity * market.price(lot.symbol) - lot.cost_basis for lot in stocks), Decimal(0))


def test_each_firm_has_one_budget_of_gains_and_one_of_tax(book_and_market):
    book, _ = book_and_market
    for firm in book.firms:
        budgets = [(one.gain_budget is not None, one.tax_budget is not None) for one in firm.households]
        assert sorted(budgets)[-2:] == [(False, True), (True, False)]
        assert sum(map(sum, budgets)) == 2


def test_budgets_allow_a_quarter_of_the_gain_or_the_tax_on_it(book_and_market):
    book, market = book_and_market
    for household in (one for firm in book.firms for one in firm.households):
        room = gain_of(household, market) / 4
        if household.gain_budget is not None:
            room += max(household.realised_short + household.realised_long, Decimal(0))
            assert room - 500 < household.gain_budget <= room
        if household.tax_budget is not None:
            assert room * household.long_rate - 500 < household.tax_budget <= room * household.long_rate


def test_where_nobody_is_concentrated_nobody_has_a_budget(book_and_market):
    book, market = book_and_market
    quiet = tuple(
        replace(one, accounts=tuple(replace(account, situations=()) for account in one.accounts))
        for one in book.firms[0].households[:5]
    )
    assert with_budgets(quiet, market) == quiet
