"""Posting fills to lots, cash, positions and transactions: once each, and taken back by appending the opposite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolios.models import CashBalance, Disposal, Lot, Position, Transaction
from rebalancer.engine import lots as engine
from rebalancer.engine import money
from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO


class CannotPost(RuntimeError):
    """The books do not hold what a fill or its reversal needs; nothing of it was posted."""


@dataclass(frozen=True, slots=True)
class Fill:
    """Shares bought or sold. `key` makes it post once; `lots` are (lot, quantity) named for a sale, in order.

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

    @property
    def amount(self) -> Decimal:
        """The effect on cash, to the cent: a sale brings its proceeds less fees, a buy takes its cost and fees."""
        gross = money.cents(money.times(self.quantity, self.price))
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
class _Books:
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


def apply(*, firm_id: int, entries: Sequence[Entry]) -> Mapping[str, str]:
    """Post fills and reversals in the given order, in the caller's transaction; what is posted already stays as it is.

    Gives back the keys that could not be posted, each with a sentence. Locks the accounts' cash first, in order of
    account, so that two batches for one account follow each other.
    """
    if not entries:
        return {}
    books = _locked_books(firm_id, entries)
    refused = {}
    for entry in entries:
        try:
            if not books.is_posted(entry):
                _reverse(books, entry) if isinstance(entry, Reversal) else _POST[entry.side](books, entry)
        except CannotPost as why:
            refused[entry.key] = str(why)
    books.write()
    return refused


def lots_used(firm_id: int, keys: Sequence[str]) -> dict[str, list[tuple[int, Decimal]]]:
    """The (lot, quantity) pairs that postings took, by key of the posting, in the order taken."""
    rows = Disposal.objects.for_firm(firm_id).filter(transaction__firm_id=firm_id, transaction__key__in=keys)
    used: dict[str, list[tuple[int, Decimal]]] = {}
    for key, lot_id, quantity in rows.order_by("id").values_list("transaction__key", "lot_id", "quantity"):
        used.setdefault(key, []).append((lot_id, quantity))
    return used


def posted_keys(firm_id: int, account_ids: Sequence[int], trade_days: Sequence[date]) -> set[str]:
    """The keys posted to these accounts for trades of these days."""
    rows = Transaction.objects.for_firm(firm_id).filter(account_id__in=account_ids, trade_on__in=trade_days)
    return set(rows.values_list("key", flat=True))


