"""What is done with a situation no optimiser should meet: each guard is facts in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from rebalancer.engine import calendars
from rebalancer.engine.fees import Side
from rebalancer.engine.lots import Lot
from rebalancer.engine.money import ZERO, minus, ratio, times, total

PRICE_JUMP = Decimal("0.25")
DUST_VALUE = Decimal(1)
DUST_QUANTITY = Decimal("0.001")
WASH_DAYS = 31
BASIS_STATEMENT_DAYS = 15


class Action(StrEnum):
    """What may happen next."""

    PROCEED = "PROCEED"
    HOLD = "HOLD"
    BLOCK_TRADE = "BLOCK_TRADE"
    BLOCK_ACCOUNT = "BLOCK_ACCOUNT"
    NO_SELL = "NO_SELL"
    RAISE_CASH = "RAISE_CASH"
    REVALIDATE = "REVALIDATE"
    RESCALE_BUYS = "RESCALE_BUYS"
    LEAVE_DUST = "LEAVE_DUST"
    SWEEP_DUST = "SWEEP_DUST"
    FINISH_OR_CANCEL = "FINISH_OR_CANCEL"
    REPROPOSE = "REPROPOSE"
    LOCK_GROUP = "LOCK_GROUP"
    OPEN_BREAK = "OPEN_BREAK"


class Reason(StrEnum):
    """Why."""

    STALE_PRICE = "STALE_PRICE"
    PRICE_IN_FUTURE = "PRICE_IN_FUTURE"
    UNPRICED = "UNPRICED"
    CORP_ACTION_PENDING = "CORP_ACTION_PENDING"
    PRICE_JUMP_REVIEW = "PRICE_JUMP_REVIEW"
    SHORT_POSITION = "SHORT_POSITION"
    BASIS_PENDING = "BASIS_PENDING"
    NEGATIVE_CASH = "NEGATIVE_CASH"
    BELOW_RESERVE = "BELOW_RESERVE"
    WITHDRAWAL = "WITHDRAWAL"
    RESTRICTED = "RESTRICTED"
    DUST = "DUST"
    MODEL_CHANGED = "MODEL_CHANGED"
    HOUSEHOLD_WASH = "HOUSEHOLD_WASH"
    CASH_CHANGED = "CASH_CHANGED"
    OVERFILL = "OVERFILL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An action, why, and how much money it is about (dollars; zero where it is not about money)."""

    action: Action
    reason: Reason | None = None
    amount: Decimal = ZERO


PROCEED = Verdict(Action.PROCEED)


def price_age(priced_at: datetime, now: datetime) -> int:
    """Sessions that have opened since the New York day of the price; both moments aware."""
    priced_on = priced_at.astimezone(calendars.NEW_YORK).date()
    today = now.astimezone(calendars.NEW_YORK).date()
    unopened = today > priced_on and calendars.is_session(today) and now < calendars.session_hours(today)[0]
    return calendars.sessions_between(priced_on, today) - unopened


def stale_price(priced_at: datetime, now: datetime, *, max_age_sessions: int = 1) -> Verdict:
    """A price older than the policy allows is not traded on; it still values the position, flagged."""
    if priced_at > now:
        return Verdict(Action.BLOCK_TRADE, Reason.PRICE_IN_FUTURE)
    if price_age(priced_at, now) > max_age_sessions:
        return Verdict(Action.BLOCK_TRADE, Reason.STALE_PRICE)
    return PROCEED


def unpriced(price: Decimal | None) -> Verdict:
    """Without a price nothing is traded, and the account's value is incomplete; a missing price is not zero."""
    return Verdict(Action.BLOCK_TRADE, Reason.UNPRICED) if price is None else PROCEED


