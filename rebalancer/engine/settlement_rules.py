"""Cash accounts: what pays for a purchase, and the sales that may not follow before it is paid.

Regulation T, 12 CFR 220.8: a purchase is paid in full before it is sold, or within the payment period, which is the
settlement cycle and two business days (220.2); otherwise the account is frozen for 90 days (220.8(c)). Good-faith
violations and cash liquidations are what brokers make of it. Trades of one day settle together, so that a sale pays for
a purchase of the same day. Amounts are dollars, exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.calendars import settlement_cycle, settles_on
from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO, minus, total

DAYS_TO_PAY_AFTER_SETTLEMENT = 2
FREEZE = timedelta(days=90)
COUNTED_FOR = timedelta(days=365)
USUAL_LIMIT = 3


class Violation(StrEnum):
    """What a cash account may not do; an UNPAID_PURCHASE is one that nothing in the account has paid for."""

    GOOD_FAITH_VIOLATION = "GOOD_FAITH_VIOLATION"
    FREE_RIDING = "FREE_RIDING"
    CASH_LIQUIDATION = "CASH_LIQUIDATION"
    UNPAID_PURCHASE = "UNPAID_PURCHASE"


@dataclass(frozen=True, slots=True)
class CashTrade:
    """A trade of a cash account; `settle_days` where the security has a cycle of its own.

    :raises ValueError: unless the amount is above zero
    """

    trade_on: date
    side: Side
    symbol: str
    amount: Decimal
    settle_days: int | None = None

    def __post_init__(self) -> None:
        if not self.amount > 0:
            raise ValueError(f"A trade of {self.symbol} needs an amount above zero, not {self.amount}.")

    @property
    def settle_on(self) -> date:
        return settles_on(self.trade_on, days=self.settle_days)

    @property
    def pay_by(self) -> date:
        """The last day of the payment period of a purchase."""
        cycle = settlement_cycle(self.trade_on) if self.settle_days is None else self.settle_days
        return settles_on(self.trade_on, days=cycle + DAYS_TO_PAY_AFTER_SETTLEMENT)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Cash that arrived; it counts as settled from this day."""

    paid_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Funding:
    """How a purchase is paid: it may be sold from `sellable_on` on; `unpaid` is what nothing pays in time."""

    buy: CashTrade
    place: int
    sellable_on: date
    unpaid: Decimal


@dataclass(frozen=True, slots=True)
class Breach:
    """A violation, by the purchase it is about, on the day it happened: of the sale, or of the unpaid purchase."""

    violation: Violation
    symbol: str
    happened_on: date


@dataclass(slots=True)
class _Source:
    """Money that can pay: what is left of it, from when on it is settled, and the sale that it came from."""

    settled_on: date
    left: Decimal
    sale: CashTrade | None = None
    place: int = -1

    def pays(self, buy: CashTrade, place: int) -> bool:
        if self.sale is None:
            return self.settled_on <= buy.pay_by
        own_proceeds = self.sale.symbol == buy.symbol and self.place > place
        return self.sale.trade_on <= buy.trade_on and self.settled_on <= buy.settle_on and not own_proceeds


def fund(trades: Sequence[CashTrade], *, settled_cash: Decimal, deposits: Sequence[Deposit] = ()) -> list[Funding]:
    """What pays for every purchase, in order of trade date; what settles first is spent first.

    A sale pays for purchases of its own day and later that settle no earlier than it does. A deposit pays for purchases
    whose payment period it reaches.
    """
    in_order = sorted(enumerate(trades), key=lambda placed: placed[1].trade_on)
    sources = [_Source(date.min, max(ZERO, settled_cash)), *(_Source(cash.paid_on, cash.amount) for cash in deposits)]
    sources += [_Source(sale.settle_on, sale.amount, sale, at) for at, sale in in_order if sale.side is Side.SELL]
    sources.sort(key=lambda source: source.settled_on)
    return [_pay(buy, at, sources) for at, buy in in_order if buy.side is Side.BUY]


def _pay(buy: CashTrade, place: int, sources: Sequence[_Source]) -> Funding:
    owed, sellable_on = buy.amount, buy.trade_on
    for source in sources:
        if owed and source.left > 0 and source.pays(buy, place):
            spent = min(owed, source.left)
            owed, source.left = minus(owed, spent), minus(source.left, spent)
            sellable_on = max(sellable_on, source.settled_on) if source.sale else sellable_on
    return Funding(buy, place, sellable_on, owed)


