"""Writes the book as Schwab and Fidelity write positions downloads, with their signs, marks and footers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from rebalancer.demo.book import ZERO, DemoAccount, DemoSecurity
from rebalancer.demo.market import Market
from rebalancer.engine.money import cents, times

_SCHWAB_TYPES = {"ETF": "ETFs & Closed End Funds", "STOCK": "Equity"}
_SCHWAB_HEADER = (
    "Symbol",
    "Description",
    "Quantity",
    "Price",
    "Price Change %",
    "Price Change $",
    "Market Value",
    "Day Change %",
    "Day Change $",
    "Cost Basis",
    "Gain/Loss %",
    "Gain/Loss $",
    "Ratings",
    "Reinvest Dividends?",
    "Capital Gains?",
    "% Of Account",
    "Security Type",
)
_FIDELITY_HEADER = (
    "Account Number",
    "Account Name",
    "Symbol",
    "Description",
    "Quantity",
    "Last Price",
    "Last Price Change",
    "Current Value",
    "Today's Gain/Loss Dollar",
    "Today's Gain/Loss Percent",
    "Total Gain/Loss Dollar",
    "Total Gain/Loss Percent",
    "Percent Of Account",
    "Cost Basis Total",
    "Average Cost Basis",
    "Type",
)
_FIDELITY_FOOTER = (
    "The data and information in this file is provided for demonstration and is not a statement of any account.",
    "Brokerage services are invented, as are the people, the accounts and the holdings.",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Securities = Mapping[str, DemoSecurity]


def _dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def _gain(value: Decimal, basis: Decimal | None, absent: str) -> tuple[str, str]:
    """The gain as a percentage and in dollars."""
    if not basis:
        return absent, absent
    return f"{(value - basis) / basis:.2%}", _dollars(value - basis)


def _share(value: Decimal, total: Decimal) -> str:
    return f"{value / total:.2%}" if total > 0 else "--"


def schwab_csv(accounts: Iterable[DemoAccount], market: Market, securities: Securities, as_of: date) -> str:
    """All accounts in one file, each with its own header row, its cash and its total."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow((f"Positions for All-Accounts as of 05:30 PM ET, {as_of:%m/%d/%Y}",))
    for account in accounts:
        writer.writerow(("",))
        writer.writerow((f"{account.name} {account.number}",))
        writer.writerow(_SCHWAB_HEADER)
        writer.writerows(_schwab_account(account, market, securities))
    return buffer.getvalue()


def _schwab_account(account: DemoAccount, market: Market, securities: Securities) -> list[Sequence[str]]:
    held = _held(account, market)
    total = sum((value for _, _, _, value, _ in held), account.cash)
    rows: list[Sequence[str]] = []
    for symbol, quantity, price, value, basis in held:
        percent, dollars = _gain(value, basis, "N/A")
        security = securities[symbol]
        known = "N/A" if basis is None else _dollars(basis)
        first = (symbol, security.name.upper(), f"{quantity:,f}", _dollars(price), "0%", "$0.00", _dollars(value))
        last = ("0%", "$0.00", known, percent, dollars, "--", "No", "--", _share(value, total))
        rows.append((*first, *last, _SCHWAB_TYPES[security.kind]))
    nothing = ("--",) * 5
    cash = _dollars(account.cash)
    rows.append(("Cash & Cash Investments", *nothing, cash, "0%", "$0.00", *("--",) * 7, "Cash and Money Market"))
    rows.append(("Account Total", *nothing, _dollars(total), "0%", "$0.00", *("--",) * 8))
    return rows


def _held(account: DemoAccount, market: Market) -> list[tuple[str, Decimal, Decimal, Decimal, Decimal | None]]:
    """Symbol, shares, price, value and basis of each position."""
    held = []
    for symbol, quantity in account.quantities().items():
        price = market.price(symbol)
        held.append((symbol, quantity, price, cents(times(quantity, price)), account.basis(symbol)))
    return held


def fidelity_csv(accounts: Iterable[DemoAccount], market: Market, securities: Securities, as_of: date) -> str:
    """All accounts under one header, then the disclaimers and the line that tells the day."""
    buffer = io.StringIO()
    buffer.write("\ufeff" + ",".join(_FIDELITY_HEADER) + "\r\n")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for account in accounts:
        for row in _fidelity_account(account, market, securities):
            writer.writerow((*row, ""))
    footer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for sentence in (*_FIDELITY_FOOTER, f"Date downloaded {_MONTHS[as_of.month - 1]}-{as_of:%d-%Y} 5:45 p.m ET"):
        buffer.write("\r\n")
        footer.writerow((sentence,))
    return buffer.getvalue()


def _fidelity_account(account: DemoAccount, market: Market, securities: Securities) -> list[Sequence[str]]:
    held = _held(account, market)
    total = sum((value for _, _, _, value, _ in held), account.cash)
    own = (account.number, account.name)
    core = ("SPAXX**", "HELD IN MONEY MARKET") if account.cash_settled >= 0 else ("FCASH**", "HELD IN FCASH")
    settled = account.cash_settled
    rows: list[Sequence[str]] = [
        (*own, *core, "", "", "", _dollars(settled), "", "", "", "", _share(settled, total), "", "", "Cash")
    ]
    for symbol, quantity, price, value, basis in held:
        percent, dollars = _gain(value, basis, "n/a")
        known = "n/a" if basis is None else _dollars(basis)
        average = "n/a" if basis is None else _dollars(cents(basis / quantity))
        first = (*own, symbol, securities[symbol].name.upper(), f"{quantity:f}", _dollars(price), "+$0.00")
        rows.append(
            (
                *first,
                _dollars(value),
                "+$0.00",
                "+0.00%",
                dollars,
                percent,
                _share(value, total),
                known,
                average,
                "Cash",
            )
        )
    if account.cash_unsettled != ZERO:
        pending = _dollars(account.cash_unsettled)
        rows.append((*own, "Pending Activity", "", "", "", "", pending, *("",) * 8))
    return rows
