"""Bands that follow embedded gain: no narrower than the tax of selling what has gained is worth waiting for.

A taxable account whose policy says so tolerates a class, or a security with a band of its own, up to the no-trade band
of `closed_forms` with the tax that waiting saves among the costs. Too much of it would be sold with its own gain; too
little would be bought with the rest of the account, and that with the rest's gain. Gains are reckoned at the long-term
rate, which all of them reach within the years of deferral. Losses widen nothing, and where one of the lots concerned is
not in the book or has no basis, the band stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import NONE, Book, TaxStatus
from rebalancer.engine.book_tables import Bools, Floats, Ints
from rebalancer.engine.closed_forms import effective_cost, gain_bands
from rebalancer.engine.policy import Policy

NO_RISK = 1e-9
"""A risk aversion this small tolerates everything."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Least half-widths below and above the target, as weights; 0 where the plain band stands."""

    below: Floats
    above: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Part:
    """Parts of accounts, one row each; all but `unknown` are fractions of account value."""

    weight: Floats
    gain: Floats
    cost: Floats
    """Half the spread on all of it."""
    unknown: Floats
    """How many positions in it have lots that are not all known."""

    def of(self, place: Ints, count: int) -> Part:
        """Summed by place."""
        weight, gain, cost, unknown = (
            np.bincount(place, column, count).astype(np.float64, copy=False)
            for column in (self.weight, self.gain, self.cost, self.unknown)
        )
        return Part(weight=weight, gain=gain, cost=cost, unknown=unknown)

    def rest(self, owner: Ints, count: int) -> Part:
        """What each row leaves of its account; cash has neither gain nor cost."""
        whole = self.of(owner, count)
        return Part(
            weight=1 - self.weight,
            gain=whole.gain[owner] - self.gain,
            cost=whole.cost[owner] - self.cost,
            unknown=whole.unknown[owner] - self.unknown,
        )


def follows_gain(book: Book) -> Bools:
    """Taxable accounts whose policy has `gain_band`."""
    asked = np.array([policy.gain_band for policy in book.policies], dtype=bool)[book.accounts.policy]
    follows: Bools = asked & (book.accounts.tax_status == TaxStatus.TAXABLE)
    return follows


def lots_known(book: Book) -> Bools:
    """Positions whose lots are all in the book, with their basis."""
    lots, positions = book.lots, book.positions
    known: Bools = (_in_lots(lots.quantity, lots.offsets) == positions.quantity) & positions.basis_known
    return known & ~positions.lots_missing


def held(book: Book, *, position: Ints, security: Ints, weight: Floats) -> Part:
    """Embedded gain and trading cost of rows of holdings; `position` is NONE where nothing is held."""
    lots = book.lots
    value, basis = book.position_value(), _in_lots(lots.cost_basis, lots.offsets)
    known = lots_known(book)
    fraction = np.where(known & (value > 0), 1 - basis / np.maximum(value, 1), 0.0)
    price = np.maximum(book.securities.price, 1)
    spread = (book.securities.ask - book.securities.bid) / 2 / price
    return Part(
        weight=weight,
        gain=weight * np.append(fraction, 0.0)[position],
        cost=weight * spread[security],
        unknown=(np.append(~known & (value > 0), False)[position] & (position != NONE)).astype(np.float64),
    )


def least_widths(book: Book, parts: Part, *, owner: Ints, target: Floats) -> Sides:
    """The widths that embedded gains ask for.

    :param owner: the account of each part; together an account's parts are all that it holds beside cash
    :param target: the target weight of each part
    """
    follows = follows_gain(book)[owner]
    rest = parts.rest(owner, len(book))
    return Sides(
        below=np.where(follows, _widths(book, rest, owner, target), 0.0),
        above=np.where(follows, _widths(book, parts, owner, target), 0.0),
    )


def _widths(book: Book, sold: Part, owner: Ints, target: Floats) -> Floats:
    """No-trade bands where some gain is in what would be sold, and all of it is known."""
    weight = np.where(sold.weight > 0, sold.weight, np.inf)
    policy = book.accounts.policy[owner]
    wide = gain_bands(
        target,
        sleeve_sigma=1.0,  # of no consequence: the band does not depend on it
        gamma=np.array([max(float(one.risk_aversion), NO_RISK) for one in book.policies])[policy],
        cost=sold.cost / weight,
        gain_fractions=sold.gain / weight,
        deferred_rate=np.array([_deferred_rate(one) for one in book.policies])[policy],
    )
    widths: Floats = np.where((sold.gain > 0) & (sold.unknown == 0), np.minimum(wide, 1.0), 0.0)
    return widths


def _deferred_rate(policy: Policy) -> float:
    """Tax per dollar of gain that waiting saves."""
    return effective_cost(
        1.0, float(policy.long_rate), years=float(policy.gain_band_years), discount=float(policy.gain_band_growth)
    )


def _in_lots(column: Ints, offsets: Ints) -> Ints:
    """Sums over the lots of each position."""
    running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(column)])
    sums: Ints = running[offsets[1:]] - running[offsets[:-1]]
    return sums
