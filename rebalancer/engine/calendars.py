"""When US equities trade and when they settle, by rule, for 2000 to 2100.

Trading follows NYSE Rule 7.2. Settlement is a second calendar: Columbus Day and Veterans Day trade but do not settle
(FINRA Notices 95-77, 99-83), and a sudden closing of the exchange stops trading, not settlement (SIFMA, January 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
FIRST_YEAR, LAST_YEAR = 2000, 2100
ONE_DAY = timedelta(days=1)
OPENS, CLOSES, CLOSES_EARLY = time(9, 30), time(16, 0), time(13, 0)
MONDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = 0, 3, 4, 5, 6

ONE_OFF_CLOSINGS = frozenset(
    {
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),
        date(2004, 6, 11),
        date(2007, 1, 2),
        date(2012, 10, 29),
        date(2012, 10, 30),
        date(2018, 12, 5),
        date(2025, 1, 9),
    }
)
"""The attacks of 2001, Presidents Reagan and Ford, the hurricane of 2012, Presidents Bush and Carter."""

ONE_OFF_CLOSES = {date(2003, 12, 26): CLOSES_EARLY, date(2005, 6, 1): time(15, 56)}
ONE_OFF_OPENINGS = {
    date(2001, 9, 17): time(9, 33),
    date(2001, 10, 8): time(9, 31),
    date(2002, 9, 11): time(12, 0),
    date(2003, 3, 20): time(9, 32),
    date(2004, 6, 7): time(9, 32),
    date(2006, 12, 27): time(9, 32),
}

CYCLES = ((date(2024, 5, 28), 1), (date(2017, 9, 5), 2), (date(1995, 6, 7), 3))
"""Trades from this date on settle this many business days later (SEC Rule 15c6-1 and its amendments)."""


class OutsideCalendar(ValueError):
    """A date for which the rules here are not written down."""


class NotASession(ValueError):
    """A day on which the exchange does not trade."""


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_monday(year: int, month: int) -> date:
    return _nth(year, month + 1, MONDAY, 1) - timedelta(days=7)


def _observed(day: date) -> date:
    """Saturday's holiday is kept on Friday, Sunday's on Monday."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


def easter(year: int) -> date:
    """Western Easter Sunday (the anonymous Gregorian computus)."""
    century, in_century = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _rule_holidays(year: int) -> Iterator[date]:
    new_year = date(year, 1, 1)
    if new_year.weekday() != SATURDAY:  # Friday is the last day of an accounting year: the exchange opens
        yield _observed(new_year)
    yield _nth(year, 1, MONDAY, 3)
    yield _nth(year, 2, MONDAY, 3)
    yield easter(year) - timedelta(days=2)
    yield _last_monday(year, 5)
    if year >= 2022:
        yield _observed(date(year, 6, 19))
    yield _observed(date(year, 7, 4))
    yield _nth(year, 9, MONDAY, 1)
    yield _nth(year, 11, THURSDAY, 4)
    yield _observed(date(year, 12, 25))