def price_jump(
    *, previous: Decimal, price: Decimal, announced: Fraction | None = None, applied: bool = False
) -> Verdict:
    """Hold a symbol whose split the custodian has not applied yet, or whose price moved more than 25 % unexplained.

    :param announced: new shares per old share of an action effective by now
    :param applied: whether the custodian's quantity already shows it
    :raises ValueError: unless both prices are positive
    """
    if previous <= 0 or price <= 0:
        raise ValueError(f"A price move needs two positive prices, not {previous} and {price}.")
    if announced is not None and not applied:
        return Verdict(Action.HOLD, Reason.CORP_ACTION_PENDING)
    expected = Fraction(previous) / (announced or 1)
    if abs(Fraction(price) / expected - 1) > Fraction(PRICE_JUMP):
        return Verdict(Action.HOLD, Reason.PRICE_JUMP_REVIEW)
    return PROCEED


def value_through_split(quantity: Decimal, price: Decimal, new_per_old: Fraction) -> Decimal:
    """What the position is worth at the new price once its quantity is split; not rounded."""
    return times(ratio(Fraction(quantity) * new_per_old), price)


def short_position(quantity: Decimal) -> Verdict:
    """The product is long-only: a negative quantity stops the account until a person has looked."""
    return Verdict(Action.BLOCK_ACCOUNT, Reason.SHORT_POSITION) if quantity < 0 else PROCEED


def missing_basis(quantity: Decimal, lots: Sequence[Lot] | None) -> Verdict:
    """Shares whose lots have not arrived count in drift but are not sold until the transfer statement is here."""
    covered = total([lot.quantity for lot in lots or ()])
    return PROCEED if lots is not None and covered >= quantity else Verdict(Action.NO_SELL, Reason.BASIS_PENDING)


def basis_due_on(transferred_on: date) -> date:
    """The transfer statement is due within 15 days (Reg. 1.6045A-1)."""
    return transferred_on + timedelta(days=BASIS_STATEMENT_DAYS)


def restricted(symbol: str, restrictions: Sequence[str]) -> Verdict:
    """A restricted security is traded on neither side."""
    return Verdict(Action.BLOCK_TRADE, Reason.RESTRICTED) if symbol in restrictions else PROCEED


def investable(
    cash: Decimal, *, reserve: Decimal = ZERO, fees_due: Decimal = ZERO, withdrawals: Decimal = ZERO
) -> Decimal:
    """Cash that may buy something: never below zero."""
    return max(ZERO, minus(cash, total([reserve, fees_due, withdrawals])))


def shortfall(
    cash: Decimal, *, reserve: Decimal = ZERO, fees_due: Decimal = ZERO, withdrawals: Decimal = ZERO
) -> Decimal:
    """Cash that must be raised to pay what is due and keep the reserve: never below zero."""
    return max(ZERO, minus(total([reserve, fees_due, withdrawals]), cash))


def cash_check(cash: Decimal, *, reserve: Decimal = ZERO, fees_due: Decimal = ZERO) -> Verdict:
    """Below the reserve, cash is raised before any buy: the deficit and the reserve."""
    missing = shortfall(cash, reserve=reserve, fees_due=fees_due)
    if not missing:
        return PROCEED
    return Verdict(Action.RAISE_CASH, Reason.NEGATIVE_CASH if cash < 0 else Reason.BELOW_RESERVE, missing)


def withdrawal(amount: Decimal, cash: Decimal, *, reserve: Decimal = ZERO) -> Verdict:
    """Raise what the payment and the reserve need beyond the cash there is."""
    missing = shortfall(cash, reserve=reserve, withdrawals=amount)
    return Verdict(Action.RAISE_CASH, Reason.WITHDRAWAL, missing) if missing else PROCEED


def sell_by(payment_on: date) -> date:
    """The last session whose sales have settled by the day of the payment."""
    return calendars.last_trade_on_to_settle_by(payment_on)


def revalidate_cash(*, proposed_on: Decimal, cash: Decimal, buys: Decimal) -> Verdict:
    """Cash moved between proposal and execution: look at buying power again.

    The amount is what may be bought: the approved buys, less if cash no longer pays for them, never more.
    """
    if cash == proposed_on:
        return Verdict(Action.PROCEED, None, buys)
    return Verdict(Action.REVALIDATE, Reason.CASH_CHANGED, max(ZERO, min(buys, cash)))


