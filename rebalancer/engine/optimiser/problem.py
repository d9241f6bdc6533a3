"""A book as the compiled optimiser reads it: plain arrays, worked out for all accounts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book import NONE, Block, Book, TaxStatus
from rebalancer.engine.book_tables import MICRO, WASH_WINDOW_DAYS, Bools, Floats, Ints
from rebalancer.engine.drift import Drift
from rebalancer.engine.fees import ACTIVITY, SECTION_31_PER_MILLION, in_force
from rebalancer.engine.optimiser.goals import goals
from rebalancer.engine.optimiser.lot_order import LotFacts, lot_facts
from rebalancer.engine.optimiser.work import ANY, Records
from rebalancer.engine.policy import Preset, ShortGainRule


class Accounts(NamedTuple):
    """One row an account of the book; money in micro-dollars."""

    open: Bools
    """May be decided: not blocked, has a model and a value that is known."""
    household: Ints
    value: Ints
    free: Ints
    """Cash after withdrawals."""
    reserve: Ints
    missing: Ints
    """Cash that must be raised; 0 while cash stands above the reserve's lower threshold."""
    cash_target: Ints
    minimum: Ints
    """Smallest amount of one trade."""
    taxable: Bools
    short_rate: Floats
    long_rate: Floats
    price_of_drift: Floats
    """Dollars that a dollar of drift is worth (weights), or the factor of the variance term (risk)."""
    cash_drag: Floats
    commission: Ints
    harvest: Bools
    """Losses may be sold past the target."""
    short_rule: Ints
    """0 off, 1 soft, 2 hard."""
    short_days: Ints
    short_penalty: Floats
    any_direction: Bools
    """Trades may lead away from the target, as the plain mean-variance problem has it."""
    smallest_turnover: Ints
    """HYBRID: trades that together do not exceed this are not made; -1 where there is no such rule."""


class Rows(NamedTuple):
    """One row a security that an account holds or should hold, as in `Drift.rows`."""

    offsets: Ints
    account: Ints
    security: Ints
    position: Ints
    target: Ints
    """Micro-dollars."""
    goal: Ints
    """Micro-dollars at which trades aim: the target, or the edge of a band."""
    price: Ints
    half_spread: Ints
    step: Ints
    """Micro-shares of which an order is a multiple."""
    quantity: Ints
    cap: Ints
    """Most micro-shares of one order; NONE where volume is no limit."""
    buy_bar: Ints
    """0 or the place of the reason in `SKIP_REASONS`, the wash rule apart."""
    sell_bar: Ints
    group: Ints
    lowest: Ints
    """Fewest steps of a trade, sales negative."""
    highest: Ints


class Wash(NamedTuple):
    """What households did within the window, by household (CSR)."""

    offsets: Ints
    group: Ints
    sold_at_loss: Bools
    bought: Bools
    recent_offsets: Ints
    """By household, lots bought within the window."""
    recent_group: Ints
    recent_quantity: Ints
    members: Ints
    """Accounts sorted by household."""
    member_offsets: Ints
    groups: int


class Fees(NamedTuple):
    """Rates of the day of the book."""

    section_31: float
    """Dollars per dollar sold."""
    section_31_cents: int
    """Cents per million dollars sold."""
    activity: float
    activity_micros: int
    """Micro-dollars a share."""
    activity_cap: int
    """Cents a trade."""


class Risk(NamedTuple):
    """As `book_tables.RiskModel`. Where distance is measured in weights there is none, and none is compiled."""

    loadings: Floats
    specific: Floats


class Problem(NamedTuple):
    """All that the kernel reads: records with the fields of `Accounts`, `Rows` and `LotFacts`, and their offsets."""

    accounts: Records
    row_offsets: Ints
    rows: Records
    lot_offsets: Ints
    lots: Records
    wash: Wash
    fees: Fees


