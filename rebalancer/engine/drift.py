"""How far accounts are from their targets: weights, deviations and bands, for the whole book at once.

Drift is half the sum of absolute deviations over securities and cash. A deviation is weight minus target. The value
that weights are of is cash after withdrawals plus all priced positions. Cash is an allocation of its own; where an
account's reserve is larger than its model's cash weight, the reserve is the cash target and the other targets shrink
in proportion. A security without a target has target zero; one that is in the model and not held has weight zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import NONE, Book
from rebalancer.engine.book_tables import Bools, Floats, Ints
from rebalancer.engine.drift_rows import Rows, rows_of
from rebalancer.engine.gain_bands import Part, Sides, follows_gain, held, least_widths
from rebalancer.engine.joint_drift import JointDrift, joined
from rebalancer.engine.levels import EPSILON, Level, Widths, level


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Drift:
    """Every account's distance from its target. Accounts without a model or of no value have drift 0 and no breach."""

    value: Ints
    """Micro-dollars, cash after withdrawals included."""
    cash: Ints
    """Micro-dollars, before withdrawals."""
    measured: Bools
    """Has a model and a positive value."""
    value_incomplete: Bools
    """Holds something that has no price."""
    price_stale: Bools
    """Holds something whose price is older than its policy allows."""
    drift_weight: Floats
    largest_deviation_weight: Floats
    rows: Rows
    securities: Level
    """Flat: one item a row of `rows`."""
    classes: Level
    """Accounts by asset classes."""
    nodes: Level
    """Accounts by parts of their model."""
    cash_level: Level
    """Flat: one item an account; absolute class band only, since a part of a small target is next to nothing."""
    account_breached: Bools
    breached: Bools
    """Outside a band of any level."""
    joint: JointDrift | None = None
    """Households that follow one target together, where there are any: their accounts' levels are the household's."""


def measure(book: Book) -> Drift:
    """Drift of every account of the book; of joint accounts, that of their household."""
    return joined(book, _measure(book), _measure)


def _measure(book: Book) -> Drift:
    position_value = book.position_value()
    value, cash = book.value_micros(position_value), book.cash_micros(position_value)
    measured: Bools = (value > 0) & (book.accounts.model != NONE)
    cash_weight = np.where(measured, (cash - book.accounts.withdrawals_due) / np.maximum(value, 1), 0.0)
    cash_target, scale = _cash_targets(book, value, measured)
    rows = rows_of(book, position_value, value, measured, scale)
    account_count = len(book)
    deviation = np.abs(rows.weight - rows.target)
    drift_weight = _summed(rows.account, deviation, account_count) + np.abs(cash_weight - cash_target)
    drift_weight *= 0.5
    bands, gains = Widths(book), _gains(book, rows)
    classes = _class_level(book, rows, bands, measured, gains)
    nodes = _node_level(book, rows, bands)
    securities = _security_level(book, rows, bands, measured, gains)
    cash_level = level(cash_weight, cash_target, bands.class_absolute, np.full(account_count, np.inf), measured)
    account_breached: Bools = measured & (drift_weight > bands.column("account_band_absolute") + EPSILON)
    breached: Bools = account_breached | classes.breached.any(1) | nodes.breached.any(1) | cash_level.breached
    breached |= _any(rows.account, securities.breached, account_count)
    return Drift(
        value=value,
        cash=cash,
        measured=measured,
        value_incomplete=_holds(book, ~book.securities.priced),
        price_stale=_stale(book),
        drift_weight=drift_weight,
        largest_deviation_weight=np.maximum(
            _largest(rows, deviation, account_count), np.abs(cash_weight - cash_target)
        ),
        rows=rows,
        securities=securities,
        classes=classes,
        nodes=nodes,
        cash_level=cash_level,
        account_breached=account_breached,
        breached=breached,
    )


