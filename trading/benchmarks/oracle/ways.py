"""In which ways a security may be traded, how far, and what that costs.

In a household a wash group is QUIET while nothing of it is bought and no purchase of the last 30 days is kept: only
then may a lot at a loss be sold, and what was bought recently goes first. Otherwise it is OPEN, and only lots at a gain
may be sold. Accounts that are not taxed sell what they like, but their purchases count. What another account bought
recently counts as kept, whatever that one sells: its sale may not be approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

import numpy as np
from numpy.typing import NDArray

from trading.benchmarks.oracle.terms import CASH_COUNTS, Account, Line, Parcel

Floats = NDArray[np.float64]

DEEP = 1e-4
"""A deviation counts this much more, times itself as a fraction of the account."""
MISSING = 10_000.0
"""Dollars that a dollar of cash below the floor costs: before all else."""
EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Way:
    """Shares that may be traded besides none: `least` to `most`, sold from `parcels` in their order if `sells`."""

    sells: bool
    least: int
    most: int
    parcels: tuple[Parcel, ...] = ()


def smallest(account: Account, line: Line) -> int:
    """Fewest shares of a trade."""
    return max(1, ceil(account.minimum / line.price - EDGE))


def past(account: Account, line: Line) -> float:
    """Dollars by which a trade may end beyond its goal."""
    return 0.5 * max(line.price, account.minimum)


def buying(account: Account, line: Line) -> Way | None:
    """How the line may be bought, where its group is OPEN."""
    short = line.goal - line.held * line.price
    if line.no_buy or short <= EDGE:
        return None
    most = min(floor((short + past(account, line)) / line.price - EDGE), line.cap)
    least = smallest(account, line)
    return Way(False, least, most) if least <= most else None


def selling(account: Account, line: Line, *, quiet: bool) -> Way | None:
    """How the line may be sold; in a QUIET group all that was bought recently goes, and goes first."""
    if line.no_sell:
        return None
    parcels = line.parcels
    recent = sum(parcel.shares for parcel in parcels if parcel.recent)
    if account.taxable and quiet:
        parcels = tuple(sorted(parcels, key=lambda parcel: not parcel.recent))
    elif account.taxable:
        parcels = tuple(parcel for parcel in parcels if not parcel.loss)
    least = smallest(account, line)
    if account.taxable and quiet:
        least = max(least, recent)
    most = min(sum(parcel.shares for parcel in parcels), line.held, line.cap, _furthest(account, line, parcels))
    return Way(True, least, most, parcels) if least <= most else None


def _furthest(account: Account, line: Line, parcels: Sequence[Parcel]) -> int:
    if account.raises or line.goal <= EDGE:
        return line.held
    over = line.held * line.price - line.goal
    towards = floor((over + past(account, line)) / line.price - EDGE) if over > EDGE else 0
    losses = 0
    for parcel in parcels if account.harvest and account.taxable else ():
        if not parcel.loss:
            break
        losses += parcel.shares
    return max(towards, losses)


def keeps_recent(line: Line) -> bool:
    """Untouched, does the line keep its group from being QUIET?"""
    return any(parcel.recent for parcel in line.parcels)


def ways(account: Account, line: Line, *, quiet: bool, elsewhere: bool = False) -> list[Way] | None:
    """All ways of a line in a group that is QUIET or OPEN; None where the group cannot be so.

    :param elsewhere: another account of the household bought something of the group recently
    """
    sale = selling(account, line, quiet=quiet and not elsewhere)
    if not quiet:
        return [way for way in (buying(account, line), sale) if way]
    stays = keeps_recent(line) and not elsewhere and (sale is None or not account.taxable)
    if line.no_loss or stays:
        return None
    return [sale] if sale else []


def recent_elsewhere(lines: Sequence[tuple[int, Line]], place: int) -> bool:
    """Did another account than the one at this place buy something of the group recently?"""
    return any(at != place and keeps_recent(line) for at, line in lines)


def groups(accounts: Sequence[Account]) -> Mapping[str, list[tuple[int, Line]]]:
    """Lines of a household by wash group, each with the place of its account."""
    found: dict[str, list[tuple[int, Line]]] = {}
    for place, account in enumerate(accounts):
        for line in account.lines:
            found.setdefault(line.group, []).append((place, line))
    return found


def cash_of(account: Account, line: Line, steps: int) -> float:
    """Dollars that a trade brings into cash; buys are positive steps."""
    if steps == 0:
        return 0.0
    if steps > 0:
        return -steps * (line.price + line.half_spread) - account.commission
    return -steps * (line.price - line.half_spread - line.fee) - account.commission


def drift_cost(account: Account, line: Line, steps: int) -> float:
    """The price of half the deviation that is left."""
    off = abs((line.held + steps) * line.price - line.goal)
    return 0.5 * account.price_of_drift * off * (1 + DEEP * off / account.value)


def charges(account: Account, line: Line, steps: int) -> float:
    """Half the spread, commission and regulatory fees."""
    if steps == 0:
        return 0.0
    return abs(steps) * line.half_spread + max(-steps, 0) * line.fee + account.commission


def tax_of(parcels: Iterable[Parcel], shares: int) -> float:
    """Tax on the first shares of these parcels."""
    total, left = 0.0, shares
    for parcel in parcels:
        taken = min(parcel.shares, left)
        total, left = total + taken * parcel.tax, left - taken
    return total


def cash_cost(account: Account, cash: Floats) -> Floats:
    """What it costs to end with so much cash, by amount."""
    half = 0.5 * account.price_of_drift
    above, below = np.maximum(cash - account.wanted, 0.0), np.maximum(account.wanted - cash, 0.0)
    cost: Floats = (half * CASH_COUNTS + account.cash_drag) * above + half * below
    return cost + (MISSING - half) * np.maximum(account.floor - cash, 0.0)


def line_cost(account: Account, line: Line, steps: int, *, quiet: bool, elsewhere: bool = False) -> float:
    """Dollars of a line's drift, charges and tax; infinite where its group's state forbids the trade."""
    allowed = ways(account, line, quiet=quiet, elsewhere=elsewhere)
    if allowed is None:
        return inf
    cost = drift_cost(account, line, steps) + charges(account, line, steps)
    if steps == 0:
        return inf if quiet and keeps_recent(line) and not elsewhere else cost
    for way in allowed:
        if way.sells == (steps < 0) and way.least <= abs(steps) <= way.most:
            return cost + (tax_of(way.parcels, -steps) if steps < 0 else 0.0)
    return inf


def cost_of(accounts: Sequence[Account], steps: Sequence[Mapping[str, int]]) -> float:
    """What trades cost a household in all; infinite where the rules forbid them.

    :param steps: shares by symbol, buys positive, one mapping an account
    """
    total = 0.0
    for lines in groups(accounts).values():
        total += min(
            sum(
                line_cost(
                    accounts[at],
                    line,
                    steps[at].get(line.symbol, 0),
                    quiet=quiet,
                    elsewhere=recent_elsewhere(lines, at),
                )
                for at, line in lines
            )
            for quiet in (False, True)
        )
    for account, own in zip(accounts, steps, strict=True):
        cash = account.cash + sum(cash_of(account, line, own.get(line.symbol, 0)) for line in account.lines)
        buys = any(shares > 0 for shares in own.values())
        total += inf if buys and cash < account.reserve else float(cash_cost(account, np.array([cash]))[0])
    return total
