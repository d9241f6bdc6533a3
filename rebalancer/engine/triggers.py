"""Which accounts call for attention, which are due for trades, and why: one look at the whole book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntFlag, StrEnum

import numpy as np

from rebalancer.engine import calendars
from rebalancer.engine.book import NONE, Block, Book, TaxStatus
from rebalancer.engine.book_tables import WASH_WINDOW_DAYS, Bools, Floats, Ints
from rebalancer.engine.drift import Drift
from rebalancer.engine.levels import EPSILON
from rebalancer.engine.policy import Frequency, Policy, Preset


class Code(IntFlag):
    """Reasons on the worklist, as bits of `Triggers.reasons`; each stands on its own and can be combined."""

    CALENDAR = 1
    BAND_BREACHED = 2
    HIGH_CASH = 4
    LOW_CASH = 8
    NEGATIVE_CASH = 16
    NEW_MONEY = 32
    WITHDRAWAL_DUE = 64
    LOSS_HARVEST = 128
    NEVER_REBALANCED = 256
    MODEL_CHANGED = 512
    COOL_DOWN = 1024
    NO_MODEL = 2048
    BLOCKED = 4096
    DATA_PROBLEM = 8192
    VALUE_INCOMPLETE = 16384
    STALE_PRICE = 32768


class Mode(StrEnum):
    """How far a run may go.

    Everything; only investing cash that is there; only raising cash that is missing; only selling at a loss, with what
    that brings invested again; or selling all there is.
    """

    FULL = "FULL"
    INVEST_CASH = "INVEST_CASH"
    RAISE_CASH = "RAISE_CASH"
    HARVEST = "HARVEST"
    LIQUIDATE = "LIQUIDATE"


MODES = tuple(Mode)
"""`Triggers.mode` and the `modes` of `optimiser.solve` are indices into this."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Triggers:
    """One row an account."""

    reasons: Ints
    """Bits of `Code`."""
    due: Ints
    """Indices of the accounts to be solved, in order; the others are on the worklist at most."""
    mode: Ints
    """Index into MODES; of meaning where the account is due."""

    def codes(self, account: int) -> tuple[str, ...]:
        """Names of the reasons of one account, in the order of `Code`."""
        return tuple(code.name for code in Code(int(self.reasons[account])) if code.name is not None)

    def has(self, code: Code) -> Bools:
        """Which accounts have a reason."""
        having: Bools = np.not_equal(self.reasons & int(code), 0)
        return having


def evaluate(book: Book, drift: Drift) -> Triggers:
    """Every account's reasons, and which accounts are due for what.

    CALENDAR is due on its dates, THRESHOLD outside a band, HYBRID in either case (the optimiser then drops a rebalance
    whose trades do not exceed the policy's minimum). A changed model is due as a whole, missing cash for raising it,
    losses worth harvesting for selling them where the policy has `harvest`, new or high cash for investing it; of
    several the first named. A cool-down silences all but missing cash; a blocked account, one without a model and one
    whose value is incomplete are never due, except that cash may be raised while a price is missing.
    """
    found = _reasons(book, drift)
    traded = np.asarray([_full_on(policy) for policy in book.policies], dtype=np.int64)[book.accounts.policy]
    full = np.not_equal(found & (traded | int(Code.MODEL_CHANGED)), 0)
    raising = np.not_equal(found & int(Code.NEGATIVE_CASH | Code.LOW_CASH | Code.WITHDRAWAL_DUE), 0)
    raising &= _short_of_cash(book, drift)
    investing = np.not_equal(found & int(Code.HIGH_CASH | Code.NEW_MONEY), 0)
    harvesting = np.not_equal(found & int(Code.LOSS_HARVEST), 0)
    harvesting &= np.array([policy.harvest for policy in book.policies], dtype=bool)[book.accounts.policy]
    barred = np.not_equal(found & int(Code.BLOCKED | Code.NO_MODEL | Code.DATA_PROBLEM), 0)
    quiet = np.not_equal(found & int(Code.COOL_DOWN | Code.VALUE_INCOMPLETE), 0)
    calm = ~barred & ~quiet & drift.measured
    mode = np.full(len(book), MODES.index(Mode.INVEST_CASH), dtype=np.int64)
    mode[harvesting] = MODES.index(Mode.HARVEST)
    mode[raising] = MODES.index(Mode.RAISE_CASH)
    mode[full & calm] = MODES.index(Mode.FULL)
    due = (calm & (full | harvesting | investing)) | (raising & ~barred & drift.measured)
    return Triggers(reasons=found, due=np.flatnonzero(due), mode=mode)


def is_scheduled(policy: Policy, on: date) -> bool:
    """Does the calendar call on this day? A date that is no session is kept on the session before it."""
    if policy.calendar_frequency is Frequency.NONE or not calendars.is_session(on):
        return False
    day, following = on, calendars.next_session(on)
    while day < following:
        if _is_nominal(policy, day):
            return True
        day += timedelta(days=1)
    return False