def records(table: NamedTuple) -> Records:
    """The columns of a table as one structured array, which compiled code reads by field."""
    columns = {name: column for name, column in table._asdict().items() if name != "offsets"}
    rows = np.zeros(len(next(iter(columns.values()))), dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    return rows


def pose(book: Book, drift: Drift, *, price_of_drift: Floats, bars: Mapping[str, int], relaxed: Bools) -> Problem:
    """The problem of a book.

    :param price_of_drift: dollars that a dollar of drift is worth, by account
    :param bars: places of skip reasons by their code
    :param relaxed: accounts that may be decided although their value is incomplete (only cash is raised there)
    """
    lots = lot_facts(book)
    rows = _rows(book, drift, bars)
    return Problem(
        accounts=records(_accounts(book, drift, price_of_drift, relaxed)),
        row_offsets=rows.offsets,
        rows=records(rows),
        lot_offsets=lots.offsets,
        lots=records(lots),
        wash=_wash(book, lots),
        fees=_fees(book),
    )


def _accounts(book: Book, drift: Drift, price_of_drift: Floats, relaxed: Bools) -> Accounts:
    accounts = book.accounts
    free: Ints = drift.cash - accounts.withdrawals_due
    floor = np.maximum(accounts.cash_reserve - accounts.reserve_threshold, 0)
    missing: Ints = np.where(free < floor, accounts.cash_reserve - free, 0)
    of = _by_policy(book)
    minimum = np.maximum(
        (of("minimum_trade_amount") * MICRO).astype(np.int64),
        np.floor(of("minimum_trade_weight") * drift.value + 1e-6).astype(np.int64),
    )
    usable = (accounts.model != NONE) & (accounts.block == Block.NONE) & (drift.value > 0)
    return Accounts(
        open=usable & (relaxed | ~drift.value_incomplete),
        household=accounts.household,
        value=drift.value,
        free=free,
        reserve=accounts.cash_reserve,
        missing=missing,
        cash_target=np.round(drift.cash_level.target * drift.value).astype(np.int64),
        minimum=np.maximum(minimum, 1),
        taxable=accounts.tax_status == TaxStatus.TAXABLE,
        short_rate=of("short_rate"),
        long_rate=of("long_rate"),
        price_of_drift=price_of_drift,
        cash_drag=of("cash_drag_rate") * of("horizon_years"),
        commission=np.round(of("commission") * MICRO).astype(np.int64),
        harvest=of("harvest") > 0,
        short_rule=_column(book, [_RULES[policy.short_gain_rule] for policy in book.policies]),
        short_days=of("short_gain_days").astype(np.int64),
        short_penalty=of("short_gain_penalty_rate"),
        any_direction=np.zeros(len(book), dtype=bool),
        smallest_turnover=_smallest_turnover(book, drift),
    )


_RULES = {ShortGainRule.OFF: 0, ShortGainRule.SOFT: 1, ShortGainRule.HARD: 2}


def _column(book: Book, values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)[book.accounts.policy]


def _by_policy(book: Book):  # type: ignore[no-untyped-def]
    def column(name: str) -> Floats:
        return np.array([float(getattr(policy, name)) for policy in book.policies])[book.accounts.policy]

    return column


def _smallest_turnover(book: Book, drift: Drift) -> Ints:
    """HYBRID: trades that together do not exceed this are dropped."""
    hybrid = np.array([policy.trigger is Preset.HYBRID for policy in book.policies], dtype=bool)[book.accounts.policy]
    weight = np.array([float(policy.minimum_trades_weight) for policy in book.policies])[book.accounts.policy]
    smallest: Ints = np.where(hybrid, np.floor(weight * drift.value + 1e-6).astype(np.int64), -1)
    return smallest


def _rows(book: Book, drift: Drift, bars: Mapping[str, int]) -> Rows:
    rows, securities, positions = drift.rows, book.securities, book.positions
    security, position, account = rows.security, rows.position, rows.account
    held = position != NONE
    at = np.maximum(position, 0)
    lot_size = securities.lot_size[security] * MICRO
    whole = np.array([policy.whole_shares for policy in book.policies], dtype=bool)[book.accounts.policy]
    step: Ints = np.where(securities.fractional[security] & ~whole[account], 1, lot_size)
    part = np.array([float(policy.adv_cap) for policy in book.policies])[book.accounts.policy][account]
    adv = securities.adv_shares[security]
    most = np.floor(part * adv * MICRO + 1e-6).astype(np.int64)
    target = np.round(rows.target * drift.value[account]).astype(np.int64)
    buy_bar, sell_bar = _bars(book, drift, bars)
    empty = len(positions.security) == 0
    quantity = np.zeros(len(at), dtype=np.int64) if empty else np.where(held, positions.quantity[at], 0)
    return Rows(
        offsets=rows.offsets,
        account=account,
        security=security,
        position=position,
        target=target,
        goal=goals(book, drift, target),
        price=securities.price[security],
        half_spread=((securities.ask - securities.bid + 1) // 2)[security],
        step=step,
        quantity=quantity,
        cap=np.where(adv == NONE, NONE, most // step * step),
        buy_bar=buy_bar,
        sell_bar=sell_bar,
        group=securities.wash_group[security],
        lowest=np.full(len(security), -ANY),
        highest=np.full(len(security), ANY),
    )


def _bars(book: Book, drift: Drift, bars: Mapping[str, int]) -> tuple[Ints, Ints]:
    """What stops buys and what stops sales, the wash rule apart; the first of several reasons."""
    rows, securities, positions = drift.rows, book.securities, book.positions
    security, held = rows.security, rows.position != NONE
    oldest = np.array([policy.price_max_age_sessions for policy in book.policies], dtype=np.int64)
    stale = securities.price_age_sessions[security] > oldest[book.accounts.policy][rows.account]

    def flag(column: Bools) -> Bools:
        found: Bools = np.zeros(len(security), dtype=bool)
        found[held] = column[rows.position[held]]
        return found

    both = [(~securities.priced[security], "UNPRICED"), (~securities.tradable[security], "NOT_TRADABLE")]
    both += [(stale, "STALE_PRICE"), (flag(positions.hold), "HELD")]
    buys = [*both, (flag(positions.no_buy), "NO_BUY")]
    sells = [*both, (flag(positions.no_sell), "NO_SELL"), (held & ~flag(_sure(book)), "BASIS_PENDING")]
    return _first(buys, bars, len(security)), _first(sells, bars, len(security))


def _sure(book: Book) -> Bools:
    """Positions whose lots are all there, with their basis."""
    lots, positions = book.lots, book.positions
    counted = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lots.quantity)])
    in_lots = counted[lots.offsets[1:]] - counted[lots.offsets[:-1]]
    sure: Bools = (in_lots == positions.quantity) & positions.basis_known & ~positions.lots_missing
    return sure


