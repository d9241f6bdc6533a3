from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from rebalancer.demo.book import DemoAccount
from rebalancer.demo.files import make_book
from rebalancer.demo.situations import SITUATIONS

AS_OF = date(2026, 11, 20)


@pytest.fixture(scope="module")
def book_and_market():
    return make_book(7, AS_OF)


@pytest.fixture(scope="module")
def book(book_and_market):
    return book_and_market[0]


@pytest.fixture(scope="module")
def accounts(book) -> list[DemoAccount]:
    return [account for firm in book.firms for account in firm.accounts]


def in_situation(accounts: list[DemoAccount], code: str) -> list[DemoAccount]:
    return [account for account in accounts if code in account.situations]


def test_the_book_has_the_size_of_two_real_firms(book, accounts):
    assert [(firm.name, len(firm.households), len(firm.advisers)) for firm in book.firms] == [
        ("Birch Advisory", 170, 5),
        ("Cedar Wealth", 80, 3),
    ]
    assert 570 <= len(accounts) <= 640
    assert sum(len(account.lots) for account in accounts) > 9000
    assert {account.registration for account in accounts} == {
        "INDIVIDUAL",
        "JOINT",
        "TRUST",
        "TRADITIONAL_IRA",
        "ROTH_IRA",
    }


def test_account_numbers_and_ids_of_lots_and_transactions_are_unique_over_both_firms(accounts):
    for ids in (
        [account.number for account in accounts],
        [lot.lot_id for account in accounts for lot in account.lots],
        [move.transaction_id for account in accounts for move in account.transactions],
    ):
        assert [identity for identity, count in Counter(ids).items() if count > 1] == []


@pytest.mark.parametrize("code", [situation.code for situation in SITUATIONS])
def test_every_situation_is_there_in_both_firms(book, code):
    for firm in book.firms:
        assert len(in_situation(list(firm.accounts), code)) >= 2


def test_quantities_are_positive_and_nothing_was_bought_after_the_day(accounts):
    for account in accounts:
        for lot in account.lots:
            assert lot.quantity > 0
            assert lot.acquired_on <= AS_OF


def test_cash_is_negative_in_the_negative_cash_situation_alone(accounts):
    assert [account for account in accounts if account.cash < 0] == in_situation(accounts, "NEGATIVE_CASH")


def test_a_basis_is_unknown_in_the_missing_basis_situation_alone(accounts):
    unknown = [account for account in accounts if any(lot.cost_basis is None for lot in account.lots)]
    assert unknown == in_situation(accounts, "MISSING_BASIS")


def test_harvestable_accounts_have_a_real_loss(book_and_market, accounts):
    _, market = book_and_market
    for account in in_situation(accounts, "HARVESTABLE"):
        losses = [lot.cost_basis - lot.quantity * market.price(lot.symbol) for lot in account.lots if lot.cost_basis]
        assert max(losses) > 0
        assert account.is_taxable


def test_wash_windows_come_from_a_sale_at_a_loss_in_the_last_thirty_days(accounts):
    for account in in_situation(accounts, "WASH_WINDOW"):
        sales = [move for move in account.transactions if move.kind == "SELL"]
        assert [(move.realised_short or 0) < 0 for move in sales] == [True]
        assert AS_OF - sales[0].trade_on <= timedelta(days=30)
        assert sales[0].symbol not in account.quantities()


def test_what_is_due_and_restricted_is_written_down(accounts):
    for account in in_situation(accounts, "WITHDRAWAL_DUE"):
        assert [flow.amount < 0 and flow.due_on > AS_OF for flow in account.flows] == [True]
    for account in in_situation(accounts, "NO_SELL"):
        assert [restriction.symbol in account.quantities() for restriction in account.restrictions] == [True]
    for account in in_situation(accounts, "UNSETTLED_SALE"):
        assert account.cash_unsettled > 0
    for account in in_situation(accounts, "RESERVE"):
        assert [0 <= reserve.threshold <= reserve.amount for reserve in account.reserves] == [True]


def test_a_concentrated_account_holds_more_than_a_fifth_in_one_stock(book_and_market, accounts):
    _, market = book_and_market
    for account in in_situation(accounts, "CONCENTRATED"):
        values = {symbol: shares * market.price(symbol) for symbol, shares in account.quantities().items()}
        stocks = [values[symbol] for symbol in ("AAPL", "MSFT", "JNJ", "XOM", "KO") if symbol in values]
        assert max(stocks) > sum(values.values()) / 5


def test_a_concentrated_account_keeps_some_of_its_stock_and_no_other_account_anything(accounts):
    for account in accounts:
        assert len(account.ranges) == ("CONCENTRATED" in account.situations)
        held = account.quantities()
        assert all(0 < one.lowest < held[one.symbol] / 2 for one in account.ranges)


def test_alternates_stand_for_securities_of_their_model_and_follow_another_index(book):
    groups = {one.symbol: one.wash_group for one in book.securities}
    named = [model for firm in book.firms for model in firm.models if model.alternates]
    assert len(named) == 4
    for model in named:
        assert model.alternates.keys() <= {node.symbol for node in model.nodes}
        for symbol, ranks in model.alternates.items():
            assert groups[symbol] not in {groups[one] for rank in ranks for one in rank}