def _locked_books(firm_id: int, entries: Sequence[Entry]) -> _Books:
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
    return _Books(
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


def _buy(books: _Books, fill: Fill) -> None:
    transaction = _transaction(fill, Transaction.Kind.BUY, fill.quantity)
    books.append(transaction, fill.account_id, fill.security_id)
    books.new_lots.append(
        Lot(
            account_id=fill.account_id,
            security_id=fill.security_id,
            lot_key=fill.key,
            acquired_on=fill.trade_on,
            quantity=fill.quantity,
            cost_basis=-fill.amount,
        )
    )


def _sell(books: _Books, fill: Fill) -> None:
    held = books.lots.get((fill.account_id, fill.security_id), {})
    picks = _relieve(held, fill)
    proceeds = money.split(fill.amount, {pick.lot_id: pick.proceeds for pick in picks})
    transaction = _transaction(fill, Transaction.Kind.SELL, -fill.quantity)
    realised = {engine.Term.SHORT: ZERO, engine.Term.LONG: ZERO}
    unknown = False
    for pick in picks:
        lot = held[int(pick.lot_id)]
        basis = None if lot.cost_basis is None else pick.cost_basis
        gain = None if basis is None else proceeds[pick.lot_id] - basis
        unknown = unknown or gain is None
        realised[pick.term] += gain or ZERO
        books.new_disposals.append(
            Disposal(
                transaction=transaction,
                lot=lot,
                quantity=pick.quantity,
                proceeds=proceeds[pick.lot_id],
                cost_basis=basis,
                gain=gain,
                term=pick.term,
            )
        )
        books.move_lot(lot, -pick.quantity, None if basis is None else -basis)
    transaction.realised_short = None if unknown else money.cents(realised[engine.Term.SHORT])
    transaction.realised_long = None if unknown else money.cents(realised[engine.Term.LONG])
    books.append(transaction, fill.account_id, fill.security_id)


_POST = {Side.BUY: _buy, Side.SELL: _sell}


def _relieve(held: Mapping[int, Lot], fill: Fill) -> list[engine.Pick]:
    """The named lots as far as they still hold the shares, then the earliest."""
    open_lots = {pk: lot for pk, lot in held.items() if lot.quantity > 0}
    named = [
        (str(pk), min(quantity, open_lots[pk].quantity))
        for pk, quantity in fill.lots
        if pk in open_lots and open_lots[pk].acquired_on <= fill.trade_on
    ]
    try:
        return engine.relieve(
            [
                engine.Lot(str(lot.pk), lot.acquired_on, lot.quantity, lot.cost_basis or ZERO)
                for lot in open_lots.values()
            ],
            quantity=fill.quantity,
            price=fill.price,
            sold_on=fill.trade_on,
            by=engine.Relief.SPECIFIC,
            specific=named,
        )
    except engine.NotEnoughShares as short:
        raise CannotPost(f"The sale cannot be posted: {short}") from short


def _transaction(fill: Fill, kind: str, shares: Decimal) -> Transaction:
    return Transaction(
        account_id=fill.account_id,
        security_id=fill.security_id,
        key=fill.key,
        kind=kind,
        trade_on=fill.trade_on,
        settle_on=fill.settle_on,
        quantity=shares,
        price=fill.price,
        amount=fill.amount,
        fees=fill.fees,
    )


def _reverse(books: _Books, entry: Reversal) -> None:
    """Append the opposite of a posting, and put its shares back where they came from."""
    posting = books.posted.get((entry.account_id, entry.of_key))
    if posting is None:
        raise CannotPost(f"There is no posting {entry.of_key} to take back.")
    opposite = Transaction(
        account_id=entry.account_id,
        security_id=entry.security_id,
        key=entry.key,
        kind=posting.kind,
        trade_on=posting.trade_on,
        settle_on=posting.settle_on,
        quantity=-posting.quantity,
        price=posting.price,
        amount=-posting.amount,
        fees=-posting.fees,
        realised_short=None if posting.realised_short is None else -posting.realised_short,
        realised_long=None if posting.realised_long is None else -posting.realised_long,
    )
    held = books.lots.get((entry.account_id, entry.security_id), {})
    if posting.kind == Transaction.Kind.BUY:
        _close_bought_lot(books, held, posting)
    for disposal in books.disposals.get(posting.pk, []):
        books.new_disposals.append(_opposite(disposal, opposite))
        books.move_lot(held[disposal.lot_id], disposal.quantity, disposal.cost_basis)
    books.append(opposite, entry.account_id, entry.security_id)


def _close_bought_lot(books: _Books, held: Mapping[int, Lot], posting: Transaction) -> None:
    lot = next((lot for lot in held.values() if lot.lot_key == posting.key), None)
    if lot is None or lot.quantity < posting.quantity:
        raise CannotPost(f"The {posting.quantity} shares of a buy that was taken back are no longer all there.")
    books.move_lot(lot, -posting.quantity, posting.amount)


def _opposite(disposal: Disposal, transaction: Transaction) -> Disposal:
    return Disposal(
        transaction=transaction,
        lot_id=disposal.lot_id,
        quantity=-disposal.quantity,
        proceeds=-disposal.proceeds,
        cost_basis=None if disposal.cost_basis is None else -disposal.cost_basis,
        gain=None if disposal.gain is None else -disposal.gain,
        term=disposal.term,
    )
