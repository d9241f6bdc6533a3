"""Writes the book as the plain CSV files: accounts, prices, lots, cash, transactions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from rebalancer.demo.book import DemoAccount, DemoFirm, DemoQuote

Cell = str | Decimal | date | int | None


def _file(as_of: date, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A header, the rows of one day, and the END line that counts them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("as_of", *header))
    number = 0
    for row in rows:
        writer.writerow((as_of.isoformat(), *(_text(cell) for cell in row)))
        number += 1
    writer.writerow(("END", number))
    return buffer.getvalue()


def _text(cell: Cell) -> str:
    return "" if cell is None else f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def accounts_csv(firm: DemoFirm, as_of: date) -> str:
    names = {client.external_id: client.name for household in firm.households for client in household.clients}
    header = ("custodian", "account_number", "name", "registration", "household_id", "household_name")
    rows = (
        (
            account.custodian,
            account.number,
            account.name,
            account.registration,
            household.external_id,
            household.name,
            account.client_id,
            names[account.client_id],
            "OPEN",
            household.adviser_email,
            household.model_code,
        )
        for household in firm.households
        for account in household.accounts
    )
    return _file(as_of, (*header, "client_id", "client_name", "status", "adviser_email", "model_code"), rows)


def prices_csv(quotes: Iterable[DemoQuote], cusips: dict[str, str], as_of: date) -> str:
    header = ("symbol", "cusip", "priced_on", "close", "bid", "ask", "adv_shares")
    rows = (
        (quote.symbol, cusips[quote.symbol], quote.priced_on, quote.close, quote.bid, quote.ask, quote.adv_shares)
        for quote in quotes
    )
    return _file(as_of, header, rows)


def lots_csv(accounts: Iterable[DemoAccount], as_of: date) -> str:
    header = ("custodian", "account_number", "symbol", "lot_id", "acquired_on", "quantity", "cost_basis")
    rows = (
        (account.custodian, account.number, lot.symbol, lot.lot_id, lot.acquired_on, lot.quantity, lot.cost_basis)
        for account in accounts
        for lot in account.lots
    )
    return _file(as_of, header, rows)


def cash_csv(accounts: Iterable[DemoAccount], as_of: date) -> str:
    header = ("custodian", "account_number", "settled", "unsettled")
    rows = ((account.custodian, account.number, account.cash_settled, account.cash_unsettled) for account in accounts)
    return _file(as_of, header, rows)


def transactions_csv(accounts: Iterable[DemoAccount], as_of: date) -> str:
    header = ("custodian", "account_number", "transaction_id", "kind", "trade_on", "settle_on", "symbol", "quantity")
    rows = (
        (
            account.custodian,
            account.number,
            move.transaction_id,
            move.kind,
            move.trade_on,
            move.settle_on,
            move.symbol,
            move.quantity,
            move.price,
            move.amount,
            move.fees,
            move.realised_short,
            move.realised_long,
            move.description,
        )
        for account in accounts
        for move in account.transactions
    )
    more = ("price", "amount", "fees", "realised_short", "realised_long", "description")
    return _file(as_of, (*header, *more), rows)
