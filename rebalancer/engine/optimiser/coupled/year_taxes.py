"""The tax of many households' years at marginal rates, and what it is linear in.

`taxes.regimes.LinearTax` in float64 for many households at once: Schedule D nets short and long gains, and a loss is
worth the rate of what it nets against, so that the tax is linear in each of five regions of net gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import MICRO, Floats, HouseholdTaxes, Ints

ROUNDING = 1e-12
"""How far a rate may be from one that it equals."""


class Region(NamedTuple):
    """Where the tax is constant + short * net short gain + long * net long gain; dollars, by household.

    The region is spanned by its corners and the directions in which it does not end, both as (short, long).
    """

    short: Floats
    long: Floats
    constant: Floats
    corners: Sequence[tuple[Floats, Floats]]
    directions: Sequence[tuple[int, int]]

    def least(self, short: Floats, long: Floats) -> Floats:
        """Least of the tax over the region less that of every gain at other rates; -inf where there is no least."""
        over_short, over_long = self.short - short, self.long - long
        ends = np.min([over_short * one + over_long * two for one, two in self.corners], axis=0)
        falls = np.any([over_short * one + over_long * two < -ROUNDING for one, two in self.directions], axis=0)
        least: Floats = np.where(falls, -np.inf, self.constant + ends)
        return least


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class YearTaxes:
    """One row a household: rates as fractions, dollars."""

    short_rate: Floats
    long_rate: Floats
    ordinary_rate: Floats
    carried_worth: Floats
    loss_limit: Floats
    short_so_far: Floats
    long_so_far: Floats

    def of(self, short: Floats, long: Floats) -> Floats:
        """Tax of a year's net short and long gains, losses carried in included; below zero for what a loss is worth."""
        net = short + long
        deducted = np.minimum(-net, self.loss_limit)
        loss = -deducted * self.ordinary_rate - (-net - deducted) * self.carried_worth
        one_sided = np.where(short < 0, net * self.long_rate, net * self.short_rate)
        both = short * self.short_rate + long * self.long_rate
        tax: Floats = np.where(net < 0, loss, np.where((short < 0) | (long < 0), one_sided, both))
        return tax

    def change(self, short: Floats, long: Floats) -> Floats:
        """What more gains and losses add to the tax."""
        before = self.of(self.short_so_far, self.long_so_far)
        change: Floats = self.of(self.short_so_far + short, self.long_so_far + long) - before
        return change

    def regions(self) -> tuple[Region, ...]:
        """They cover every pair of net gains (`taxes.regimes.regimes` has them with their conditions)."""
        short, long, deduction, carried = self.short_rate, self.long_rate, self.ordinary_rate, self.carried_worth
        none = np.zeros_like(short)
        origin, limit = (none, none), (-self.loss_limit, none)
        return (
            Region(short, long, none, [origin], [(1, 0), (0, 1)]),
            Region(long, long, none, [origin], [(0, 1), (-1, 1)]),
            Region(short, short, none, [origin], [(1, 0), (1, -1)]),
            Region(deduction, deduction, none, [origin, limit], [(1, -1), (-1, 1)]),
            Region(
                carried,
                carried,
                self.loss_limit * (carried - deduction),
                [limit],
                [(1, -1), (-1, 1), (-1, -1)],
            ),
        )

    def some(self, households: Ints) -> YearTaxes:
        """Those of some households."""
        return YearTaxes(**{name: getattr(self, name)[households] for name in self.__slots__})


def year_taxes(book: Book, taxes: HouseholdTaxes) -> YearTaxes:
    """Those of a book's households; where the policies of its taxable accounts differ, the highest rates count."""
    accounts, count = book.accounts, book.households
    taxed = accounts.tax_status == TaxStatus.TAXABLE
    rates = [np.zeros(count), np.zeros(count)]
    for rate, name in zip(rates, ("short_rate", "long_rate"), strict=True):
        by_policy = np.array([float(getattr(policy, name)) for policy in book.policies])
        np.maximum.at(rate, accounts.household[taxed], by_policy[accounts.policy[taxed]])
    return YearTaxes(
        short_rate=rates[0],
        long_rate=rates[1],
        ordinary_rate=taxes.ordinary_rate,
        carried_worth=taxes.carried_worth,
        loss_limit=taxes.loss_limit / MICRO,
        short_so_far=taxes.short_so_far / MICRO,
        long_so_far=taxes.long_so_far / MICRO,
    )
