"""The entries of the ledger, and the locked rows that a batch of them works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolios.models import CashBalance, Disposal, Lot, Position, Transaction
from rebalancer.engine import money
from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """Shares bought or sold. `key` makes it post once; `lots` are (lot, quantity) named for a sale, in order.

    `gross` are the dollars where they are known otherwise than as the shares times the price: a share of a block.
    What the names leave open falls to the earliest lots (Treas. Reg. 1.1012-1(c)(1)).
    """

    key: str
    account_id: int
    security_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    fees: Decimal
    trade_on: date
    settle_on: date
    lots: tuple[tuple[int, Decimal], ...] = ()
    gross: Decimal | None = None

    @property
    def amount(self) -> Decimal:
        """The effect on cash, to the cent: a sale brings its proceeds less fees, a buy takes its cost and fees."""
        gross = money.cents(money.times(self.quantity, self.price)) if self.gross is None else self.gross
        return gross - self.fees if self.side is Side.SELL else -(gross + self.fees)


@dataclass(frozen=True, slots=True)
class Reversal:
    """That a posting is taken back, under a key of its own."""

    key: str
    of_key: str
    account_id: int
    security_id: int


Entry = Fill | Reversal


@dataclass(slots=True)
class Books:
    """What a batch of entries works on: locked rows, and the rows it will append."""

    firm_id: int
    cash: dict[int, CashBalance]
    positions: dict[tuple[int, int], Position]
    lots: dict[tuple[int, int], dict[int, Lot]]
    posted: dict[tuple[int, str], Transaction]
    disposals: dict[int, list[Disposal]]
    transactions: list[Transaction] = field(default_factory=list)
    new_disposals: list[Disposal] = field(default_factory=list)
    new_lots: list[Lot] = field(default_factory=list)
    touched: dict[int, Lot] = field(default_factory=dict)

    def is_posted(self, entry: Entry) -> bool:
        return (entry.account_id, entry.key) in self.posted

    def append(self, transaction: Transaction, account_id: int, security_id: int) -> None:
        """Move cash and shares by the transaction, and keep it to be written."""
        self.cash[account_id].unsettled += transaction.amount
        self.position(account_id, security_id, transaction.trade_on).quantity += transaction.quantity
        self.transactions.append(transaction)
        self.posted[account_id, transaction.key] = transaction

    def position(self, account_id: int, security_id: int, on: date) -> Position:
        place = (account_id, security_id)
        if place not in self.positions:
            self.positions[place] = Position(
                account_id=account_id, security_id=security_id, quantity=ZERO, reported_on=on
            )
        return self.positions[place]

    def move_lot(self, lot: Lot, quantity: Decimal, cost_basis: Decimal | None) -> None:
        """Add shares and their basis to a lot; a lot whose basis is unknown stays so."""
        lot.quantity += quantity
        if lot.cost_basis is not None and cost_basis is not None:
            lot.cost_basis += cost_basis
        self.touched[lot.pk] = lot

    def write(self) -> None:
        firm = self.firm_id
        Transaction.objects.for_firm(firm).bulk_create(self.transactions)
        Lot.objects.for_firm(firm).bulk_create(self.new_lots)
        Disposal.objects.for_firm(firm).bulk_create(self.new_disposals)
        Lot.objects.for_firm(firm).bulk_update(self.touched.values(), ["quantity", "cost_basis"])
        CashBalance.objects.for_firm(firm).bulk_update(self.cash.values(), ["unsettled"])
        Position.objects.for_firm(firm).bulk_update([p for p in self.positions.values() if p.pk], ["quantity"])
        Position.objects.for_firm(firm).bulk_create([p for p in self.positions.values() if not p.pk])


def locked_books(firm_id: int, entries: Sequence[Entry]) -> Books:
    accounts = sorted({entry.account_id for entry in entries})
    places = {(entry.account_id, entry.security_id) for entry in entries}
    securities = {security_id for _, security_id in places}
    cash = _locked_cash(firm_id, accounts, entries)
    held = Position.objects.for_firm(firm_id).filter(account_id__in=accounts, security_id__in=securities)
    lots: dict[tuple[int, int], dict[int, Lot]] = {}
    rows = Lot.objects.for_firm(firm_id).filter(account_id__in=accounts, security_id__in=securities)
    for lot in rows.select_for_update().order_by("id"):
        lots.setdefault((lot.account_id, lot.security_id), {})[lot.pk] = lot
    keys = {entry.key for entry in entries} | {e.of_key for e in entries if isinstance(e, Reversal)}
    posted = list(Transaction.objects.for_firm(firm_id).filter(account_id__in=accounts, key__in=keys))
    disposals: dict[int, list[Disposal]] = {}
    for disposal in Disposal.objects.for_firm(firm_id).filter(transaction__in=posted).order_by("id"):
        disposals.setdefault(disposal.transaction_id, []).append(disposal)
    return Books(
        firm_id=firm_id,
        cash=cash,
        positions={
            (row.account_id, row.security_id): row
            for row in held.select_for_update().order_by("id")
            if (row.account_id, row.security_id) in places
        },
        lots=lots,
        posted={(row.account_id, row.key): row for row in posted},
        disposals=disposals,
    )


def _locked_cash(firm_id: int, accounts: Sequence[int], entries: Sequence[Entry]) -> dict[int, CashBalance]:
    rows = CashBalance.objects.for_firm(firm_id)
    days = {entry.account_id: entry.trade_on for entry in entries if isinstance(entry, Fill)}
    rows.bulk_create(
        [CashBalance(account_id=account, settled=ZERO, reported_on=day) for account, day in sorted(days.items())],
        ignore_conflicts=True,
    )
    locked = rows.filter(account_id__in=accounts).select_for_update().order_by("account_id")
    return {row.account_id: row for row in locked}
