"""Writes the two firms' books to files in the layouts of their custodians, as they would arrive on a morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from rebalancer.demo.book import DemoAccount, DemoBook, DemoFile, DemoFirm
from rebalancer.demo.custodian_text import fidelity_csv, schwab_csv
from rebalancer.demo.firm import make_firms
from rebalancer.demo.flex_text import flex_xml
from rebalancer.demo.market import Market, make_market, quotes
from rebalancer.demo.plain_text import accounts_csv, cash_csv, lots_csv, prices_csv, transactions_csv
from rebalancer.demo.securities import ASSET_CLASSES, SECURITIES, WASH_GROUPS


def make_book(seed: int, as_of: date) -> tuple[DemoBook, Market]:
    """The book without files, and the market it lives in.

    :raises ValueError: when the exchange was closed on that day
    """
    market = make_market(seed, as_of)
    book = DemoBook(
        seed=seed,
        as_of=as_of,
        asset_classes=ASSET_CLASSES,
        wash_groups=WASH_GROUPS,
        securities=SECURITIES,
        quotes=quotes(market),
        firms=make_firms(seed, market),
    )
    return book, market


def write_demo_files(directory: Path, *, seed: int, as_of: date) -> DemoBook:
    """Make the book of a seed and a trading day, and write its files into `directory`, one folder a firm.

    The same seed and day write the same bytes.

    :raises ValueError: when the exchange was closed on that day
    """
    book, market = make_book(seed, as_of)
    files: list[DemoFile] = []
    for firm in book.firms:
        folder = directory / firm.slug
        folder.mkdir(parents=True, exist_ok=True)
        for layout, name, text in _texts(firm, book, market):
            path = folder / name
            path.write_bytes(text.encode())
            files.append(DemoFile(firm.slug, layout, path))
    return replace(book, files=tuple(files))


def _texts(firm: DemoFirm, book: DemoBook, market: Market) -> list[tuple[str, str, str]]:
    """Layout, file name and content, in the order to read them: who, at what price, what, in which lots."""
    securities = {security.symbol: security for security in book.securities}
    cusips = {symbol: security.cusip for symbol, security in securities.items()}
    day, stamp = book.as_of, f"{book.as_of:%Y%m%d}"
    schwab, fidelity, ibkr = (_at(firm, code) for code in ("schwab", "fidelity", "ibkr"))
    plain = (*schwab, *fidelity)
    return [
        ("plain_accounts", f"accounts_{stamp}.csv", accounts_csv(firm, day)),
        ("plain_prices", f"prices_{stamp}.csv", prices_csv(book.quotes, cusips, day)),
        ("schwab_positions", f"schwab_positions_{stamp}.csv", schwab_csv(schwab, market, securities, day)),
        ("fidelity_positions", f"fidelity_positions_{stamp}.csv", fidelity_csv(fidelity, market, securities, day)),
        ("ibkr_flex", f"ibkr_flex_{stamp}.xml", flex_xml(ibkr, market, securities, day)),
        ("plain_lots", f"lots_{stamp}.csv", lots_csv(plain, day)),
        ("plain_cash", f"cash_{stamp}.csv", cash_csv(plain, day)),
        ("plain_transactions", f"transactions_{stamp}.csv", transactions_csv(plain, day)),
    ]


def _at(firm: DemoFirm, custodian: str) -> tuple[DemoAccount, ...]:
    return tuple(account for account in firm.accounts if account.custodian == custodian)
