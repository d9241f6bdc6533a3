"""Which lots a sale takes under the wash guard, and how sales are shared out over securities at the least tax."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice

from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.lots import RELIEF, Sale
from rebalancer.engine.optimiser.facts import Facts, Holding, Reader, dollars
from rebalancer.engine.optimiser.wash import Guard

Taken = list[tuple[int, int]]
"""(row of `Book.lots`, micro-shares)."""


class Seller:
    """Sells from one account under its household's wash guard."""

    def __init__(self, facts: Facts, reader: Reader, guard: Guard, wanted: Iterable[int] = ()) -> None:
        """`wanted` are the wash groups that the account is about to buy: no loss is taken in them."""
        self.facts = facts
        self.reader = reader
        self.guard = guard
        self.wanted = frozenset(wanted)
        self._ordered: dict[int, list[int]] = {}
        self._limits: dict[int, int] = {}

    def limit(self, holding: Holding) -> int:
        """Most micro-shares that may be sold: bars, volume cap and the wash guard observed."""
        if holding.sell_bar or not holding.quantity:
            return 0
        if holding.position not in self._limits:
            taken = self.choose(holding, holding.sellable())
            self._limits[holding.position] = _total(taken) // holding.step * holding.step
        return self._limits[holding.position]

    def choose(self, holding: Holding, quantity: int) -> Taken:
        """The lots that a sale of up to so many micro-shares takes, fewer where the wash guard keeps lots back.

        Where the account itself bought within the window, either no loss is taken, or the whole recent purchase goes
        first, so that nothing is kept that could replace what was sold; of the two the one that sells more, then the
        one with less tax.
        """
        rows = self._rows(holding)
        if not self._is_guarded(holding):
            return self._take(rows, quantity)
        gains = self._take([row for row in rows if not self.reader.is_loss[row]], quantity)
        recent = [row for row in rows if self.reader.is_recent[row]]
        if self._is_locked(holding) or _total(self._take(recent, holding.quantity)) > quantity:
            return gains
        everything = self._take([*recent, *(row for row in rows if not self.reader.is_recent[row])], quantity)
        more = _total(everything) > _total(gains)
        return everything if more or self._tax(holding, everything) < self._tax(holding, gains) else gains

    def lower(self, holding: Holding, quantity: int) -> None:
        """Sell no more than this of a holding: less than its limit would leave lots behind that forbid it."""
        self._limits[holding.position] = quantity

    def segments(self, holding: Holding, quantity: int, sold: int) -> Iterator[tuple[float, int]]:
        """(tax per dollar, micro-shares) of the lots that a sale takes, in their order, beyond what is sold already."""
        for row, taken in self.choose(holding, quantity):
            rest = taken - min(taken, sold)
            sold -= taken - rest
            if rest:
                yield (self.reader.tax_per_dollar(row, self.facts.policy) if self.facts.taxable else 0.0), rest

    def _is_guarded(self, holding: Holding) -> bool:
        return self.facts.taxable and (self._is_locked(holding) or bool(self.guard.recent.get(holding.group)))

    def _is_locked(self, holding: Holding) -> bool:
        """No loss at all: bought out of sight or in this run, about to be bought, or bought at another place."""
        group = holding.group
        bought = group in self.guard.no_loss or group in self.wanted
        return bought or self.guard.recent_elsewhere(group, holding.position)

    def _rows(self, holding: Holding) -> list[int]:
        """Rows of the holding's lots in the order of the policy's relief method."""
        if holding.position not in self._ordered:
            rows = {self.reader.book.lots.lot_id[row]: row for row in self.reader.lot_rows(holding.position)}
            sale = Sale(Fraction(dollars(holding.price)), self.reader.sold_on, self.facts.policy.rates)
            in_order = RELIEF[self.facts.policy.relief]([self.reader.lot(row) for row in rows.values()], sale)
            self._ordered[holding.position] = [rows[lot.lot_id] for lot in in_order]
        return self._ordered[holding.position]

    def _take(self, rows: Iterable[int], quantity: int) -> Taken:
        taken: Taken = []
        for row in rows:
            if quantity <= 0:
                break
            some = min(int(self.reader.book.lots.quantity[row]), quantity)
            taken.append((row, some))
            quantity -= some
        return taken

    def _tax(self, holding: Holding, taken: Taken) -> float:
        return sum(
            self.reader.tax_per_dollar(row, self.facts.policy) * holding.worth(quantity) for row, quantity in taken
        )


def sell_for(seller: Seller, offers: Sequence[tuple[Holding, int]], amount: int) -> None:
    """Raise `sell` of the offered holdings so that together they bring the amount more, at the least tax.

    `offers` are (holding, most micro-shares, with what is sold already). Lots are taken over all holdings in order of
    tax per dollar, each holding's own in its order. Quantities are whole steps; what would be under the minimum is
    raised to it, or left.
    """
    if sum(holding.worth(most - holding.sell) for holding, most in offers) <= amount:
        shares = [most for _, most in offers]
    else:
        shares = _cheapest(seller, offers, amount)
    for (holding, most), share in zip(offers, shares, strict=True):
        holding.sell = _sized(seller.facts, holding, share, most)


def _cheapest(seller: Seller, offers: Sequence[tuple[Holding, int]], amount: int) -> list[int]:
    shares = [holding.sell for holding, _ in offers]
    chains = [seller.segments(holding, most, holding.sell) for holding, most in offers]
    heap = [(rate, place, quantity) for place, chain in enumerate(chains) for rate, quantity in islice(chain, 1)]
    heapq.heapify(heap)
    while heap and amount > 0:
        _, place, quantity = heapq.heappop(heap)
        holding = offers[place][0]
        net = max(holding.price - holding.half_spread, 1)
        taken = min(quantity, -(-amount * MICRO // net))
        shares[place] += taken
        amount -= taken * net // MICRO
        for rate, following in islice(chains[place], 1):
            heapq.heappush(heap, (rate, place, following))
    return shares


def _sized(facts: Facts, holding: Holding, share: int, most: int) -> int:
    """Up to a whole step, and to the smallest trade that is allowed; nothing where the offer is below that."""
    if share <= 0:
        return 0
    smallest = -(-facts.minimum * MICRO // (holding.price * holding.step)) * holding.step
    wanted = max(-(-share // holding.step) * holding.step, smallest)
    fits = min(wanted, most // holding.step * holding.step)
    return fits if holding.worth(fits) >= facts.minimum else 0


def _total(taken: Taken) -> int:
    return sum(quantity for _, quantity in taken)
