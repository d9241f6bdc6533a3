"""A book in which an account's trades are done: lots relieved, lots bought, cash moved; and the book of a later day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import Accounts, Book, LotTable, Positions
from rebalancer.engine.book_tables import Ints
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser.decision import Decision, Trade


@dataclass(slots=True)
class _Lot:
    lot_id: str
    acquired_on: np.datetime64
    quantity: int
    basis: int
    inherited: bool


@dataclass(slots=True)
class _Position:
    """Micro-shares, and the row of the book that the flags come from; -1 for a new one."""

    security: int
    row: int
    quantity: int
    lots: list[_Lot]


def book_after(book: Book, decision: Decision) -> Book:
    """The book as if all trades of a decision were done and settled at their prices on its day.

    A sale takes its lots with their part of the basis, to the micro-dollar. A purchase is a lot of its amount, bought
    on the day of the book and named by it and the symbol. Withdrawals have left, contributions are spent.
    """
    account = int(book.index_of([decision.account_id])[0])
    held = [_positions_of(book, place) for place in range(len(book))]
    for trade in decision.trades:
        _do(book, held[account], trade)
    rows = [position for positions in held for position in positions]
    return replace(
        book,
        accounts=_accounts(book, account, decision),
        positions=_positions(book, held, rows),
        lots=_lots(rows),
    )


def a_year_later(book: Book) -> Book:
    """The same book a year on, prices as they are; 29 February turns into the 28th."""
    on = book.as_of
    day = 28 if (on.month, on.day) == (2, 29) else on.day
    return replace(book, as_of=date(on.year + 1, on.month, day))


def _positions_of(book: Book, account: int) -> list[_Position]:
    rows = range(int(book.positions.offsets[account]), int(book.positions.offsets[account + 1]))
    return [
        _Position(int(book.positions.security[row]), row, int(book.positions.quantity[row]), _lots_of(book, row))
        for row in rows
    ]


def _lots_of(book: Book, position: int) -> list[_Lot]:
    table = book.lots
    return [
        _Lot(
            table.lot_id[row],
            table.acquired_on[row],
            int(table.quantity[row]),
            int(table.cost_basis[row]),
            bool(table.inherited[row]),
        )
        for row in range(int(table.offsets[position]), int(table.offsets[position + 1]))
    ]


def _do(book: Book, positions: list[_Position], trade: Trade) -> None:
    security, quantity = book.securities.symbol.index(trade.symbol), money.to_micros(trade.quantity)
    found = [position for position in positions if position.security == security]
    position = found[0] if found else _Position(security, -1, 0, [])
    if not found:
        positions.append(position)
    if trade.side is Side.BUY:
        name = f"{book.as_of}-{trade.symbol}"
        bought = _Lot(name, np.datetime64(book.as_of), quantity, money.to_micros(trade.amount), inherited=False)
        position.lots.append(bought)
        position.quantity += quantity
        return
    position.quantity -= quantity
    lots = {lot.lot_id: lot for lot in position.lots}
    for pick in trade.lots:
        lots[pick.lot_id].quantity -= money.to_micros(pick.quantity)
        lots[pick.lot_id].basis -= money.to_micros(pick.cost_basis)
    position.lots = [lot for lot in position.lots if lot.quantity > 0]


def _accounts(book: Book, account: int, decision: Decision) -> Accounts:
    accounts = book.accounts
    settled, due, contributions = (
        column.copy() for column in (accounts.cash_settled, accounts.withdrawals_due, accounts.contributions)
    )
    last = accounts.last_rebalanced_on.copy()
    settled[account] += money.to_micros(decision.cash_after - decision.cash_before) - due[account]
    due[account], contributions[account] = 0, 0
    if decision.trades:
        last[account] = np.datetime64(book.as_of)
    return replace(
        accounts, cash_settled=settled, withdrawals_due=due, contributions=contributions, last_rebalanced_on=last
    )


def _positions(book: Book, held: Sequence[Sequence[_Position]], rows: Sequence[_Position]) -> Positions:
    old, source = book.positions, np.array([row.row for row in rows], dtype=np.int64)

    def flags(name: str, default: bool) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        column = np.append(getattr(old, name), default)
        found: np.ndarray[tuple[int], np.dtype[np.bool_]] = column[source]
        return found

    return Positions(
        offsets=_offsets([len(positions) for positions in held]),
        security=np.array([row.security for row in rows], dtype=np.int64),
        quantity=np.array([row.quantity for row in rows], dtype=np.int64),
        no_buy=flags("no_buy", False),
        no_sell=flags("no_sell", False),
        hold=flags("hold", False),
        basis_known=flags("basis_known", True),
        lots_missing=flags("lots_missing", False),
    )


def _lots(rows: Sequence[_Position]) -> LotTable:
    lots = [lot for row in rows for lot in row.lots]
    return LotTable(
        offsets=_offsets([len(row.lots) for row in rows]),
        lot_id=tuple(lot.lot_id for lot in lots),
        acquired_on=np.array([lot.acquired_on for lot in lots], dtype="datetime64[D]"),
        quantity=np.array([lot.quantity for lot in lots], dtype=np.int64),
        cost_basis=np.array([lot.basis for lot in lots], dtype=np.int64),
        inherited=np.array([lot.inherited for lot in lots], dtype=bool),
    )


def _offsets(lengths: Sequence[int]) -> Ints:
    return np.array([0, *np.cumsum(lengths)], dtype=np.int64)
