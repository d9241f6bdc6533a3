"""What cash accounts bought and have not settled: which days' purchases stay, until when, and what nothing paid yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Account
from portfolios.models import CashBalance, Lot, Transaction
from rebalancer.engine.fees import Side
from rebalancer.engine.money import minus, total
from rebalancer.engine.settlement_rules import CashTrade, fund

PAYMENT_PERIOD = timedelta(days=10)
"""Longer than a settlement cycle and two business days (12 CFR 220.2) with any weekend and holidays between."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """Shares bought on a day: they may be sold from `sellable_on` on, or not before the `unpaid` dollars are paid."""

    symbol: str
    bought_on: date
    sellable_on: date
    unpaid: Decimal


@dataclass(frozen=True, slots=True)
class Unsettled:
    """By account, its purchases that are not free to be sold; and the day on which each of its lots was bought."""

    purchases: Mapping[int, list[Purchase]] = field(default_factory=dict)
    acquired_on: Mapping[int, date] = field(default_factory=dict)

    def locked(self, account_id: int, symbol: str, lots: Collection[int]) -> list[Purchase]:
        """The purchases of the security that these lots come from; all of them where the sale names no lot."""
        days = {self.acquired_on[lot] for lot in lots if lot in self.acquired_on}
        return [
            one
            for one in self.purchases.get(account_id, ())
            if one.symbol == symbol and (not lots or one.bought_on in days)
        ]

    def unpaid(self, account_id: int, *, before: date) -> list[Purchase]:
        """Purchases of earlier days that nothing has paid for."""
        return [one for one in self.purchases.get(account_id, ()) if one.unpaid and one.bought_on < before]


def unsettled_of(firm_id: int, sellers: Collection[int], today: date, margin: Collection[str]) -> Unsettled:
    """What is not paid with settled cash in the accounts that sell, none of them numbered in `margin`."""
    cash = {row.account_id: row for row in CashBalance.objects.for_firm(firm_id).filter(account__in=sellers)}
    trades = _trades(firm_id, cash, today - PAYMENT_PERIOD, margin)
    purchases = {
        account_id: locked
        for account_id, rows in trades.items()
        if (locked := list(_not_free(rows, cash[account_id], today)))
    }
    if not purchases:
        return Unsettled()
    lots = Lot.objects.for_firm(firm_id).filter(account__in=purchases, quantity__gt=0)
    return Unsettled(purchases, dict(lots.values_list("id", "acquired_on")))


def _trades(
    firm_id: int, accounts: Collection[int], since: date, margin: Collection[str]
) -> Mapping[int, list[Transaction]]:
    rows = Transaction.objects.for_firm(firm_id).filter(
        account__in=accounts, trade_on__gte=since, kind__in=(Transaction.Kind.BUY, Transaction.Kind.SELL)
    )
    if margin:
        rows = rows.exclude(account__in=Account.objects.for_firm(firm_id).filter(number__in=margin))
    found: dict[int, list[Transaction]] = defaultdict(list)
    for row in rows.select_related("security").order_by("account_id", "id"):
        found[row.account_id].append(row)
    return found


def _not_free(rows: Sequence[Transaction], cash: CashBalance, today: date) -> Iterator[Purchase]:
    """The cash before these trades pays first. A purchase taken back, with its reversal, is none."""
    netted: dict[tuple[date, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        netted[row.trade_on, row.kind, row.security.symbol if row.security else ""] += row.amount
    trades = [
        CashTrade(trade_on, Side(kind), symbol, abs(amount))
        for (trade_on, kind, symbol), amount in netted.items()
        if amount and (amount < 0) == (kind == Side.BUY)
    ]
    before = minus(cash.settled, total([row.amount for row in rows if _has_settled(row, cash)]))
    for funding in fund(trades, settled_cash=before):
        if funding.unpaid or funding.sellable_on > today:
            yield Purchase(funding.buy.symbol, funding.buy.trade_on, funding.sellable_on, funding.unpaid)


def _has_settled(row: Transaction, cash: CashBalance) -> bool:
    """A custodian's own transaction is in the balance that it reported later."""
    return row.settled_at is not None or (not row.key.startswith("exec:") and row.settle_on <= cash.reported_on)