def _cash_targets(book: Book, value: Ints, measured: Bools) -> tuple[Floats, Floats]:
    """Each account's cash target, and what its other targets are multiplied by."""
    if not book.models.model_id:
        return np.zeros(len(book)), np.zeros(len(book))
    wanted = np.where(measured, book.models.cash_weight[book.accounts.model], 0.0)
    reserve = np.where(measured, book.accounts.cash_reserve / np.maximum(value, 1), 0.0)
    target = np.minimum(np.maximum(wanted, reserve), 1.0)
    scale = np.where(measured & (wanted < 1), (1 - target) / np.maximum(1 - wanted, EPSILON), 0.0)
    return target, scale


def _gains(book: Book, rows: Rows) -> Part | None:
    """Gains embedded in the rows, where a band follows them."""
    if not follows_gain(book).any():
        return None
    return held(book, position=rows.position, security=rows.security, weight=rows.weight)


def _security_level(book: Book, rows: Rows, bands: Widths, measured: Bools, gains: Part | None) -> Level:
    least = None if gains is None else least_widths(book, gains, owner=rows.account, target=rows.target)
    absolute, relative = bands.of("security", rows.account)
    return level(rows.weight, rows.target, absolute, relative, measured[rows.account], least)


def _class_level(book: Book, rows: Rows, bands: Widths, measured: Bools, gains: Part | None) -> Level:
    count = len(book.asset_classes)
    place = rows.account * count + book.securities.asset_class[rows.security]
    shape = (len(book), count)
    weight, target = (_summed(place, of, len(book) * count).reshape(shape) for of in (rows.weight, rows.target))
    least = None if gains is None else _class_widths(book, gains.of(place, len(book) * count), target)
    relative = bands.column("class_band_relative")
    return level(weight, target, bands.class_absolute[:, None], relative[:, None], measured[:, None], least)


def _class_widths(book: Book, classes: Part, target: Floats) -> Sides:
    """As asked for by the gains of accounts by classes, and shaped like that."""
    owner = np.repeat(np.arange(len(book), dtype=np.int64), target.shape[1])
    least = least_widths(book, classes, owner=owner, target=target.ravel())
    return Sides(least.below.reshape(target.shape), least.above.reshape(target.shape))


def _node_level(book: Book, rows: Rows, bands: Widths) -> Level:
    count = max((len(names) for names in book.models.node_names), default=0)
    known = rows.node != NONE
    place = rows.account[known] * count + rows.node[known]
    size = len(book) * count
    weight, target = (_summed(place, of[known], size).reshape(len(book), -1) for of in (rows.weight, rows.target))
    absolute, relative = bands.of("node", np.arange(len(book)))
    exists = target > 0
    return level(weight, target, absolute[:, None], relative[:, None], exists)


def _summed(place: Ints, of: Floats, count: int) -> Floats:
    return np.bincount(place, of, count).astype(np.float64, copy=False)


def _largest(rows: Rows, deviation: Floats, accounts: int) -> Floats:
    largest = np.zeros(accounts)
    starts = rows.offsets[:-1]
    filled = np.diff(rows.offsets) > 0
    if filled.any():
        largest[filled] = np.maximum.reduceat(deviation, starts[filled])
    return largest


def _any(account: Ints, flag: Bools, accounts: int) -> Bools:
    hit = np.zeros(accounts, dtype=bool)
    hit[account[flag]] = True
    return hit


def _holds(book: Book, of: Bools) -> Bools:
    """Accounts that hold a security for which `of` is set."""
    if not of.any():
        return np.zeros(len(book), dtype=bool)
    flag = of[book.positions.security] & (book.positions.quantity != 0)
    return _any(book.account_of_position(), flag, len(book))


def _stale(book: Book) -> Bools:
    oldest = np.array([policy.price_max_age_sessions for policy in book.policies], dtype=np.int64)
    ages = book.securities.price_age_sessions
    if not (book.securities.priced & (ages > oldest.min(initial=np.iinfo(np.int64).max))).any():
        return np.zeros(len(book), dtype=bool)
    account, age = book.account_of_position(), ages[book.positions.security]
    flag = (age > oldest[book.accounts.policy][account]) & (book.positions.quantity != 0)
    return _any(account, flag & book.securities.priced[book.positions.security], len(book))