@cache
def _closed(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """The weekdays of a year without trading, and those without settlement."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise OutsideCalendar(f"The trading calendar is written for {FIRST_YEAR} to {LAST_YEAR}, not {year}.")
    holidays = frozenset(_rule_holidays(year))
    one_off = frozenset(day for day in ONE_OFF_CLOSINGS if day.year == year)
    veterans = date(year, 11, 11)
    # the Reserve Banks keep Sunday's holiday on Monday, and Saturday's not at all
    bank = {_nth(year, 10, MONDAY, 2), _observed(veterans) if veterans.weekday() != SATURDAY else veterans}
    return holidays | one_off, holidays | bank


def holidays(year: int) -> list[date]:
    """Weekdays on which the exchange is closed all day, in order, one-off closings included."""
    return sorted(_closed(year)[0])


def early_closes(year: int) -> list[date]:
    """Sessions that end at 13:00 New York time, in order."""
    thanksgiving = _nth(year, 11, THURSDAY, 4)
    candidates = [_before_independence_day(year), thanksgiving + ONE_DAY, date(year, 12, 24)]
    candidates += [day for day, closes in ONE_OFF_CLOSES.items() if day.year == year and closes == CLOSES_EARLY]
    return sorted(day for day in candidates if is_session(day))


def _before_independence_day(year: int) -> date:
    """July 3; until 2012 a Thursday holiday was followed by a short Friday instead."""
    holiday = date(year, 7, 4)
    if holiday.weekday() == THURSDAY and year < 2013:
        return holiday + ONE_DAY
    return holiday - ONE_DAY


def trade_without_settlement(year: int) -> list[date]:
    """Sessions that are not settlement days: Columbus Day and Veterans Day where they fall on a weekday."""
    trading, settling = _closed(year)
    return sorted(settling - trading - {day for day in settling if day.weekday() >= SATURDAY})


def is_session(day: date) -> bool:
    """Does the exchange trade on this day?

    :raises OutsideCalendar: before 2000 or after 2100
    """
    return day not in _closed(day.year)[0] and day.weekday() < SATURDAY


def is_settlement_day(day: date) -> bool:
    """Do US equities settle on this day?

    :raises OutsideCalendar: before 2000 or after 2100
    """
    return day not in _closed(day.year)[1] and day.weekday() < SATURDAY


def next_session(day: date) -> date:
    """The first session after the day."""
    day += ONE_DAY
    while not is_session(day):
        day += ONE_DAY
    return day


def previous_session(day: date) -> date:
    """The last session before the day."""
    day -= ONE_DAY
    while not is_session(day):
        day -= ONE_DAY
    return day


def last_session_of(year: int) -> date:
    return date(year, 12, 31) if is_session(date(year, 12, 31)) else previous_session(date(year, 12, 31))


def sessions_between(since: date, until: date) -> int:
    """How many sessions lie after `since`, up to and including `until`; zero when there are none."""
    days = (until - since).days
    return sum(is_session(since + timedelta(days=n)) for n in range(1, days + 1))


def early_close(day: date) -> bool:
    """Is this a session that ends at 13:00 New York time?"""
    return day in early_closes(day.year)


def session_hours(day: date) -> tuple[datetime, datetime]:
    """Opening and closing of the regular session, aware, in UTC.

    :raises NotASession: when the exchange is closed that day
    """
    if not is_session(day):
        raise NotASession(f"The exchange is closed on {day}.")
    closes = CLOSES_EARLY if early_close(day) else ONE_OFF_CLOSES.get(day, CLOSES)
    opens = ONE_OFF_OPENINGS.get(day, OPENS)
    return moment_of(datetime.combine(day, opens)), moment_of(datetime.combine(day, closes))


def settlement_cycle(trade_on: date) -> int:
    """Business days from trade to settlement for trades of this date: 1, 2 or 3."""
    for since, days in CYCLES:
        if trade_on >= since:
            return days
    raise OutsideCalendar(f"No settlement cycle is written down for trades of {trade_on}.")


def settles_on(trade_on: date, *, days: int | None = None) -> date:
    """The settlement date of a trade: the standard cycle of its date, or `days` business days.

    :raises NotASession: when nothing can have traded that day
    """
    if not is_session(trade_on):
        raise NotASession(f"The exchange is closed on {trade_on}, so nothing traded then.")
    settle_on = trade_on
    for _ in range(settlement_cycle(trade_on) if days is None else days):
        settle_on += ONE_DAY
        while not is_settlement_day(settle_on):
            settle_on += ONE_DAY
    return settle_on


def last_trade_on_to_settle_by(settle_on: date) -> date:
    """The last session whose trades have settled at the end of this day."""
    trade_on = previous_session(settle_on)
    while settles_on(trade_on) > settle_on:
        trade_on = previous_session(trade_on)
    return trade_on


def lots_identifiable_until(trade_on: date, *, days: int | None = None) -> date:
    """The last day to say which lots were sold: settlement, or the standard time for it if that is earlier.

    Treas. Reg. 1.1012-1(c)(8). A standing instruction in force at the sale counts as identification.
    """
    return min(settles_on(trade_on), settles_on(trade_on, days=days))


class LocalTime(StrEnum):
    """What daylight saving makes of a wall-clock time."""

    ONCE = "ONCE"
    SKIPPED = "SKIPPED"
    TWICE = "TWICE"


def local_time(wall: datetime, zone: ZoneInfo = NEW_YORK) -> LocalTime:
    """Does the naive wall-clock time exist once, not at all, or twice?"""
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if first == second:
        return LocalTime.ONCE
    return LocalTime.SKIPPED if first is not None and second is not None and first < second else LocalTime.TWICE


def moment_of(wall: datetime, zone: ZoneInfo = NEW_YORK) -> datetime:
    """The moment, in UTC, of a naive wall-clock time.

    A skipped hour shifts forward; of a repeated hour it is the first occurrence.
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
