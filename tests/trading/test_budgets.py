from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading import budgets
from trading.budgets import ALONE_A_MINUTE, Purse, learn, left, take

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
PLENTY = 1_000_000


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def purse(a_minute: int = 300) -> Purse:
    return Purse(f"test:{uuid.uuid4().hex}", a_minute)


def took(one: Purse, seconds: float, *, submits: int = 0, others: int = 0, firm: int = 0, pace: int = PLENTY) -> Any:
    """What a firm of this test alone is granted."""
    name = firm or uuid.uuid4().int % 10**12
    granted = take(one, firm_id=name, submits=submits, others=others, orders_a_minute=pace, now=at(seconds))
    return granted.submits, granted.others


def test_a_fifth_of_a_minute_may_be_sent_at_once_and_a_fifth_of_that_is_kept_for_cancels() -> None:
    one = purse(300)
    assert [took(one, 0, submits=100), took(one, 0, others=100), took(one, 0, submits=1, others=1)] == [
        (48, 0),
        (0, 12),
        (0, 0),
    ]


def test_it_refills_at_four_fifths_of_the_minute() -> None:
    one = purse(300)
    took(one, 0, others=60)
    assert [took(one, 1, others=100), took(one, 11, others=100)] == [(0, 4), (0, 40)]


def test_who_is_refused_hears_when_there_is_more() -> None:
    one = purse(60)
    granted = take(one, firm_id=1, submits=100, others=0, orders_a_minute=PLENTY, now=at(0))
    assert (granted.submits, granted.wait) == (10, timedelta(seconds=1.25))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    minute=st.integers(5, 400),
    asks=st.lists(st.tuples(st.floats(0, 20), st.integers(0, 200), st.integers(0, 50)), max_size=40),
)
def test_no_sixty_seconds_see_more_than_the_minutes_number(minute: int, asks: list[tuple[float, int, int]]) -> None:
    one, now, sent = purse(minute), 0.0, []
    for pause, submits, others in asks:
        now += pause
        sent.append((now, sum(took(one, now, submits=submits, others=others, firm=7))))
    for start, _ in sent:
        assert sum(count for moment, count in sent if start <= moment < start + 60) <= minute


def test_workers_that_ask_at_once_share_one_bucket() -> None:
    one = purse(3000)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: took(one, 0, submits=20, firm=1)[0], range(100)))
    assert sum(found) == 480


def test_two_firms_that_wait_for_one_credential_get_the_same() -> None:
    one = purse(600)
    sums = {1: 0, 2: 0}
    took(one, 0, submits=1000, firm=1)
    for second in range(1, 61):
        for firm, wanted in ((1, 1000), (2, 50)):
            sums[firm] += took(one, second, submits=wanted, firm=firm)[0]
    assert abs(sums[1] - sums[2]) <= 10
    assert 440 <= sum(sums.values()) <= 500


def test_a_firm_that_waits_alone_gets_everything() -> None:
    one = purse(600)
    took(one, 0, submits=1000, firm=1)
    assert sum(took(one, second, submits=1000, firm=1)[0] for second in range(1, 61)) == 480


def test_what_the_custodian_says_lowers_the_count_and_never_raises_it() -> None:
    one = purse(300)
    learn(one, limit=300, remaining=20, reset_at=at(60), now=at(0))
    assert took(one, 0, submits=100) == (8, 0)
    learn(one, limit=300, remaining=250, reset_at=at(60), now=at(0))
    assert took(one, 0, others=100) == (0, 12)


def test_nothing_is_sent_until_the_reset_when_nothing_remains() -> None:
    one = purse(300)
    learn(one, limit=300, remaining=0, reset_at=at(30), now=at(0))
    assert [took(one, 29, others=1), took(one, 30, others=1)] == [(0, 0), (0, 1)]


def test_a_credential_without_a_number_is_counted_once_the_custodian_told_it() -> None:
    one = purse(0)
    assert (took(one, 0, submits=5000), left(one, now=at(0))) == ((5000, 0), None)
    learn(one, limit=300, remaining=299, reset_at=at(60), now=at(0))
    assert took(one, 0, submits=5000) == (48, 0)


def test_a_firm_sends_no_more_orders_a_minute_than_it_allows_itself() -> None:
    one, firm = purse(0), uuid.uuid4().int % 10**12
    assert [took(one, second, submits=100, firm=firm, pace=50)[0] for second in (0, 0, 3)] == [10, 0, 2]
    assert took(one, 3, others=7, firm=firm, pace=50) == (0, 7)


def test_what_is_left_is_told() -> None:
    one = purse(300)
    took(one, 0, submits=10)
    found = left(one, now=at(0))
    assert found is not None
    assert (found.left, found.a_minute) == (50, 300)


@pytest.fixture
def without_valkey(settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    yield
    budgets._away.until = 0.0


def test_without_valkey_few_orders_and_every_cancel_pass(
    without_valkey: None, caplog: pytest.LogCaptureFixture
) -> None:
    one = purse(300)
    with caplog.at_level(logging.WARNING):
        assert took(one, 0, submits=100, others=100) == (ALONE_A_MINUTE, 100)
    assert (took(one, 0, submits=1), left(one)) == ((0, 0), None)
    assert "requests to custodians are not counted" in caplog.text