def buys_within(filled_proceeds: Decimal, ordered_proceeds: Decimal, buys: Decimal) -> Verdict:
    """Buys funded by sales are scaled to the proceeds that were filled, never above what was approved."""
    if filled_proceeds >= ordered_proceeds or not ordered_proceeds:
        return Verdict(Action.PROCEED, None, buys)
    scaled = ratio(Fraction(buys) * Fraction(filled_proceeds) / Fraction(ordered_proceeds))
    return Verdict(Action.RESCALE_BUYS, Reason.CASH_CHANGED, scaled)


def is_dust(quantity: Decimal, price: Decimal | None) -> bool:
    """Worth less than a dollar; without a price, less than a thousandth of a share."""
    if price is None:
        return quantity < DUST_QUANTITY
    return times(quantity, price) < DUST_VALUE


def dust(quantity: Decimal, price: Decimal | None = None, *, liquidating: bool = False) -> Verdict:
    """Dust stays, and out of drift, until the account is liquidated."""
    if not is_dust(quantity, price):
        return PROCEED
    return Verdict(Action.SWEEP_DUST if liquidating else Action.LEAVE_DUST, Reason.DUST)


def model_change(open_orders: Sequence[str]) -> Verdict:
    """Orders of the old version are finished or cancelled first; then one proposal from one version."""
    if open_orders:
        return Verdict(Action.FINISH_OR_CANCEL, Reason.MODEL_CHANGED)
    return Verdict(Action.REPROPOSE, Reason.MODEL_CHANGED)


def effective_quantity(settled: Decimal, *, working_buys: Decimal = ZERO, working_sells: Decimal = ZERO) -> Decimal:
    """Drift is measured on what the account holds once its working orders are done, so nothing is ordered twice."""
    return minus(total([settled, working_buys]), working_sells)


def overfill(ordered: Decimal, filled: Decimal) -> Verdict:
    """More filled than ordered opens a break for a person; nothing is corrected automatically."""
    excess = minus(filled, ordered)
    return Verdict(Action.OPEN_BREAK, Reason.OVERFILL, excess) if excess > 0 else PROCEED


@dataclass(frozen=True, slots=True)
class Intent:
    """What an account of a household is about to do; `at_loss` matters to sales only."""

    side: Side
    group: str
    at_loss: bool = False


def household_wash(one: Intent, other: Intent) -> Verdict:
    """One account sells a group at a loss, another buys it: the group is locked for the household before either trades.

    The buyer takes something not substantially identical, or waits until the window of 30 days is over.
    """
    same_group = one.group == other.group
    sides = {(intent.side, intent.at_loss) for intent in (one, other)}
    clash = (Side.SELL, True) in sides and any(side is Side.BUY for side, _ in sides)
    return Verdict(Action.LOCK_GROUP, Reason.HOUSEHOLD_WASH) if same_group and clash else PROCEED


def wash_free_on(sold_on: date) -> date:
    """The first day on which a purchase is no longer within 30 days after a sale at a loss."""
    return sold_on + timedelta(days=WASH_DAYS)


def tax_year(trade_on: date) -> int:
    """Gains and losses belong to the year of the trade date, whenever they settle."""
    return trade_on.year


@dataclass(frozen=True, slots=True)
class Run:
    """When a job planned by a wall clock runs, in UTC, and what daylight saving made of that clock time."""

    run_at: datetime
    local_time: calendars.LocalTime


def scheduled_run(wall: datetime, zone: ZoneInfo = calendars.NEW_YORK) -> Run:
    """A skipped hour shifts forward; a repeated hour runs once, at its first occurrence."""
    return Run(calendars.moment_of(wall, zone), calendars.local_time(wall, zone))
