"""How far each security should go: to its target, or only as far as the bands ask."""

from __future__ import annotations

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import Floats, Ints
from rebalancer.engine.drift import Drift
from rebalancer.engine.optimiser.compiled import called, compiled
from rebalancer.engine.policy import RebalanceTo

SHARES = {RebalanceTo.TARGET: 0.0, RebalanceTo.EDGE: 1.0, RebalanceTo.INNER: 0.5}
"""How much of the band's width may be left."""


def goals(book: Book, drift: Drift, target: Ints) -> Ints:
    """Micro-dollars at which trades of each row of `Drift.rows` aim, by the policy's `rebalance_to`.

    To the EDGE, a class outside its band moves to the nearest edge, its securities in proportion to their deviations;
    a security outside a band of its own moves at least to that. INNER stops half-way between edge and target. What one
    side moves more than the other, the other side makes up in proportion, so that sales pay for buys. Cash has no
    edge: what is above its target is invested, what is missing is raised.

    :param target: micro-dollars at the target weight, by row
    """
    share = np.array([SHARES[policy.rebalance_to] for policy in book.policies], dtype=np.float64)
    goal = target.astype(np.float64)
    partly = np.flatnonzero((share[book.accounts.policy] > 0) & drift.measured)
    rows, classes, own = drift.rows, drift.classes, drift.securities
    spare = drift.cash - book.accounts.withdrawals_due - np.round(drift.cash_level.target * drift.value)
    value = drift.value.astype(np.float64)
    off = rows.weight * value[rows.account] - goal
    asked = _beyond(own.weight, own.target, own.low, own.high, share[book.accounts.policy][rows.account])
    of_class = _beyond(classes.weight, classes.target, classes.low, classes.high, share[book.accounts.policy][:, None])
    for account in partly.tolist():
        here = slice(int(rows.offsets[account]), int(rows.offsets[account + 1]))
        group = book.securities.asset_class[rows.security[here]]
        _aim(
            goal[here],
            off[here],
            group,
            asked[here] * value[account],
            of_class[account] * value[account],
            spare[account],
            np.zeros(len(group)),
        )
    _count_equivalents(rows.offsets, book.securities.wash_group[rows.security], rows.weight * value[rows.account], goal)
    aimed: Ints = np.round(goal).astype(np.int64)
    return aimed


@called
def _count_equivalents(offsets: Ints, group: Ints, held: Floats, goal: Floats) -> None:
    """What is held of a substantially identical security counts towards the one in the model, and is kept as far."""
    for account in range(len(offsets) - 1):
        for row in range(offsets[account], offsets[account + 1]):
            if goal[row] > 0.0 or held[row] <= 0.0:
                continue
            for other in range(offsets[account], offsets[account + 1]):
                if other != row and group[other] == group[row] and goal[other] > held[other]:
                    kept = min(held[row] - goal[row], goal[other] - held[other])
                    goal[row] += kept
                    goal[other] -= kept


def _beyond(weight: Floats, target: Floats, low: Floats, high: Floats, share: Floats) -> Floats:
    """Weight by which an item outside its band is to move: positive above it, negative below, zero inside."""
    with np.errstate(invalid="ignore"):
        above = np.where(weight > high, weight - target - share * (high - target), 0.0)
        below = np.where(weight < low, weight - target - share * (low - target), 0.0)
    moved: Floats = above + below
    return moved


@compiled
def _asked(off: Floats, group: Ints, asked: Floats, of_class: Floats, row: int, sign: float) -> float:
    """By how much the bands ask a row of one side to move: its part of its class, or what its own band asks."""
    gap, together = sign * off[row], 0.0
    for other in range(len(off)):
        if group[other] == group[row] and sign * off[other] > 0.0:
            together += sign * off[other]
    by_class = max(sign * of_class[group[row]], 0.0) * gap / together
    return min(max(by_class, sign * asked[row]), gap)


@called
def _aim(goal: Floats, off: Floats, group: Ints, asked: Floats, of_class: Floats, spare: float, moved: Floats) -> None:
    """Set the goals of one account; amounts in micro-dollars.

    :param moved: zeros, one a row: room for what each of them moves
    """
    for sign in (1.0, -1.0):
        for row in range(len(off)):
            if sign * off[row] > 0.0:
                moved[row] = _asked(off, group, asked, of_class, row, sign)
    for sign in (1.0, -1.0):
        _make_up(off, moved, sign, spare)
    for row in range(len(off)):
        goal[row] += off[row] - moved[row] if off[row] > 0.0 else off[row] + moved[row]


@compiled
def _make_up(off: Floats, moved: Floats, sign: float, spare: float) -> None:
    """Raise what one side moves to what the other side needs, in proportion to what is left to its targets."""
    missing, left = -sign * spare, 0.0
    for row in range(len(off)):
        if sign * off[row] > 0.0:
            missing -= moved[row]
            left += sign * off[row] - moved[row]
        else:
            missing += moved[row]
    if missing > 0.0 and left > 0.0:
        part = min(1.0, missing / left)
        for row in range(len(off)):
            if sign * off[row] > 0.0:
                moved[row] += part * (sign * off[row] - moved[row])
