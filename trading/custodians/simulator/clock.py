"""The simulator's market hours, and the identifiers that grow with its time."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from random import Random

from rebalancer.engine import calendars

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BILLION = 1_000_000_000
RANDOM_BITS = 80
ULID_LENGTH = 26


class Hours(StrEnum):
    ALWAYS_OPEN = "ALWAYS_OPEN"
    SESSIONS = "SESSIONS"
    CLOSED = "CLOSED"


def now_ns() -> int:
    return time.time_ns()


def moment(at_ns: int) -> datetime:
    """To the microsecond."""
    return datetime.fromtimestamp(at_ns // BILLION, UTC) + timedelta(microseconds=at_ns % BILLION // 1000)


def nanoseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def market_date(at_ns: int) -> date:
    """The date on the exchange's wall."""
    return moment(at_ns).astimezone(calendars.NEW_YORK).date()


def trade_date(at_ns: int) -> date:
    """The session that a trade at this moment counts for: a market that never closes trades for the next one."""
    day = market_date(at_ns)
    return day if calendars.is_session(day) else calendars.next_session(day)


def is_session_open(at_ns: int) -> bool:
    day = market_date(at_ns)
    if not calendars.is_session(day):
        return False
    opens_at, closes_at = calendars.session_hours(day)
    return opens_at <= moment(at_ns) < closes_at


def next_open_and_close(at_ns: int) -> tuple[datetime, datetime]:
    """When regular sessions next open and next close."""
    day, at = market_date(at_ns), moment(at_ns)
    days = [day] if calendars.is_session(day) else []
    days.append(calendars.next_session(day))
    hours = [calendars.session_hours(one) for one in days]
    return next(opens for opens, _ in hours if opens > at), next(closes for _, closes in hours if closes > at)


def priced_ns(submitted_ns: int) -> int:
    """When the price of a fund's order is told: as the session opens that follows the close after it arrived."""
    _, closes_at = next_open_and_close(submitted_ns)
    return nanoseconds(next_open_and_close(nanoseconds(closes_at))[0])


def fund_expires_ns(submitted_ns: int) -> int:
    """The close of the session in which its price is told."""
    return nanoseconds(next_open_and_close(priced_ns(submitted_ns))[1])


def is_open(hours: Hours, at_ns: int) -> bool:
    if hours is Hours.SESSIONS:
        return is_session_open(at_ns)
    return hours is Hours.ALWAYS_OPEN


def ulid_of(number: int) -> str:
    """128 bits, of which 48 are milliseconds and 80 are chance, in Crockford's base 32: text that sorts by time."""
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_number(text: str) -> int:
    """:raises ValueError: if the text is no ULID"""
    if len(text) != ULID_LENGTH:
        raise ValueError(f"A ULID has {ULID_LENGTH} characters.")
    number = 0
    for char in text:
        number = number * 32 + CROCKFORD.index(char)
    return number


def ulid_at(at_ns: int) -> str:
    """The first identifier of that millisecond."""
    return ulid_of(at_ns // 1_000_000 << RANDOM_BITS)


def first_ulid_of(day: date) -> str:
    """The cursor before everything that happens on that day, which begins at midnight UTC."""
    return ulid_at(nanoseconds(datetime(day.year, day.month, day.day, tzinfo=UTC)))


class EventIds:
    """ULIDs that only ever grow, also over a restart and when the wall clock steps back."""

    def __init__(self, newest: str, seed: int) -> None:
        self._last = ulid_number(newest) if newest else 0
        self._random = Random(f"{seed}:{newest}")  # noqa: S311 - identifiers, not secrets

    def next(self) -> str:
        fresh = now_ns() // 1_000_000 << RANDOM_BITS | self._random.getrandbits(RANDOM_BITS)
        self._last = fresh if fresh > self._last else self._last + 1
        return ulid_of(self._last)