def _is_nominal(policy: Policy, day: date) -> bool:
    frequency = policy.calendar_frequency
    if frequency is Frequency.DATES:
        return day in policy.calendar_on
    if frequency is Frequency.WEEKLY:
        return day.weekday() == calendars.FRIDAY
    months = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.SEMIANNUAL: 6, Frequency.ANNUAL: 12}[frequency]
    return day.month % months == 0 and (day + timedelta(days=1)).day == 1


def _full_on(policy: Policy) -> int:
    wanted = {
        Preset.CALENDAR: Code.CALENDAR,
        Preset.THRESHOLD: Code.BAND_BREACHED,
        Preset.HYBRID: Code.CALENDAR | Code.BAND_BREACHED,
    }
    return int(wanted[policy.trigger])


def _reasons(book: Book, drift: Drift) -> Ints:
    accounts, policies = book.accounts, book.policies
    scheduled = np.array([is_scheduled(policy, book.as_of) for policy in policies], dtype=bool)[accounts.policy]
    last, never = accounts.last_rebalanced_on, np.isnat(accounts.last_rebalanced_on)
    today = np.datetime64(book.as_of)
    cooldown = np.array([policy.cooldown_days for policy in policies], dtype="timedelta64[D]")[accounts.policy]
    high = _policy_column(book, "cash_high_weight")
    blocked = (accounts.block != Block.NONE) & (accounts.block != Block.DATA_PROBLEM)
    followed = accounts.model != NONE
    flags: dict[Code, Bools] = {
        Code.CALENDAR: scheduled & followed,
        Code.BAND_BREACHED: drift.breached,
        Code.HIGH_CASH: drift.measured & (drift.cash_level.weight > drift.cash_level.target + high + EPSILON),
        Code.LOW_CASH: drift.cash - accounts.withdrawals_due < accounts.cash_reserve - accounts.reserve_threshold,
        Code.NEGATIVE_CASH: drift.cash < 0,
        Code.NEW_MONEY: (accounts.contributions > 0) & (drift.cash_level.weight > drift.cash_level.target + EPSILON),
        Code.WITHDRAWAL_DUE: accounts.withdrawals_due > 0,
        Code.LOSS_HARVEST: _harvestable(book, drift),
        Code.NEVER_REBALANCED: never & followed,
        Code.MODEL_CHANGED: ~never & (accounts.model_changed_on > last),
        Code.COOL_DOWN: ~never & (cooldown > np.timedelta64(0, "D")) & (last + cooldown > today),
        Code.NO_MODEL: ~followed,
        Code.BLOCKED: blocked,
        Code.DATA_PROBLEM: accounts.block == Block.DATA_PROBLEM,
        Code.VALUE_INCOMPLETE: drift.value_incomplete,
        Code.STALE_PRICE: drift.price_stale,
    }
    reasons = np.zeros(len(book), dtype=np.int64)
    for code, flag in flags.items():
        reasons[flag] |= int(code)
    return reasons


def _short_of_cash(book: Book, drift: Drift) -> Bools:
    """Cash after withdrawals is below zero or below the reserve's lower threshold."""
    floor = np.maximum(book.accounts.cash_reserve - book.accounts.reserve_threshold, 0)
    short: Bools = np.less(drift.cash - book.accounts.withdrawals_due, floor)
    return short


def _harvestable(book: Book, drift: Drift) -> Bools:
    """Unrealised losses of a taxable account reach both minima, lots bought within the wash window left out.

    Lots of an unknown basis, and of securities without a price, are left out too.
    """
    lots, positions = book.lots, book.positions
    row = np.repeat(np.arange(len(positions.security)), np.diff(lots.offsets))
    security = positions.security[row]
    account = book.account_of_position()[row]
    price, old = book.securities.price[security], np.datetime64(book.as_of) - np.timedelta64(WASH_WINDOW_DAYS, "D")
    worth = lots.quantity * 1e-6 * price
    known = positions.basis_known[row] & (price > 0) & (lots.acquired_on < old)
    loss = np.where(known, np.maximum(lots.cost_basis - worth, 0.0), 0.0)
    total = np.bincount(account, loss, len(book))
    amount, weight = (_policy_column(book, f"harvest_minimum_{of}") for of in ("amount", "weight"))
    enough = (total > 0) & (total >= amount * 1e6) & (total >= weight * drift.value)
    harvestable: Bools = enough & (book.accounts.tax_status == TaxStatus.TAXABLE)
    return harvestable


def _policy_column(book: Book, name: str) -> Floats:
    return np.array([float(getattr(policy, name)) for policy in book.policies], dtype=np.float64)[book.accounts.policy]
