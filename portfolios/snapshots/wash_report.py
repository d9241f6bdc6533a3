"""What the wash-sale rule makes of a household's losses in a year: the broker's figure and the household's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import Account, Household, Registration
from portfolios.models import Disposal, Lot, Transaction
from rebalancer.engine.money import ZERO, cents, total
from rebalancer.engine.wash_sales import figures, records
from rebalancer.engine.wash_sales.matching import WINDOW
from rebalancer.engine.wash_sales.records import AccountKind, Purchase, Sale

KINDS = {
    Registration.TRADITIONAL_IRA: AccountKind.IRA,
    Registration.ROTH_IRA: AccountKind.ROTH_IRA,
}
"""Every other registration is taxed."""

Part = tuple[str, str]
"""A sale and a lot."""


@dataclass(slots=True)
class _History:
    """Lots as they were bought, and what each day's sales took from them. What lacks a basis cannot be judged."""

    lots: Mapping[int, Lot]
    sold: dict[date, dict[int, list[Disposal]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def purchases(self) -> list[Purchase]:
        """Every lot with all its shares, those still held and those sold."""
        gone: dict[int, list[Disposal]] = defaultdict(list)
        for parts in self.sold.values():
            for lot_id, rows in parts.items():
                gone[lot_id] += rows
        bought = [(lot, gone[lot.pk]) for lot in self.lots.values()]
        return [_purchase(lot, rows) for lot, rows in bought if _shares(lot, rows) > 0]

    def sales(self) -> list[Sale]:
        """One sale a lot and day; what was taken back is not in it."""
        found = []
        for day, parts in self.sold.items():
            for lot_id, rows in parts.items():
                quantity, proceeds = _sum(rows, "quantity"), _sum(rows, "proceeds")
                if self.lots[lot_id].cost_basis is not None and quantity > 0:
                    found.append(Sale(f"{day}:{lot_id}", day, ((str(lot_id), quantity),), proceeds))
        return sorted(found, key=lambda sale: (sale.sold_on, sale.sale_id))


def wash_report(firm_id: int, household_id: int, *, year: int, on: date) -> dict[str, Any] | None:
    """The losses that a household sold in a tax year; nothing if the firm has no such household.

    Dollars in cents. `losses`: one row for each lot sold at a loss, with what each figure disallows of it, and the
    shares that replace it. `open_until` is the last day on which a purchase could still wash it, where that is not
    over. `unmatched` counts sales of the year that the custodian reported without lots: no loss of theirs is here.
    """
    household = Household.objects.for_firm(firm_id).filter(pk=household_id).first()
    if household is None:
        return None
    accounts = {row.pk: row for row in Account.objects.for_firm(firm_id).filter(household=household).order_by("id")}
    history = _history(firm_id, list(accounts))
    found = figures.report(
        [records.Account(str(row.pk), _kind(row)) for row in accounts.values()],
        history.purchases(),
        history.sales(),
        groups={str(lot.security_id): str(lot.security.wash_group_id) for lot in history.lots.values()},
    )
    parts = _losses(found.household, year)
    brokers = _losses(found.broker, year)
    losses = [_row(rows, brokers.get(key, []), accounts, history.lots, on=on) for key, rows in parts.items()]
    return {
        "household": {"id": household.pk, "name": household.name},
        "year": year,
        "years": _years(history, on),
        "losses": losses,
        "totals": {name: total([row[name] for row in losses]) for name in ("loss", "broker", "household", "lost")},
        "coverage": found.coverage.sentence,
        "unmatched": _unmatched(firm_id, list(accounts), year),
        "without_basis": _without_basis(history, year),
    }


def _history(firm_id: int, account_ids: Sequence[int]) -> _History:
    lots = Lot.objects.for_firm(firm_id).filter(account_id__in=account_ids).select_related("security")
    history = _History({lot.pk: lot for lot in lots.order_by("acquired_on", "id")})
    rows = Disposal.objects.for_firm(firm_id).filter(transaction__account_id__in=account_ids)
    for row in rows.select_related("transaction").order_by("id"):
        history.sold[row.transaction.trade_on][row.lot_id].append(row)
    return history


def _kind(account: Account) -> AccountKind:
    return KINDS.get(Registration(account.registration), AccountKind.TAXABLE)


def _sum(rows: Iterable[Disposal], name: str) -> Decimal:
    return total([getattr(row, name) or ZERO for row in rows])


def _shares(lot: Lot, sold: Sequence[Disposal]) -> Decimal:
    return lot.quantity + _sum(sold, "quantity")


def _purchase(lot: Lot, sold: Sequence[Disposal]) -> Purchase:
    """A lot without basis can replace shares that were sold, though nobody knows what it cost."""
    return Purchase(
        lot_id=str(lot.pk),
        account_id=str(lot.account_id),
        security=str(lot.security_id),
        bought_on=lot.acquired_on,
        quantity=_shares(lot, sold),
        cost=max(ZERO, (lot.cost_basis or ZERO) + _sum(sold, "cost_basis")),
        covered=lot.is_covered,
    )


def _losses(washed: records.Washed, year: int) -> dict[Part, list[records.Disposal]]:
    """The parts of each lot that were sold at a loss in a year: shares that took over another loss stand apart."""
    found: dict[Part, list[records.Disposal]] = defaultdict(list)
    for row in washed.disposals:
        if row.sold_on.year == year and row.gain < 0:
            found[row.sale_id, row.lot_id].append(row)
    return found


def _row(
    parts: Sequence[records.Disposal],
    brokers: Sequence[records.Disposal],
    accounts: Mapping[int, Account],
    lots: Mapping[int, Lot],
    *,
    on: date,
) -> dict[str, Any]:
    lot, last = lots[int(parts[0].lot_id)], parts[0].sold_on + WINDOW
    return {
        "sold_on": parts[0].sold_on,
        "symbol": lot.security.symbol,
        "account": accounts[lot.account_id],
        "acquired_on": lot.acquired_on,
        "quantity": total([part.quantity for part in parts]),
        "proceeds": cents(total([part.proceeds for part in parts])),
        "basis": cents(total([part.cost_basis for part in parts])),
        "loss": -cents(total([part.gain for part in parts])),
        "broker": cents(total([part.disallowed for part in brokers])),
        "household": cents(total([part.disallowed for part in parts])),
        "lost": cents(total([part.permanently_lost for part in parts])),
        "recognised": cents(total([part.recognised for part in parts])),
        "replacements": [_replacement(taken, accounts, lots) for part in parts for taken in part.replacements],
        "open_until": last if last >= on else None,
    }


def _replacement(
    taken: records.Replacement, accounts: Mapping[int, Account], lots: Mapping[int, Lot]
) -> dict[str, Any]:
    lot = lots[int(taken.lot_id)]
    return {
        "symbol": lot.security.symbol,
        "account": accounts[lot.account_id],
        "bought_on": lot.acquired_on,
        "quantity": taken.quantity,
        "disallowed": cents(taken.disallowed),
        "lost": taken.lost,
    }


def _years(history: _History, on: date) -> list[int]:
    """Years with sales, and the current one; the newest first."""
    return sorted({on.year, *(day.year for day in history.sold)}, reverse=True)


def _unmatched(firm_id: int, account_ids: Sequence[int], year: int) -> int:
    sells = Transaction.objects.for_firm(firm_id).filter(
        account_id__in=account_ids, kind=Transaction.Kind.SELL, trade_on__year=year, quantity__lt=0
    )
    used = Disposal.objects.for_firm(firm_id).filter(transaction__account_id__in=account_ids)
    return sells.exclude(pk__in=used.values("transaction_id")).count()


def _without_basis(history: _History, year: int) -> list[str]:
    """Securities of which lots without a basis were sold in the year."""
    sold = {lot_id for day, parts in history.sold.items() if day.year == year for lot_id in parts}
    return sorted({history.lots[lot].security.symbol for lot in sold if history.lots[lot].cost_basis is None})
