from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from trading.custodians.simulator.clock import (
    EventIds,
    Hours,
    first_ulid_of,
    fund_expires_ns,
    is_open,
    nanoseconds,
    next_open_and_close,
    priced_ns,
    trade_date,
    ulid_number,
    ulid_of,
)


def at(year: int, month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> int:
    return nanoseconds(datetime(year, month, day, hour, minute, second, tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment_ns", "expected"),
    [
        pytest.param(at(2026, 11, 23, 14, 29), False, id="a minute before the opening"),
        pytest.param(at(2026, 11, 23, 14, 30), True, id="at the opening"),
        pytest.param(at(2026, 11, 23, 21, 0), False, id="at the close"),
        pytest.param(at(2026, 11, 26, 16, 0), False, id="on Thanksgiving"),
        pytest.param(at(2026, 11, 27, 18, 30), False, id="after an early close"),
    ],
)
def test_session_hours_are_the_exchange_s(moment_ns: int, expected: bool):
    assert is_open(Hours.SESSIONS, moment_ns) is expected
    assert is_open(Hours.ALWAYS_OPEN, moment_ns)
    assert not is_open(Hours.CLOSED, moment_ns)


def test_the_next_opening_and_close_step_over_a_weekend():
    assert next_open_and_close(at(2026, 11, 28, 12)) == (
        datetime(2026, 11, 30, 14, 30, tzinfo=UTC),
        datetime(2026, 11, 30, 21, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("submitted_ns", "told_ns", "expires_ns"),
    [
        pytest.param(at(2026, 11, 23, 15), at(2026, 11, 24, 14, 30), at(2026, 11, 24, 21), id="the next morning"),
        pytest.param(at(2026, 11, 23, 22), at(2026, 11, 25, 14, 30), at(2026, 11, 25, 21), id="after the close"),
        pytest.param(at(2026, 11, 25, 15), at(2026, 11, 27, 14, 30), at(2026, 11, 27, 18), id="over Thanksgiving"),
    ],
)
def test_the_price_of_a_fund_is_told_in_the_morning_after_the_next_close(
    submitted_ns: int, told_ns: int, expires_ns: int
):
    assert (priced_ns(submitted_ns), fund_expires_ns(submitted_ns)) == (told_ns, expires_ns)


def test_a_trade_on_a_weekend_counts_for_the_next_session():
    assert trade_date(at(2026, 11, 28, 12)) == date(2026, 11, 30)


def test_event_ids_only_grow_also_after_a_restart_and_a_clock_that_stepped_back():
    ids = EventIds("", 7)
    first = [ids.next() for _ in range(500)]
    future = ulid_of(ulid_number(first[-1]) + (3_600_000 << 80))
    later = EventIds(future, 7)
    assert [*first, future, later.next(), later.next()] == sorted({*first, future, *_two(future)})


def _two(newest: str) -> list[str]:
    ids = EventIds(newest, 7)
    return [ids.next(), ids.next()]


def test_a_day_s_first_cursor_sorts_before_its_events():
    assert first_ulid_of(date(2026, 11, 23)) < ulid_of(at(2026, 11, 23, 0, 0, 1) // 1_000_000 << 80)
    assert len(first_ulid_of(date(2026, 11, 23))) == 26
