"""One account as the waterfall sees it: whole numbers of micro-dollars and micro-shares, bars and lots."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import NONE, Book, TaxStatus
from rebalancer.engine.book_tables import MICRO, Bools, Dates, Floats
from rebalancer.engine.drift import Drift
from rebalancer.engine.lots import Lot
from rebalancer.engine.optimiser.decision import SkipReason
from rebalancer.engine.policy import Policy
from rebalancer.engine.triggers import WASH_WINDOW_DAYS


@dataclass(slots=True, kw_only=True)
class Holding:
    """A security that an account holds or should hold. The last two fields are what the waterfall decides."""

    row: int
    """Row of `Drift.rows`."""
    security: int
    symbol: str
    asset_class: int
    group: int
    position: int
    price: int
    half_spread: int
    step: int
    """Micro-shares an order is a multiple of."""
    cap: int | None
    """Most micro-shares an order may have."""
    quantity: int
    value: int
    target: int
    """Micro-dollars at the target weight."""
    goal: int
    """Micro-dollars at which the waterfall aims: the target, or the band's edge."""
    weight: float
    target_weight: float
    buy_bar: SkipReason | None
    sell_bar: SkipReason | None
    buy: int = 0
    sell: int = 0
    lots_sold: list[tuple[int, int]] = field(default_factory=list)
    """(row of `Book.lots`, micro-shares) of what is sold."""

    def worth(self, quantity: int) -> int:
        """Micro-dollars of some micro-shares, rounded down."""
        return quantity * self.price // MICRO

    def spread(self, quantity: int) -> int:
        """Micro-dollars that half the spread takes from an order, rounded up."""
        return -(-quantity * self.half_spread // MICRO)

    def sellable(self) -> int:
        """Most micro-shares that one order can sell."""
        most = self.quantity if self.cap is None else min(self.quantity, self.cap)
        return max(most // self.step * self.step, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An account: micro-dollars; `free` is cash after withdrawals."""

    index: int
    account_id: str
    household: int
    taxable: bool
    policy: Policy
    value: int
    cash: int
    free: int
    withdrawals: int
    reserve: int
    threshold: int
    cash_target: int
    minimum: int
    """Smallest amount of one trade."""
    holdings: list[Holding]

    @property
    def must_raise(self) -> int:
        """What is missing: up to the reserve, once cash is below the reserve's lower threshold or below zero."""
        return self.reserve - self.free if self.free < max(self.reserve - self.threshold, 0) else 0


class Reader:
    """Reads accounts out of a book; what concerns all lots is worked out once."""

    def __init__(self, book: Book, drift: Drift) -> None:
        self.book = book
        self.drift = drift
        self.sold_on: date = book.as_of
        since = np.datetime64(book.as_of - timedelta(days=WASH_WINDOW_DAYS))
        lots = book.lots
        self.position_of_lot = np.repeat(np.arange(len(book.positions.security)), np.diff(lots.offsets))
        price = book.securities.price[book.positions.security[self.position_of_lot]]
        worth = lots.quantity * (price / MICRO)
        self.gain_per_dollar: Floats = np.where(worth > 0, 1 - lots.cost_basis / np.maximum(worth, 1), 0.0)
        self.is_loss: Bools = lots.cost_basis > worth + 0.5
        self.is_recent: Bools = lots.acquired_on >= since
        self.is_long: Bools = lots.inherited | (np.datetime64(book.as_of) >= first_long_term_on(lots.acquired_on))
        counted = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lots.quantity)])
        in_lots = counted[lots.offsets[1:]] - counted[lots.offsets[:-1]]
        self.sure_lots: Bools = (
            (in_lots == book.positions.quantity) & book.positions.basis_known & ~book.positions.lots_missing
        )
        self._lots: dict[int, Lot] = {}
        self.half_spread = (book.securities.ask - book.securities.bid + 1) // 2

    def facts(self, account: int) -> Facts:
        """Everything about one account that has a model and a value."""
        book, drift = self.book, self.drift
        accounts = book.accounts
        value = int(drift.value[account])
        policy = book.policies[accounts.policy[account]]
        minimum = max(int(policy.minimum_trade_amount * MICRO), int(policy.minimum_trade_weight * value))
        start, end = int(drift.rows.offsets[account]), int(drift.rows.offsets[account + 1])
        return Facts(
            index=account,
            account_id=accounts.account_id[account],
            household=int(accounts.household[account]),
            taxable=bool(accounts.tax_status[account] == TaxStatus.TAXABLE),
            policy=policy,
            value=value,
            cash=int(drift.cash[account]),
            free=int(drift.cash[account] - accounts.withdrawals_due[account]),
            withdrawals=int(accounts.withdrawals_due[account]),
            reserve=int(accounts.cash_reserve[account]),
            threshold=int(accounts.reserve_threshold[account]),
            cash_target=round(float(drift.cash_level.target[account]) * value),
            minimum=max(minimum, 1),
            holdings=sorted(
                (self._holding(row, value, policy) for row in range(start, end)), key=lambda holding: holding.security
            ),
        )

    def _holding(self, row: int, value: int, policy: Policy) -> Holding:
        book, rows = self.book, self.drift.rows
        securities, position, security = book.securities, int(rows.position[row]), int(rows.security[row])
        price, target = int(securities.price[security]), float(rows.target[row])
        quantity = 0 if position == NONE else int(book.positions.quantity[position])
        fraction = bool(securities.fractional[security]) and not policy.whole_shares
        step = 1 if fraction else int(securities.lot_size[security]) * MICRO
        adv = int(securities.adv_shares[security])
        buy_bar, sell_bar = self._bars(position, security, policy)
        return Holding(
            row=row,
            security=security,
            symbol=securities.symbol[security],
            asset_class=int(securities.asset_class[security]),
            group=int(securities.wash_group[security]),
            position=position,
            price=price,
            half_spread=int(self.half_spread[security]),
            step=step,
            cap=None if adv == NONE else int(policy.adv_cap * adv * MICRO) // step * step,
            quantity=quantity,
            value=quantity * price // MICRO,
            target=round(target * value),
            goal=round(target * value),
            weight=float(rows.weight[row]),
            target_weight=target,
            buy_bar=buy_bar,
            sell_bar=sell_bar,
        )

    def _bars(self, position: int, security: int, policy: Policy) -> tuple[SkipReason | None, SkipReason | None]:
        """What stops buys and what stops sales, the wash rule apart."""
        securities, positions = self.book.securities, self.book.positions
        both: SkipReason | None = None
        if securities.price[security] == 0:
            both = SkipReason.UNPRICED
        elif not securities.tradable[security]:
            both = SkipReason.NOT_TRADABLE
        elif securities.price_age_sessions[security] > policy.price_max_age_sessions:
            both = SkipReason.STALE_PRICE
        if position == NONE or both:
            return both, both
        if positions.hold[position]:
            return SkipReason.HELD, SkipReason.HELD
        buy = SkipReason.NO_BUY if positions.no_buy[position] else None
        sell = SkipReason.NO_SELL if positions.no_sell[position] else None
        return buy, sell or (None if self.sure_lots[position] else SkipReason.BASIS_PENDING)

    def lot_rows(self, position: int) -> range:
        """Rows of `Book.lots` of one position."""
        return range(int(self.book.lots.offsets[position]), int(self.book.lots.offsets[position + 1]))

    def tax_per_dollar(self, row: int, policy: Policy) -> float:
        """Tax that selling a dollar of the lot costs; negative for a loss."""
        rate = policy.long_rate if self.is_long[row] else policy.short_rate
        return float(self.gain_per_dollar[row]) * float(rate)

    def lot(self, row: int) -> Lot:
        """The exact lot, made once."""
        if row not in self._lots:
            self._lots[row] = self._lot(row)
        return self._lots[row]

    def _lot(self, row: int) -> Lot:
        lots = self.book.lots
        return Lot(
            lots.lot_id[row],
            lots.acquired_on[row].item(),
            money.from_micros(int(lots.quantity[row])),
            money.from_micros(int(lots.cost_basis[row])),
            bool(lots.inherited[row]),
        )


def first_long_term_on(acquired_on: Dates) -> Dates:
    """`lots.first_long_term_on` for many dates: a year after the day after; 29 February turns into 1 March."""
    begins = acquired_on + np.timedelta64(1, "D")
    month = begins.astype("datetime64[M]")
    day = begins - month.astype("datetime64[D]")
    later: Dates = (month + np.timedelta64(12, "M")).astype("datetime64[D]") + day
    return later


def dollars(micros: int) -> Decimal:
    """Micro-dollars as dollars."""
    return money.from_micros(micros)
