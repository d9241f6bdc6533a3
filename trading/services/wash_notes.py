"""What the wash-sale rule says about one account's decision: which purchases and sales stand in each other's way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import WASH_WINDOW_DAYS
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser.decision import Decision, SkipReason, Trade

WINDOW = timedelta(days=WASH_WINDOW_DAYS)
"""Thirty days before and after a sale at a loss (IRC 1091(a))."""


@dataclass(frozen=True, slots=True)
class _Group:
    """What the household did lately in one wash group; days, or None."""

    sold_at_loss_on: date | None
    bought_on: date | None
    held_outside: Decimal
    """Shares at accounts that are not managed here."""


def wash_notes(book: Book, decision: Decision, place: int) -> list[dict[str, Any]]:
    """Notes of {code, symbol, until, amount}, in the order of the trades and then of what is skipped.

    LOSS_TAKEN: a sale at a loss (`amount`), which a purchase up to and on `until` would wash. SOLD_AT_LOSS: not bought
    until `until` has passed, for that reason. BOUGHT_LATELY: a loss is not taken before `until` has passed.
    HELD_OUTSIDE: `amount` shares at accounts that are not managed here, whose purchases nobody sees.

    :param place: the account's place in the book
    """
    notes: list[dict[str, Any]] = []
    for trade in decision.trades:
        if _loss(book, trade, place) < 0:
            notes.extend(_of_loss(book, trade, place))
    for skipped in decision.skipped:
        if skipped.symbol and skipped.reason in _SKIPS:
            notes.extend(_of_skip(book, skipped.symbol, skipped.reason, place))
    return notes


def _loss(book: Book, trade: Trade, place: int) -> Decimal:
    """The losses among the lots of a sale, negative; nothing in an account that is not taxed."""
    if trade.side is Side.BUY or book.accounts.tax_status[place] != TaxStatus.TAXABLE:
        return money.ZERO
    return money.total([pick.gain for pick in trade.lots if pick.gain < 0])


def _of_loss(book: Book, trade: Trade, place: int) -> Iterator[dict[str, Any]]:
    amount = money.cents(_loss(book, trade, place))
    yield _note("LOSS_TAKEN", trade.symbol, until=book.as_of + WINDOW, amount=amount)
    outside = _group(book, trade.symbol, place).held_outside
    if outside > 0:
        yield _note("HELD_OUTSIDE", trade.symbol, until=book.as_of + WINDOW, amount=outside)


def _of_skip(book: Book, symbol: str, reason: SkipReason, place: int) -> Iterator[dict[str, Any]]:
    found = _group(book, symbol, place)
    on = found.sold_at_loss_on if reason is SkipReason.WASH_SALE_BUY else found.bought_on
    if on is not None:
        yield _note(_SKIPS[reason], symbol, until=on + WINDOW, amount=None)


_SKIPS = {SkipReason.WASH_SALE_BUY: "SOLD_AT_LOSS", SkipReason.WASH_SALE_LOSS: "BOUGHT_LATELY"}


def _note(code: str, symbol: str, *, until: date, amount: Decimal | None) -> dict[str, Any]:
    return {"code": code, "symbol": symbol, "until": until, "amount": amount}


def _group(book: Book, symbol: str, place: int) -> _Group:
    """The household's facts about the wash group of a security, with the lots that its accounts hold."""
    household = book.accounts.household[place]
    group = book.securities.wash_group[book.securities.symbol.index(symbol)]
    wash = book.wash
    rows = np.flatnonzero((wash.household == household) & (wash.wash_group == group))
    days = [_day(wash.bought_on[row]) for row in rows.tolist()] + _lots_bought(book, int(household), int(group))
    since = book.as_of - WINDOW
    bought = [day for day in days if day is not None and day >= since]
    row = int(rows[0]) if len(rows) else None
    return _Group(
        sold_at_loss_on=None if row is None else _day(wash.sold_at_loss_on[row]),
        bought_on=max(bought, default=None),
        held_outside=money.ZERO if row is None else money.from_micros(int(wash.held_outside[row])),
    )


def _lots_bought(book: Book, household: int, group: int) -> list[date | None]:
    """The days on which lots of a group, held in any account of the household, were bought."""
    found: list[date | None] = []
    for account in np.flatnonzero(book.accounts.household == household).tolist():
        first, last = int(book.positions.offsets[account]), int(book.positions.offsets[account + 1])
        for position in range(first, last):
            if book.securities.wash_group[book.positions.security[position]] == group:
                begin, end = int(book.lots.offsets[position]), int(book.lots.offsets[position + 1])
                found += [_day(day) for day in book.lots.acquired_on[begin:end]]
    return found


def _day(value: np.datetime64) -> date | None:
    return None if np.isnat(value) else value.astype("datetime64[D]").item()
