"""Schwab's positions download, for one account or for all of them.

Seen since 2018 with the columns in two orders, and since 2024 with longer names ("Mkt Val (Market Value)").
"""

from __future__ import annotations

import re

from portfolios.feeds.layout import Act, Column, PositionsLayout, Rule, Variant, Where
from portfolios.feeds.records import Kind

_AS_OF = r" as of (?P<time>[^,]+),\s*(?P<date>\d{2}/\d{2}/\d{4}|\d{4}/\d{2}/\d{2})"

_COLUMNS = (
    Column("symbol", ("Symbol",)),
    Column("description", ("Description",)),
    Column("quantity", ("Quantity", "Qty (Quantity)")),
    Column("price", ("Price",)),
    Column("market_value", ("Market Value", "Mkt Val (Market Value)")),
    Column("cost_basis", ("Cost Basis",)),
    Column("kind", ("Security Type", "Asset Type")),
)

_RULES = (
    Rule(Act.TITLE, Where.ALONE, re.compile(rf"Positions for All-Accounts{_AS_OF}", re.IGNORECASE)),
    Rule(
        Act.TITLE,
        Where.ALONE,
        re.compile(rf"Positions for account (?P<name>.*?)\s*(?P<account>\S+){_AS_OF}", re.IGNORECASE),
    ),
    Rule(Act.ACCOUNT, Where.ALONE, re.compile(r"(?P<name>.+?)\s+(?P<account>\S*\d\S*|XXXX-YYYY)")),
    Rule(Act.CASH, Where.FIRST, re.compile(r"Cash & (Cash Investments|Money Market)|Futures Cash", re.IGNORECASE)),
    Rule(Act.VALUE, Where.FIRST, re.compile(r"Futures Positions Market Value", re.IGNORECASE)),
    Rule(Act.TOTAL, Where.FIRST, re.compile(r"(Account|Positions) Total", re.IGNORECASE)),
)

_KINDS = {
    "etfs & closed end funds": Kind.ETF,
    "equity": Kind.STOCK,
    "mutual fund": Kind.MUTUAL_FUND,
    "mutual funds": Kind.MUTUAL_FUND,
    "fixed income": Kind.BOND,
    "option": Kind.OPTION,
    "options": Kind.OPTION,
    "futures": Kind.FUTURE,
    "cash and money market": Kind.SWEEP,
}

SCHWAB_POSITIONS = PositionsLayout(
    name="schwab_positions",
    title="Schwab positions (CSV)",
    version=1,
    custodian="schwab",
    advice="download Positions as CSV from Schwab and send the file unchanged",
    variants=(
        Variant(
            name="download",
            columns=_COLUMNS,
            rules=_RULES,
            closes=Act.TOTAL,
            date_formats=("%m/%d/%Y", "%Y/%m/%d"),
            quantity_decimals=4,
            header_opens_account=True,
            kinds=_KINDS,
            symbol_separator="/",
        ),
    ),
)
