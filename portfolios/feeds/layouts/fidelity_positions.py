"""Fidelity's positions: the current download of all accounts, and the older file that comes with a statement."""

from __future__ import annotations

import re

from portfolios.feeds.layout import Act, Column, PositionsLayout, Rule, Variant, Where
from portfolios.feeds.records import Kind

_SYMBOL_KINDS = (
    (re.compile(r"-[A-Z]+\d{6}[CP][\d.]+"), Kind.OPTION),
    (re.compile(r"(?=.*\d)[0-9A-Z]{9}"), Kind.BOND),
)

_DOWNLOAD = Variant(
    name="download",
    columns=(
        Column("account", ("Account Number",)),
        Column("account_name", ("Account Name",)),
        Column("symbol", ("Symbol",)),
        Column("description", ("Description",)),
        Column("quantity", ("Quantity",)),
        Column("price", ("Last Price",)),
        Column("market_value", ("Current Value",)),
        Column("cost_basis", ("Cost Basis Total", "Cost Basis")),
        Column("holding_type", ("Type",), required=False),
    ),
    rules=(
        Rule(
            Act.DATED,
            Where.ALONE,
            re.compile(r"Date downloaded (?P<date>\d{2}/\d{2}/\d{4}|[A-Z][a-z]{2}-\d{1,2}-\d{4})\b.*", re.IGNORECASE),
        ),
        Rule(Act.IGNORE, Where.ALONE, re.compile(r".*", re.DOTALL)),
        Rule(Act.CASH, Where.SYMBOL, re.compile(r".*\*\*|CORE|FCASH", re.IGNORECASE)),
        Rule(Act.PENDING, Where.SYMBOL, re.compile(r"Pending activity", re.IGNORECASE)),
    ),
    closes=Act.DATED,
    date_formats=("%m/%d/%Y", "%b-%d-%Y"),
    quantity_decimals=3,
    symbol_kinds=_SYMBOL_KINDS,
)

_STATEMENT = Variant(
    name="statement",
    columns=(
        Column("symbol", ("Symbol/CUSIP",)),
        Column("description", ("Description",)),
        Column("quantity", ("Quantity",)),
        Column("price", ("Price",)),
        Column("beginning_value", ("Beginning Value",), required=False),
        Column("market_value", ("Ending Value",)),
        Column("cost_basis", ("Cost Basis",)),
    ),
    summary=(
        Column("account", ("Account #", "Account")),
        Column("account_name", ("Account Type",)),
        Column("market_value", ("Ending Net Value",)),
    ),
    rules=(
        Rule(Act.ACCOUNT, Where.ALONE, re.compile(r"(?P<account>[A-Z]?\d{8,9})")),
        Rule(
            Act.SECTION,
            Where.ALONE,
            re.compile(
                r"(?P<section>Stocks|Preferred Stock|Bonds|Options|Mutual Funds|Exchange Traded Products|Other"
                r"|Core Account)",
                re.IGNORECASE,
            ),
        ),
        Rule(Act.SUBTOTAL, Where.FIRST, re.compile(r"SubTotal of (?P<section>.+)", re.IGNORECASE)),
    ),
    closes=Act.SUBTOTAL,
    date_formats=("%m/%d/%Y",),
    quantity_decimals=3,
    kinds={
        "stocks": Kind.STOCK,
        "preferred stock": Kind.OTHER,
        "bonds": Kind.BOND,
        "options": Kind.OPTION,
        "mutual funds": Kind.MUTUAL_FUND,
        "exchange traded products": Kind.ETF,
        "other": Kind.OTHER,
        "core account": Kind.SWEEP,
    },
    symbol_kinds=_SYMBOL_KINDS,
)

FIDELITY_POSITIONS = PositionsLayout(
    name="fidelity_positions",
    title="Fidelity positions (CSV)",
    version=1,
    custodian="fidelity",
    advice="download Positions as CSV from Fidelity and send the file unchanged",
    variants=(_DOWNLOAD, _STATEMENT),
)
