"""Holding tests: which dividends are qualified, and what a fund's distributions make of a loss on its shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from rebalancer.engine.lots import Term, term
from rebalancer.engine.money import ZERO, minus

SIX_MONTHS = 6
MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class HoldingWindow:
    """More than `more_than` days must be held of those that begin `before_ex` days before the ex-date.

    The window has 2 * before_ex + 1 days.
    """

    more_than: int
    before_ex: int


COMMON = HoldingWindow(more_than=60, before_ex=60)
PREFERRED = HoldingWindow(more_than=90, before_ex=90)
"""IRC 1(h)(11)(B)(iii) with 246(c); the longer one is for preferred dividends of a period over 366 days."""


@dataclass(frozen=True, slots=True)
class HoldingTest:
    """Days held in all and within the window, without those of diminished risk; and does the dividend qualify?"""

    days_held: int
    days_in_window: int
    qualified: bool


@dataclass(frozen=True, slots=True)
class FundLoss:
    """A loss on fund shares, in dollars of zero or more: `disallowed` + `long` + `short` = `total`."""

    total: Decimal
    disallowed: Decimal
    long: Decimal
    short: Decimal


def qualified_dividend(
    *,
    bought_on: date,
    sold_on: date | None,
    ex_on: date,
    window: HoldingWindow = COMMON,
    diminished_risk_days: int = 0,
) -> HoldingTest:
    """The holding test of a dividend: the day of disposal counts, the day of acquisition does not.

    Shares not sold are taken to be held through the window. Whoever bought on the ex-date or later, or sold before
    it, has no such dividend.

    :raises ValueError: when the sale is before the purchase, or the days of diminished risk are negative
    """
    begins_on, ends_on = ex_on - timedelta(days=window.before_ex), ex_on + timedelta(days=window.before_ex)
    until = sold_on if sold_on is not None else max(ends_on, bought_on)
    if until < bought_on or diminished_risk_days < 0:
        raise ValueError(
            f"Shares bought on {bought_on} cannot have been sold on {until}, nor hedged for fewer than no days."
        )
    first_on = bought_on + timedelta(days=1)
    inside = (min(until, ends_on) - max(first_on, begins_on)).days + 1
    counted = max(0, inside - diminished_risk_days)
    entitled = bought_on < ex_on <= until
    return HoldingTest((until - bought_on).days, counted, entitled and counted > window.more_than)


def first_day_over_six_months(acquired_on: date) -> date:
    """The first trade date on which shares have been held for more than six months.

    The period begins the day after acquisition; a day its month does not have is the first of the next month.
    """
    begins_on = acquired_on + timedelta(days=1)
    years, month = divmod(begins_on.month - 1 + SIX_MONTHS, MONTHS_A_YEAR)
    year, month = begins_on.year + years, month + 1
    try:
        return date(year, month, begins_on.day)
    except ValueError:
        return date(year, month + 1, 1)


def fund_loss(
    *,
    cost_basis: Decimal,
    proceeds: Decimal,
    bought_on: date,
    sold_on: date,
    capital_gain_distributions: Decimal = ZERO,
    exempt_interest_dividends: Decimal = ZERO,
) -> FundLoss:
    """The loss on shares of a fund, by what happens to it; all zero when there is a gain.

    Shares held for six months or less: what was received as exempt interest is disallowed, and the rest is long-term
    up to the capital gain distributions (IRC 852(b)(4)). Funds that distribute exempt interest at least monthly are
    exempt from the first (852(b)(4)(E)): their exempt interest is not to be given here.

    :raises ValueError: when the sale is before the purchase, or a distribution is negative
    """
    if not (capital_gain_distributions >= 0 and exempt_interest_dividends >= 0):
        raise ValueError("A fund's distributions are zero or more.")
    held = term(bought_on, sold_on)
    loss = max(ZERO, minus(cost_basis, proceeds))
    if sold_on >= first_day_over_six_months(bought_on):
        return FundLoss(loss, ZERO, *((loss, ZERO) if held is Term.LONG else (ZERO, loss)))
    disallowed = min(loss, exempt_interest_dividends)
    allowed = minus(loss, disallowed)
    long = min(allowed, capital_gain_distributions)
    return FundLoss(loss, disallowed, long, minus(allowed, long))
