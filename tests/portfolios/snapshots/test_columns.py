from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.snapshots.columns import fetch_columns, fetch_of, places

NUMBERS = (
    "SELECT number::bigint AS number, number * 10::bigint AS ten FROM generate_series(1, 40) number WHERE {wanted}"
)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param([3, 4, 6], [3, 4, 6], id="a range with a stranger in it"),
        pytest.param([3, 20, 39], [3, 20, 39], id="ids far from each other"),
        pytest.param([39, 40, 41], [39, 40], id="an id that has no row"),
        pytest.param([50, 51], [], id="none that has a row"),
        pytest.param([], [], id="no ids"),
    ],
)
def test_rows_of_some_ids_come_with_their_places(db: None, ids: list[int], expected: list[int]) -> None:
    wanted = np.array(ids, dtype=np.int64)
    rows, place = fetch_of(wanted, NUMBERS, {}, ("number", "ten"), by="number")
    assert rows["number"].tolist() == expected
    assert rows["ten"].tolist() == [10 * one for one in expected]
    assert wanted[place].tolist() == expected


def test_rows_may_tell_their_id_in_another_column(db: None) -> None:
    ids = np.array([3, 5], dtype=np.int64)
    rows, place = fetch_of(ids, NUMBERS, {}, ("ten",), by="number", key=lambda found: found["ten"] // 10)
    assert (rows["ten"].tolist(), place.tolist()) == ([30, 50], [0, 1])


@pytest.mark.parametrize(
    ("value", "narrow"),
    [
        pytest.param(-1, False, id="a negative number"),
        pytest.param(2**63 - 1, False, id="the largest number"),
        pytest.param(-(2**31), True, id="the smallest narrow number"),
        pytest.param(2**31 - 1, True, id="the largest narrow number"),
    ],
)
def test_integers_come_as_they_are(db: None, value: int, narrow: bool) -> None:
    names = frozenset({"one"}) if narrow else frozenset()
    found = fetch_columns("SELECT %(value)s::bigint AS one", {"value": value}, ("one",), narrow=names)
    assert (found["one"].tolist(), found["one"].dtype) == ([value], np.int64)


@given(
    ids=st.lists(st.integers(-(10**12), 10**12) | st.integers(1, 50), unique=True),
    others=st.lists(st.integers(-(10**12), 10**12) | st.integers(-5, 60)),
)
def test_every_value_is_found_where_it_stands_and_strangers_nowhere(ids: list[int], others: list[int]) -> None:
    known = sorted(ids)
    asked = others + known
    found = places(np.array(known, dtype=np.int64), np.array(asked, dtype=np.int64))
    assert found.tolist() == [known.index(one) if one in known else -1 for one in asked]
