"""Our own CSV files, for custodians without a download we know. docs/feeds.md documents them with examples."""

from __future__ import annotations

from portfolios.feeds import values
from portfolios.feeds.layout import Cell, PlainLayout
from portfolios.feeds.records import (
    REGISTRATIONS,
    TRANSACTION_KINDS,
    AccountRecord,
    CashRecord,
    LotRecord,
    PriceRecord,
    TransactionRecord,
)

_ACCOUNT = Cell("account_number", values.account_number)
_CUSTODIAN = Cell("custodian", values.text, is_optional=True)
_CURRENCY = Cell("currency", values.currency, is_optional=True)
_SYMBOL = Cell("symbol", values.symbol)
_CUSIP = Cell("cusip", values.cusip, is_optional=True)

PLAIN_ACCOUNTS = PlainLayout(
    name="plain_accounts",
    title="Accounts (plain CSV)",
    version=1,
    record=AccountRecord,
    collection="accounts",
    key=("custodian", "account_number"),
    cells=(
        Cell("custodian", values.text),
        _ACCOUNT,
        Cell("name", values.text),
        Cell("registration", values.one_of(*REGISTRATIONS)),
        Cell("household_id", values.text),
        Cell("household_name", values.text),
        Cell("client_id", values.text),
        Cell("client_name", values.text),
        Cell("status", values.one_of("OPEN", "FROZEN", "CLOSED"), is_optional=True),
        Cell("adviser_email", values.text, is_optional=True),
        Cell("model_code", values.text, is_optional=True),
        _CURRENCY,
    ),
)

PLAIN_LOTS = PlainLayout(
    name="plain_lots",
    title="Tax lots (plain CSV)",
    version=1,
    record=LotRecord,
    collection="lots",
    key=("custodian", "account_number", "symbol", "lot_id"),
    cells=(
        _ACCOUNT,
        _SYMBOL,
        Cell("lot_id", values.text),
        Cell("acquired_on", values.iso_day),
        Cell("quantity", values.quantity),
        Cell("cost_basis", values.amount_or_none),
        _CUSIP,
        Cell("holding_start_on", values.iso_day, is_optional=True),
        Cell("is_covered", values.flag, is_optional=True),
        Cell("term", values.one_of("SHORT", "LONG"), is_optional=True),
        _CUSTODIAN,
        _CURRENCY,
    ),
)

PLAIN_CASH = PlainLayout(
    name="plain_cash",
    title="Cash balances (plain CSV)",
    version=1,
    record=CashRecord,
    collection="cash_balances",
    fixed={"is_split": True},
    key=("custodian", "account_number", "currency"),
    cells=(
        _ACCOUNT,
        Cell("settled", values.dollars),
        Cell("unsettled", values.dollars),
        _CUSTODIAN,
        _CURRENCY,
    ),
)

PLAIN_PRICES = PlainLayout(
    name="plain_prices",
    title="Prices (plain CSV)",
    version=1,
    record=PriceRecord,
    collection="prices",
    key=("symbol", "priced_on"),
    cells=(
        _SYMBOL,
        Cell("priced_on", values.iso_day),
        Cell("close", values.amount),
        Cell("bid", values.amount_or_none, is_optional=True),
        Cell("ask", values.amount_or_none, is_optional=True),
        Cell("adv_shares", values.whole, is_optional=True),
        _CUSIP,
        _CURRENCY,
    ),
)

PLAIN_TRANSACTIONS = PlainLayout(
    name="plain_transactions",
    title="Transactions (plain CSV)",
    version=1,
    record=TransactionRecord,
    collection="transactions",
    key=("custodian", "account_number", "transaction_id"),
    cells=(
        _ACCOUNT,
        Cell("transaction_id", values.text),
        Cell("kind", values.one_of(*sorted(TRANSACTION_KINDS))),
        Cell("trade_on", values.iso_day),
        Cell("settle_on", values.iso_day),
        Cell("amount", values.dollars),
        Cell("symbol", values.symbol, is_optional=True),
        _CUSIP,
        Cell("quantity", values.quantity, is_optional=True),
        Cell("price", values.amount_or_none, is_optional=True),
        Cell("fees", values.dollars, is_optional=True),
        Cell("realised_short", values.amount_or_none, is_optional=True),
        Cell("realised_long", values.amount_or_none, is_optional=True),
        Cell("description", values.text, is_optional=True),
        _CUSTODIAN,
        _CURRENCY,
    ),
)

PLAIN_LAYOUTS = (PLAIN_ACCOUNTS, PLAIN_LOTS, PLAIN_CASH, PLAIN_PRICES, PLAIN_TRANSACTIONS)
