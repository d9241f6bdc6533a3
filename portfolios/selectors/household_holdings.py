"""What the accounts of one household hold, for people who do not ask about lots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from accounts.models import Account
from portfolios.models import CashBalance, Position
from portfolios.selectors.account_pages import masked
from portfolios.selectors.quotes import Quote, newest_quotes
from rebalancer.engine.money import cents, times

ZERO = Decimal(0)
CASH = {"name": "Cash", "symbol": "USD", "class_name": "ready money"}


def household_accounts(firm_id: int, household_id: int) -> list[dict[str, Any]]:
    """Each account with its holdings, dearest first, and its cash. A holding without a price has no value."""
    rows = Account.objects.for_firm(firm_id).filter(household_id=household_id).exclude(status=Account.Status.CLOSED)
    accounts = list(rows.order_by("name", "id"))
    held = _positions(firm_id, accounts)
    quotes = newest_quotes(firm_id, sorted({one.security_id for rows in held.values() for one in rows}))
    cash = _cash(firm_id, accounts)
    return [_account(account, held.get(account.pk, []), cash.get(account.pk), quotes) for account in accounts]


def _positions(firm_id: int, accounts: Sequence[Account]) -> dict[int, list[Position]]:
    held: dict[int, list[Position]] = {}
    rows = Position.objects.for_firm(firm_id).filter(account__in=accounts).exclude(quantity=0)
    for row in rows.select_related("security__asset_class").order_by("account_id", "security__symbol"):
        held.setdefault(row.account_id, []).append(row)
    return held


def _cash(firm_id: int, accounts: Sequence[Account]) -> dict[int, Decimal]:
    rows = CashBalance.objects.for_firm(firm_id).filter(account__in=accounts)
    return {row.account_id: row.settled + row.unsettled for row in rows}


def _account(
    account: Account, held: Sequence[Position], cash: Decimal | None, quotes: Mapping[int, Quote]
) -> dict[str, Any]:
    holdings = [_holding(row, quotes.get(row.security_id)) for row in held]
    if cash is not None:
        holdings.append({**CASH, "value": cash})
    value = sum((row["value"] or ZERO for row in holdings), ZERO)
    for row in holdings:
        row["weight"] = row["value"] / value if row["value"] is not None and value > 0 else None
    holdings.sort(key=lambda row: (row["symbol"] == CASH["symbol"], -(row["value"] or ZERO), row["symbol"]))
    return {
        "name": account.name,
        "kind_label": account.get_registration_display(),
        "number_masked": masked(account.number),
        "value": value,
        "holdings": holdings,
    }


def _holding(row: Position, quote: Quote | None) -> dict[str, Any]:
    return {
        "name": row.security.name,
        "symbol": row.security.symbol,
        "class_name": row.security.asset_class.name,
        "value": cents(times(row.quantity, quote.close)) if quote else None,
    }
