"""How far accounts are from their targets: weights, deviations and bands, for the whole book at once.

Drift is half the sum of absolute deviations over securities and cash. A deviation is weight minus target. The value
that weights are of is cash after withdrawals plus all priced positions. Cash is an allocation of its own; where an
account's reserve is larger than its model's cash weight, the reserve is the cash target and the other targets shrink
in proportion. A security without a target has target zero; one that is in the model and not held has weight zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.alternate_targets import Lines, moved_targets
from rebalancer.engine.book import NONE, Book
from rebalancer.engine.book_tables import Bools, Floats, Ints
from rebalancer.engine.gain_bands import Part, Sides, follows_gain, held, least_widths
from rebalancer.engine.joint_drift import JointDrift, joined
from rebalancer.engine.levels import EPSILON, Level, Widths, level

DENSE_LIMIT = 50_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """One row a security that an account holds or should hold, sorted by account (CSR `offsets`)."""

    offsets: Ints
    account: Ints
    security: Ints
    position: Ints
    """Row of `Book.positions`, or NONE for what is in the model and not held."""
    node: Ints
    """Part of the account's model, an index into its `node_names`, or NONE."""
    weight: Floats
    target: Floats
    """Alternates counted and replaced (`alternate_targets`)."""
    instead: Ints
    """The row that is bought in place of this one, or NONE."""


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
    rows = _rows(book, position_value, value, measured, scale)
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


def _rows(book: Book, position_value: Ints, value: Ints, measured: Bools, scale: Floats) -> Rows:
    """What is held (sweep funds left out: they are cash), then what is in the model only, merged by account."""
    held = np.flatnonzero(~book.securities.is_cash[book.positions.security])
    held_account, held_security = book.account_of_position()[held], book.positions.security[held]
    held_entry = _entry_of(book, book.accounts.model[held_account], held_security)
    lacking_account, lacking_entry = _not_held(book, held_account, held_entry)
    counts = np.bincount(held_account, minlength=len(book)) + np.bincount(lacking_account, minlength=len(book))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    # both parts are sorted by account: a row's place is its own number plus the other part's rows before its account
    held_place = np.arange(len(held)) + np.searchsorted(lacking_account, np.arange(len(book)))[held_account]
    lacking_place = np.arange(len(lacking_entry)) + np.searchsorted(held_account, lacking_account, side="right")
    position, entry = (np.full(offsets[-1], NONE, dtype=np.int64) for _ in range(2))
    account, security = (np.empty(offsets[-1], dtype=np.int64) for _ in range(2))
    weight = np.zeros(offsets[-1])
    account[held_place], account[lacking_place] = held_account, lacking_account
    security[held_place], security[lacking_place] = held_security, book.models.security[lacking_entry]
    entry[held_place], entry[lacking_place] = held_entry, lacking_entry
    position[held_place] = held
    unit = np.where(measured, 1 / np.maximum(value, 1), 0.0)
    weight[held_place] = position_value[held] * unit[held_account]
    target = np.append(book.models.weight, 0.0)[entry] * scale[account]
    node = np.append(book.models.node, NONE)[entry]
    moved = moved_targets(book, Lines(offsets, account, security, position, weight, target), value)
    return Rows(
        offsets=offsets,
        account=account,
        security=security,
        position=position,
        node=node,
        weight=weight,
        target=moved.target,
        instead=moved.instead,
    )


def _entry_of(book: Book, model: Ints, security: Ints) -> Ints:
    """The row of `Book.models` for each (model, security), or NONE."""
    count = len(book.securities.symbol)
    owner = np.repeat(np.arange(len(book.models.model_id)), np.diff(book.models.offsets))
    keys = owner * count + book.models.security
    wanted = model * count + security
    if len(book.models.model_id) * count <= DENSE_LIMIT:
        table = np.full(len(book.models.model_id) * count + 1, NONE, dtype=np.int64)
        table[keys] = np.arange(len(keys))
        return table[np.where(model == NONE, -1, wanted)]
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    found = order[place]
    return np.where((keys[found] == wanted) & (model != NONE), found, NONE)


def _not_held(book: Book, held_account: Ints, held_entry: Ints) -> tuple[Ints, Ints]:
    """(account, model entry) of everything that is in an account's model without a position row."""
    model = book.accounts.model
    followed = model != NONE
    if not followed.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    sizes = np.where(followed, np.diff(book.models.offsets)[model], 0)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    account = np.repeat(np.arange(len(book), dtype=np.int64), sizes)
    within = np.arange(len(account)) - starts[account]
    present = np.zeros(len(account), dtype=bool)
    in_model = held_entry != NONE
    owner, entry = held_account[in_model], held_entry[in_model]
    present[starts[owner] + entry - book.models.offsets[model[owner]]] = True
    lacking = np.flatnonzero(~present)
    account = account[lacking]
    return account, book.models.offsets[model[account]] + within[lacking]


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
    flag = of[book.positions.security] & (book.positions.quantity != 0)
    return _any(book.account_of_position(), flag, len(book))


def _stale(book: Book) -> Bools:
    account = book.account_of_position()
    oldest = np.array([policy.price_max_age_sessions for policy in book.policies], dtype=np.int64)
    age = book.securities.price_age_sessions[book.positions.security]
    flag = (age > oldest[book.accounts.policy][account]) & (book.positions.quantity != 0)
    return _any(account, flag & book.securities.priced[book.positions.security], len(book))