def violations(trades: Sequence[CashTrade], *, settled_cash: Decimal, deposits: Sequence[Deposit] = ()) -> list[Breach]:
    """All breaches, in the order they happened; trades of one day in the order given.

    A sale of something bought counts against what was bought, not against shares held before.
    """
    funded = fund(trades, settled_cash=settled_cash, deposits=deposits)
    found = [breach for funding in funded for breach in _breaches(funding, trades)]
    return sorted(found, key=lambda breach: breach.happened_on)


def _breaches(funding: Funding, trades: Sequence[CashTrade]) -> Iterator[Breach]:
    buy = funding.buy
    if funding.unpaid:
        yield _unpaid(funding, trades)
        return
    for sale in _sales_after(funding, trades):
        if sale.symbol == buy.symbol and sale.trade_on < funding.sellable_on:
            yield Breach(Violation.GOOD_FAITH_VIOLATION, buy.symbol, sale.trade_on)


def _unpaid(funding: Funding, trades: Sequence[CashTrade]) -> Breach:
    """The first sale that pays late: of the purchase itself, or of something else on a later day."""
    buy = funding.buy
    for sale in _sales_after(funding, trades):
        if sale.symbol == buy.symbol:
            return Breach(Violation.FREE_RIDING, buy.symbol, sale.trade_on)
        if sale.trade_on > buy.trade_on:
            return Breach(Violation.CASH_LIQUIDATION, buy.symbol, sale.trade_on)
    return Breach(Violation.UNPAID_PURCHASE, buy.symbol, buy.trade_on)


def _sales_after(funding: Funding, trades: Sequence[CashTrade]) -> list[CashTrade]:
    bought_on = funding.buy.trade_on
    later = [
        trade
        for at, trade in enumerate(trades)
        if trade.side is Side.SELL
        and (trade.trade_on > bought_on or (trade.trade_on == bought_on and at > funding.place))
    ]
    return sorted(later, key=lambda trade: trade.trade_on)


def sellable_from(
    trades: Sequence[CashTrade], *, settled_cash: Decimal, deposits: Sequence[Deposit] = ()
) -> Mapping[str, date]:
    """For every symbol bought and paid for, the first day on which selling it is no violation."""
    latest: dict[str, date] = {}
    for funding in fund(trades, settled_cash=settled_cash, deposits=deposits):
        if not funding.unpaid:
            latest[funding.buy.symbol] = max(funding.sellable_on, latest.get(funding.buy.symbol, date.min))
    return latest


def frozen_until(breaches: Sequence[Breach], *, limit: int = USUAL_LIMIT) -> date | None:
    """The last day on which purchases need settled cash on the trade date, or None where nothing was frozen.

    Free riding freezes at once, for 90 days from the sale (220.8(c)(1)); the others by the broker's rule, from the
    `limit`-th in twelve months on.
    """
    free_rides = [each.happened_on for each in breaches if each.violation is Violation.FREE_RIDING]
    counted: dict[Violation, list[date]] = {}
    for each in breaches:
        counted.setdefault(each.violation, []).append(each.happened_on)
    repeated = [
        day
        for violation in (Violation.GOOD_FAITH_VIOLATION, Violation.CASH_LIQUIDATION)
        for day in _repeated(sorted(counted.get(violation, [])), limit)
    ]
    starts = [*free_rides, *repeated]
    return max(starts) + FREEZE if starts else None


def _repeated(days: Sequence[date], limit: int) -> list[date]:
    return [day for at, day in enumerate(days) if at + 1 >= limit and day - days[at + 1 - limit] < COUNTED_FOR]


@dataclass(frozen=True, slots=True)
class Netting:
    """Trades of one day, settled together: `net` is received (negative: paid); `allowed` keeps the reserve."""

    settle_on: date
    net: Decimal
    settled_cash_after: Decimal
    allowed: bool


def net_settlement(
    trade_on: date, *, sells: Sequence[Decimal], buys: Sequence[Decimal], settled_cash: Decimal, reserve: Decimal = ZERO
) -> Netting:
    """Sales and purchases of one day and one cycle; purchases are allowed as far as cash never ends below the reserve.

    What is bought stays until `settle_on` where the sales paid for it: see `sellable_from`.
    """
    net = minus(total(list(sells)), total(list(buys)))
    after = settled_cash + net
    return Netting(settles_on(trade_on), net, after, allowed=not buys or after >= reserve)
