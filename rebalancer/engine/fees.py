"""Regulatory fees on sales, from dated schedules: SEC Section 31 and the FINRA Trading Activity Fee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from rebalancer.engine.money import ZERO, cents_up, times


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class NoFeeSchedule(ValueError):
    """A date before the first rate written down here."""


@dataclass(frozen=True, slots=True)
class ActivityRate:
    """Dollars per share sold, and the most that one trade is charged."""

    per_share: Decimal
    cap: Decimal


@dataclass(frozen=True, slots=True)
class Fees:
    """Dollars. `section_31` and `activity` are unrounded; what is charged is each rounded up to the cent."""

    section_31: Decimal
    activity: Decimal

    @property
    def section_31_charged(self) -> Decimal:
        return cents_up(self.section_31)

    @property
    def activity_charged(self) -> Decimal:
        return cents_up(self.activity)

    @property
    def charged(self) -> Decimal:
        return self.section_31_charged + self.activity_charged


Rate = TypeVar("Rate")
NO_FEES = Fees(ZERO, ZERO)

SECTION_31_PER_MILLION: Sequence[tuple[date, Decimal]] = (
    (date(2011, 1, 21), Decimal("19.20")),
    (date(2012, 2, 21), Decimal("18.00")),
    (date(2012, 4, 1), Decimal("22.40")),
    (date(2013, 5, 25), Decimal("17.40")),
    (date(2014, 3, 18), Decimal("22.10")),
    (date(2015, 2, 14), Decimal("18.40")),
    (date(2016, 2, 16), Decimal("21.80")),
    (date(2017, 7, 4), Decimal("23.10")),
    (date(2018, 5, 22), Decimal("13.00")),
    (date(2019, 4, 16), Decimal("20.70")),
    (date(2020, 2, 18), Decimal("22.10")),
    (date(2021, 2, 25), Decimal("5.10")),
    (date(2022, 5, 14), Decimal("22.90")),
    (date(2023, 2, 27), Decimal("8.00")),
    (date(2024, 5, 22), Decimal("27.80")),
    (date(2025, 5, 14), Decimal("0.00")),
    (date(2026, 4, 4), Decimal("20.60")),
)
"""From this trade date, dollars per million dollars sold (SEC fee rate advisories)."""

ACTIVITY: Sequence[tuple[date, ActivityRate]] = (
    (date(2012, 7, 1), ActivityRate(Decimal("0.000119"), Decimal("5.95"))),
    (date(2022, 1, 1), ActivityRate(Decimal("0.000130"), Decimal("6.49"))),
    (date(2023, 1, 1), ActivityRate(Decimal("0.000145"), Decimal("7.27"))),
    (date(2024, 1, 1), ActivityRate(Decimal("0.000166"), Decimal("8.30"))),
    (date(2026, 1, 1), ActivityRate(Decimal("0.000195"), Decimal("9.79"))),
    (date(2026, 10, 1), ActivityRate(ZERO, ZERO)),
    (date(2027, 1, 1), ActivityRate(Decimal("0.000232"), Decimal("11.61"))),
    (date(2028, 1, 1), ActivityRate(Decimal("0.000240"), Decimal("12.05"))),
)
"""From this trade date (FINRA By-Laws, Schedule A, Section 1; the pause of late 2026 is SR-FINRA-2026-021)."""


def in_force(schedule: Sequence[tuple[date, Rate]], on: date) -> Rate:
    """The entry of a dated schedule that applies on a day.

    :raises NoFeeSchedule: before the first entry
    """
    started = [rate for since, rate in schedule if since <= on]
    if not started:
        raise NoFeeSchedule(f"No fee rate is written down for {on}; the schedule begins on {schedule[0][0]}.")
    return started[-1]


def regulatory_fees(*, side: Side, quantity: Decimal, price: Decimal, trade_on: date) -> Fees:
    """What the regulators charge for one trade by its trade date; a buy pays nothing.

    :raises ValueError: when quantity or price is negative
    :raises NoFeeSchedule: for a sale before the schedules begin (Section 31: 2011, Trading Activity Fee: July 2012)
    """
    if not quantity >= 0 or not price >= 0:
        raise ValueError(f"Fees need no negative quantity and no negative price, not {quantity} at {price}.")
    if side is Side.BUY:
        return NO_FEES
    sold = times(quantity, price)
    activity = in_force(ACTIVITY, trade_on)
    per_dollar = in_force(SECTION_31_PER_MILLION, trade_on).scaleb(-6)
    return Fees(times(sold, per_dollar), min(times(quantity, activity.per_share), activity.cap))
