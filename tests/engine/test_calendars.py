"""When US equities trade and settle: published days, and laws that hold on every day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine import calendars
from rebalancer.engine.calendars import LocalTime, NotASession, OutsideCalendar

SESSIONS = st.dates(date(2000, 1, 3), date(2100, 12, 1)).map(calendars.next_session)


def day(text: str) -> date:
    return date.fromisoformat(text)


def month_days(year: int, *days: str) -> list[date]:
    return [day(f"{year}-{month_day}") for month_day in days]


@pytest.mark.parametrize(
    ("year", "closed"),
    [
        (2001, "01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25"),
        (2004, "01-01 01-19 02-16 04-09 05-31 06-11 07-05 09-06 11-25 12-24"),
        (2010, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"),
        (2011, "01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26"),
        (2012, "01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25"),
        (2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"),
        (2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26"),
        (2025, "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25"),
        (2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25"),
        (2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24"),
        (2028, "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25"),
    ],
)
def test_the_exchange_is_closed_on_the_published_days(year, closed):
    assert calendars.holidays(year) == month_days(year, *closed.split())


@pytest.mark.parametrize(
    ("year", "short"),
    [
        pytest.param(2000, "07-03 11-24", id="christmas eve on a sunday is no session"),
        pytest.param(2002, "07-05 11-29 12-24", id="the friday after a thursday holiday, until 2012"),
        pytest.param(2003, "07-03 11-28 12-24 12-26", id="the day after christmas once"),
        pytest.param(2013, "07-03 11-29 12-24", id="the wednesday before a thursday holiday, since 2013"),
        pytest.param(2020, "11-27 12-24", id="july 3 is itself the holiday"),
        pytest.param(2021, "11-26", id="neither day before is a session"),
        pytest.param(2026, "11-27 12-24", id="2026"),
        pytest.param(2028, "07-03 11-24", id="2028"),
    ],
)
def test_the_exchange_closes_early_on_the_published_days(year, short):
    assert calendars.early_closes(year) == month_days(year, *short.split())


@pytest.mark.parametrize(
    ("year", "days"),
    [
        pytest.param(2018, "10-08 11-12", id="veterans day on a sunday is kept on monday"),
        pytest.param(2023, "10-09", id="veterans day on a saturday is not kept"),
        pytest.param(2026, "10-12 11-11", id="both on weekdays"),
    ],
)
def test_bank_holidays_trade_but_do_not_settle(year, days):
    assert calendars.trade_without_settlement(year) == month_days(year, *days.split())


@pytest.mark.parametrize(
    ("traded", "settled"),
    [
        pytest.param("2017-09-01", "2017-09-07", id="the last trade of three days"),
        pytest.param("2017-09-05", "2017-09-07", id="the first trade of two days"),
        pytest.param("2024-05-24", "2024-05-29", id="the last trade of two days"),
        pytest.param("2024-05-28", "2024-05-29", id="the first trade of one day"),
        pytest.param("1999-10-12", None, id="before the calendar"),
        pytest.param("2000-12-28", "2001-01-03", id="three days over new year"),
        pytest.param("2025-01-08", "2025-01-09", id="a day of mourning settles"),
        pytest.param("2025-10-10", "2025-10-14", id="over columbus day"),
        pytest.param("2025-10-13", "2025-10-14", id="traded on columbus day"),
        pytest.param("2025-11-10", "2025-11-12", id="over veterans day"),
        pytest.param("2026-04-02", "2026-04-06", id="over good friday"),
        pytest.param("2026-07-02", "2026-07-06", id="over independence day observed"),
        pytest.param("2026-12-24", "2026-12-28", id="over christmas"),
        pytest.param("2026-12-31", "2027-01-04", id="over new year"),
        pytest.param("2027-12-23", "2027-12-27", id="over christmas observed"),
    ],
)
def test_trades_settle_on_the_published_day(traded, settled):
    if settled is None:
        with pytest.raises(OutsideCalendar):
            calendars.settles_on(day(traded))
    else:
        assert calendars.settles_on(day(traded)) == day(settled)


@given(SESSIONS)
def test_settlement_is_a_settlement_day_after_the_trade(trade_on):
    settle_on = calendars.settles_on(trade_on)
    assert settle_on > trade_on
    assert calendars.is_settlement_day(settle_on)
    assert calendars.settles_on(calendars.last_trade_on_to_settle_by(settle_on)) <= settle_on


@given(SESSIONS)
def test_a_later_trade_never_settles_earlier(trade_on):
    assert calendars.settles_on(trade_on) <= calendars.settles_on(calendars.next_session(trade_on))


@given(SESSIONS)
def test_next_and_previous_session_are_inverse(session):
    assert calendars.previous_session(calendars.next_session(session)) == session
    assert calendars.sessions_between(session, calendars.next_session(session)) == 1


def test_every_year_has_its_holidays_and_no_long_gap():
    for year in range(2000, 2101):
        assert 8 <= len(calendars.holidays(year)) <= 14
    days = (date(2100, 12, 31) - date(2000, 1, 1)).days + 1
    sessions = filter(calendars.is_session, (date(2000, 1, 1) + timedelta(days=n) for n in range(days)))
    assert {(later - earlier).days for earlier, later in pairwise(sessions)} == {1, 2, 3, 4, 5, 7}


def test_a_saturday_new_year_does_not_close_the_year_before():
    assert calendars.is_session(date(2021, 12, 31))
    assert calendars.last_session_of(2021) == date(2021, 12, 31)
    assert calendars.last_session_of(2022) == date(2022, 12, 30)


@pytest.mark.parametrize(
    ("on", "opens", "closes"),
    [
        pytest.param("2026-03-06", "14:30", "21:00", id="standard time"),
        pytest.param("2026-03-09", "13:30", "20:00", id="daylight saving time"),
        pytest.param("2026-11-27", "14:30", "18:00", id="half a day"),
        pytest.param("2006-04-03", "13:30", "20:00", id="the old rule of daylight saving"),
        pytest.param("2002-09-11", "16:00", "20:00", id="a late opening"),
        pytest.param("2005-06-01", "13:30", "19:56", id="a failure before the close"),
    ],
)
def test_sessions_have_hours_in_utc(on, opens, closes):
    expected = [datetime.fromisoformat(f"{on}T{clock}+00:00") for clock in (opens, closes)]
    assert list(calendars.session_hours(day(on))) == expected


@pytest.mark.parametrize("closed", ["2026-11-26", "2026-11-28", "2001-09-11"])
def test_a_closed_day_has_no_hours_and_no_trades(closed):
    with pytest.raises(NotASession):
        calendars.session_hours(day(closed))
    with pytest.raises(NotASession):
        calendars.settles_on(day(closed))


@pytest.mark.parametrize("outside", ["1999-12-31", "2101-01-03"])
def test_years_without_written_rules_are_refused(outside):
    with pytest.raises(OutsideCalendar):
        calendars.is_session(day(outside))


@pytest.mark.parametrize(
    ("traded", "days", "until"),
    [
        pytest.param("2026-10-09", None, "2026-10-13", id="the standard cycle"),
        pytest.param("2026-11-25", 1, "2026-11-27", id="over thanksgiving"),
        pytest.param("2026-11-25", 3, "2026-11-27", id="a longer agreement does not move the standard time"),
        pytest.param("2026-11-25", 0, "2026-11-25", id="settled the same day"),
    ],
)
def test_lots_can_be_named_until_settlement(traded, days, until):
    assert calendars.lots_identifiable_until(day(traded), days=days) == day(until)


@pytest.mark.parametrize(
    ("wall", "expected", "moment"),
    [
        ("2026-03-08T02:30", LocalTime.SKIPPED, "2026-03-08T07:30"),
        ("2026-11-01T01:30", LocalTime.TWICE, "2026-11-01T05:30"),
        ("2026-11-01T02:30", LocalTime.ONCE, "2026-11-01T07:30"),
        ("2026-07-01T09:30", LocalTime.ONCE, "2026-07-01T13:30"),
    ],
)
def test_daylight_saving_skips_and_repeats_an_hour(wall, expected, moment):
    clock = datetime.fromisoformat(wall)
    assert calendars.local_time(clock) is expected
    assert calendars.moment_of(clock) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_another_zone_has_its_own_change():
    clock = datetime.fromisoformat("2026-03-29T01:30")
    assert calendars.local_time(clock, ZoneInfo("Europe/London")) is LocalTime.SKIPPED


@pytest.mark.parametrize(("year", "sunday"), [(2000, "04-23"), (2008, "03-23"), (2038, "04-25"), (2100, "03-28")])
def test_easter_is_where_the_tables_have_it(year, sunday):
    assert calendars.easter(year) == day(f"{year}-{sunday}")
