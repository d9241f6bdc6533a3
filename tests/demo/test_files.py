"""The demonstration's files, read back through the real feeds, are exactly the book they were written from."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from portfolios.feeds.parse import parse
from portfolios.feeds.records import Code, ParsedFile
from rebalancer.demo.book import DemoAccount, DemoBook, DemoFirm
from rebalancer.demo.files import write_demo_files

AS_OF = date(2026, 11, 20)
SEED = 7


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> DemoBook:
    return write_demo_files(tmp_path_factory.mktemp("demo"), seed=SEED, as_of=AS_OF)


@pytest.fixture(scope="module")
def parsed(book) -> dict[tuple[str, str], ParsedFile]:
    return {
        (file.firm_slug, file.layout): parse(
            file.layout, file.path.read_bytes(), file_name=file.path.name, received_on=AS_OF
        )
        for file in book.files
    }


def accounts_at(firm: DemoFirm, *custodians: str) -> list[DemoAccount]:
    return [account for account in firm.accounts if account.custodian in custodians]


def position_facts(accounts: Iterable[DemoAccount]) -> list[tuple[str, str, Decimal, Decimal | None]]:
    return sorted(
        (account.number, symbol, quantity, account.basis(symbol))
        for account in accounts
        for symbol, quantity in account.quantities().items()
    )


def lot_facts(accounts: Iterable[DemoAccount]) -> list[tuple[str, str, str, date, Decimal, Decimal | None]]:
    return sorted(
        (account.number, lot.symbol, lot.lot_id, lot.acquired_on, lot.quantity, lot.cost_basis)
        for account in accounts
        for lot in account.lots
    )


@pytest.mark.parametrize(
    ("layout", "custodian"), [("schwab_positions", "schwab"), ("fidelity_positions", "fidelity"), ("ibkr_flex", "ibkr")]
)
def test_positions_read_back_are_the_books(book, parsed, layout, custodian):
    for firm in book.firms:
        accounts = accounts_at(firm, custodian)
        found = parsed[firm.slug, layout]
        assert found.as_of == AS_OF
        assert [account.account_number for account in found.accounts] == [account.number for account in accounts]
        assert position_facts(accounts) == sorted(
            (record.account_number, record.symbol, record.quantity, record.cost_basis) for record in found.positions
        )


def test_lots_read_back_are_the_books(book, parsed):
    for firm in book.firms:
        found = (*parsed[firm.slug, "plain_lots"].lots, *parsed[firm.slug, "ibkr_flex"].lots)
        assert lot_facts(firm.accounts) == sorted(
            (lot.account_number, lot.symbol, lot.lot_id, lot.acquired_on, lot.quantity, lot.cost_basis) for lot in found
        )


def test_cash_read_back_is_the_books_to_the_cent_settled_and_unsettled(book, parsed):
    for firm in book.firms:
        found = (*parsed[firm.slug, "plain_cash"].cash_balances, *parsed[firm.slug, "ibkr_flex"].cash_balances)
        assert {(cash.account_number, cash.settled, cash.unsettled) for cash in found} == {
            (account.number, account.cash_settled, account.cash_unsettled) for account in firm.accounts
        }


def test_cash_in_the_positions_files_is_the_whole_cash(book, parsed):
    for firm in book.firms:
        for layout, custodian in (("schwab_positions", "schwab"), ("fidelity_positions", "fidelity")):
            assert {
                record.account_number: record.settled + record.unsettled
                for record in parsed[firm.slug, layout].cash_balances
            } == {account.number: account.cash for account in accounts_at(firm, custodian)}


def test_transactions_read_back_are_the_books(book, parsed):
    for firm in book.firms:
        found = (*parsed[firm.slug, "plain_transactions"].transactions, *parsed[firm.slug, "ibkr_flex"].transactions)
        assert sorted(
            (
                move.account_number,
                move.transaction_id,
                move.kind,
                move.trade_on,
                move.settle_on,
                move.quantity,
                move.amount,
            )
            for move in found
        ) == sorted(
            (account.number, move.transaction_id, move.kind, move.trade_on, move.settle_on, move.quantity, move.amount)
            for account in firm.accounts
            for move in account.transactions
        )


def test_accounts_and_prices_read_back_are_the_books(book, parsed):
    for firm in book.firms:
        assert {
            (record.custodian, record.account_number, record.registration, record.household_id, record.client_id)
            for record in parsed[firm.slug, "plain_accounts"].accounts
        } == {
            (account.custodian, account.number, account.registration, household.external_id, account.client_id)
            for household in firm.households
            for account in household.accounts
        }
        assert [
            (price.symbol, price.priced_on, price.close, price.bid, price.ask, price.adv_shares)
            for price in parsed[firm.slug, "plain_prices"].prices
        ] == [
            (quote.symbol, quote.priced_on, quote.close, quote.bid, quote.ask, quote.adv_shares)
            for quote in book.quotes
        ]


def test_every_printed_total_foots_and_only_missing_bases_are_reported(book, parsed):
    missing = {
        account.number for firm in book.firms for account in firm.accounts if "MISSING_BASIS" in account.situations
    }
    problems = [problem for file in parsed.values() for problem in file.problems]
    assert {problem.code for problem in problems} == {Code.MISSING_BASIS}
    assert {problem.account_number for problem in problems} == missing
    totals = [total for file in parsed.values() for total in file.control_totals]
    assert len(totals) == sum(len(accounts_at(firm, "schwab", "ibkr")) for firm in book.firms)
    assert all(total.foots for total in totals)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(book, tmp_path):
    again = write_demo_files(tmp_path / "again", seed=SEED, as_of=AS_OF)
    other = write_demo_files(tmp_path / "other", seed=SEED + 1, as_of=AS_OF)
    first = [file.path.read_bytes() for file in book.files]
    assert [file.path.read_bytes() for file in again.files] == first
    assert [file.path.read_bytes() for file in other.files] != first


def test_a_day_without_trading_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a trading day"):
        write_demo_files(tmp_path, seed=SEED, as_of=date(2026, 11, 22))


def test_writing_takes_less_than_three_seconds_of_a_processor(tmp_path: Path):
    started_at = time.process_time()
    write_demo_files(tmp_path, seed=SEED, as_of=AS_OF)
    assert time.process_time() - started_at < 3
