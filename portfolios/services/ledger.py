"""Posting fills to lots, cash, positions and transactions: once each, and taken back by appending the opposite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from portfolios.models import Disposal, Lot, Transaction
from portfolios.services.ledger_books import Books, Entry, Fill, Reversal, locked_books
from rebalancer.engine import lots as engine
from rebalancer.engine import money
from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO

__all__ = ["CannotPost", "Entry", "Fill", "Reversal", "apply", "lots_used", "posted_keys"]


class CannotPost(RuntimeError):
    """The books do not hold what a fill or its reversal needs; nothing of it was posted."""


def apply(*, firm_id: int, entries: Sequence[Entry]) -> Mapping[str, str]:
    """Post fills and reversals in the given order, in the caller's transaction; what is posted already stays as it is.

    Gives back the keys that could not be posted, each with a sentence. Locks the accounts' cash first, in order of
    account, so that two batches for one account follow each other.
    """
    refused: dict[str, str] = {}
    for part in _parts(entries):
        refused.update(_apply(firm_id, part))
    return refused


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Runs of entries of which none takes another back: what is taken back has to be stored first, with its lots."""
    begin, keys = 0, set[str]()
    for place, entry in enumerate(entries):
        if isinstance(entry, Reversal) and entry.of_key in keys:
            yield entries[begin:place]
            begin, keys = place, set()
        keys.add(entry.key)
    if entries:
        yield entries[begin:]


def _apply(firm_id: int, entries: Sequence[Entry]) -> Mapping[str, str]:
    books = locked_books(firm_id, entries)
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


def _buy(books: Books, fill: Fill) -> None:
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


def _sell(books: Books, fill: Fill) -> None:
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


def _reverse(books: Books, entry: Reversal) -> None:
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


def _close_bought_lot(books: Books, held: Mapping[int, Lot], posting: Transaction) -> None:
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
