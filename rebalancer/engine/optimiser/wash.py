"""The wash-sale guard of a household in one run (IRC 1091): what may not be bought, and where no loss may be taken.

The window is 30 days on either side, over all accounts of the household, IRAs included. A group sold at a loss within
the window, or in this run, is not bought; a group bought within it, or in this run, is not sold at a loss while any of
the purchase is kept. Purchases are seen in the lots; `Book.wash` adds what lots cannot show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.optimiser.facts import Facts, Reader
from rebalancer.engine.triggers import WASH_WINDOW_DAYS


@dataclass(slots=True)
class Guard:
    """One household's locks by wash group; `commit` adds what an account is about to do."""

    not_bought: set[int] = field(default_factory=set)
    no_loss: set[int] = field(default_factory=set)
    recent: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    """Group to position row to micro-shares bought within the window and still there."""

    def may_buy(self, group: int) -> bool:
        return group not in self.not_bought

    def recent_elsewhere(self, group: int, position: int) -> bool:
        """Is there a recent purchase in the group that selling this position does not remove?"""
        return any(place != position for place in self.recent.get(group, ()))

    def commit(self, facts: Facts, reader: Reader) -> None:
        """Lock the groups that the account sells at a loss or buys, and forget recent purchases that it sells."""
        for holding in facts.holdings:
            if holding.buy:
                self.no_loss.add(holding.group)
            if facts.taxable and any(reader.is_loss[row] for row, _ in holding.lots_sold):
                self.not_bought.add(holding.group)
            sold = sum(quantity for row, quantity in holding.lots_sold if reader.is_recent[row])
            places = self.recent.get(holding.group, {})
            if sold and holding.position in places:
                places[holding.position] -= sold
                if places[holding.position] <= 0:
                    del places[holding.position]


def guards(book: Book, reader: Reader) -> Mapping[int, Guard]:
    """A guard for every household, made when first asked for."""
    found: dict[int, Guard] = defaultdict(Guard)
    since = np.datetime64(book.as_of - timedelta(days=WASH_WINDOW_DAYS))
    wash = book.wash
    for row in range(len(wash.household)):
        guard, group = found[int(wash.household[row])], int(wash.wash_group[row])
        if wash.sold_at_loss_on[row] >= since:  # NaT compares false
            guard.not_bought.add(group)
        if wash.bought_on[row] >= since:
            guard.no_loss.add(group)
    household = book.accounts.household[book.account_of_position()]
    group_of = book.securities.wash_group[book.positions.security]
    for row in np.flatnonzero(reader.is_recent).tolist():
        position = int(reader.position_of_lot[row])
        places = found[int(household[position])].recent[int(group_of[position])]
        places[position] = places.get(position, 0) + int(book.lots.quantity[row])
    return found