def _first(reasons: Sequence[tuple[Bools, str]], bars: Mapping[str, int], count: int) -> Ints:
    bar = np.zeros(count, dtype=np.int64)
    for flag, code in reversed(reasons):
        bar[flag] = bars[code]
    return bar


def _wash(book: Book, lots: LotFacts) -> Wash:
    since = np.datetime64(book.as_of - timedelta(days=WASH_WINDOW_DAYS))
    facts, households = book.wash, np.arange(book.households + 1)
    order = np.argsort(facts.household, kind="stable")
    members = np.argsort(book.accounts.household, kind="stable")
    recent = np.flatnonzero(lots.recent)
    position = np.searchsorted(lots.offsets, recent, side="right") - 1
    owner = book.accounts.household[book.account_of_position()[position]]
    by_owner = np.argsort(owner, kind="stable")
    return Wash(
        offsets=np.searchsorted(facts.household[order], households).astype(np.int64),
        group=facts.wash_group[order],
        sold_at_loss=(facts.sold_at_loss_on >= since)[order],  # NaT compares false
        bought=(facts.bought_on >= since)[order],
        recent_offsets=np.searchsorted(owner[by_owner], households).astype(np.int64),
        recent_group=book.securities.wash_group[book.positions.security[position]][by_owner],
        recent_quantity=lots.quantity[recent][by_owner],
        members=members.astype(np.int64),
        member_offsets=np.searchsorted(book.accounts.household[members], households).astype(np.int64),
        groups=book.wash_groups,
    )


def _fees(book: Book) -> Fees:
    rate, activity = in_force(SECTION_31_PER_MILLION, book.as_of), in_force(ACTIVITY, book.as_of)
    return Fees(
        section_31=float(rate) / 1e6,
        section_31_cents=int(rate * 100),
        activity=float(activity.per_share),
        activity_micros=int(activity.per_share * MICRO),
        activity_cap=int(activity.cap * 100),
    )
