"""What each household bought and sold at a loss around the day of a book, as `checks` looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import WASH_WINDOW_DAYS
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser.decision import Decision, Trade

HALF_A_CENT = Decimal("0.005")

Key = tuple[int, int]
"""(household, wash group)."""


class WashWindow:
    """Sales at a loss and purchases of the 30 days before a book's day, by household and wash group."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.since = np.datetime64(book.as_of - timedelta(days=WASH_WINDOW_DAYS))
        wash = book.wash
        keys = list(zip(wash.household.tolist(), wash.wash_group.tolist(), strict=True))
        self.sold_at_loss = {keys[row] for row in np.flatnonzero(wash.sold_at_loss_on >= self.since).tolist()}
        self.bought = {keys[row] for row in np.flatnonzero(wash.bought_on >= self.since).tolist()}
        self.recent = self._recent_lots()

    def would_wash(self, key: Key, sold: Mapping[int, Decimal]) -> bool:
        """Is a purchase of the window kept, when these quantities of lots (by row of `Book.lots`) are sold?"""
        quantity = self.book.lots.quantity
        kept = (sold.get(row, money.ZERO) < money.from_micros(int(quantity[row])) for row in self.recent.get(key, ()))
        return key in self.bought or any(kept)

    def takes_loss(self, account: int, trade: Trade) -> bool:
        """Does the trade realise a loss that counts for tax?"""
        if not any(pick.gain < -HALF_A_CENT for pick in trade.lots):
            return False
        return bool(self.book.accounts.tax_status[account] == TaxStatus.TAXABLE)

    def bought_against_a_loss(
        self, decisions: Sequence[tuple[int, Decision]], securities: Mapping[str, int]
    ) -> Iterator[tuple[str, str]]:
        """(account id, symbol) of what one account buys while one of its household sells the group at a loss.

        :param decisions: (index of the account, its decision)
        """
        losing: set[Key] = set()
        buying: list[tuple[Key, str, str]] = []
        for account, decision in decisions:
            for trade in decision.trades:
                group = int(self.book.securities.wash_group[securities[trade.symbol]])
                key = (int(self.book.accounts.household[account]), group)
                if trade.side is Side.BUY:
                    buying.append((key, decision.account_id, trade.symbol))
                elif self.takes_loss(account, trade):
                    losing.add(key)
        return ((account_id, symbol) for key, account_id, symbol in buying if key in losing)

    def _recent_lots(self) -> dict[Key, list[int]]:
        """Rows of lots bought within the window."""
        book = self.book
        position_of = np.repeat(np.arange(len(book.positions.security)), np.diff(book.lots.offsets))
        household_of = book.accounts.household[book.account_of_position()]
        found: dict[Key, list[int]] = {}
        for row in np.flatnonzero(book.lots.acquired_on >= self.since).tolist():
            position = int(position_of[row])
            group = int(book.securities.wash_group[book.positions.security[position]])
            found.setdefault((int(household_of[position]), group), []).append(row)
        return found
