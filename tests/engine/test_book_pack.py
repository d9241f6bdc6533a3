"""A packed book comes back bit by bit."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from rebalancer.engine.book import Book
from rebalancer.engine.book_pack import BadPackedBook, UnknownFormat, pack_book, unpack_book
from rebalancer.engine.book_part import part_of
from rebalancer.engine.book_rows import AccountRow, WashRow
from rebalancer.engine.optimiser import solve
from tests.engine.books import make_book, on_target, overweight_equity
from tests.engine.optimiser.test_properties import washes
from tests.engine.test_book_part import book_of, families

FIRST = np.array([0])


def everything(value: Any) -> Any:
    """A table with all its columns as comparable values; floats by their bits."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.tobytes())
    if is_dataclass(value):
        return {field.name: everything(getattr(value, field.name)) for field in fields(value)}
    return value


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(zlib.decompress(pack_book(make_book(on_target()), FIRST)))
    change(content)
    return zlib.compress(json.dumps(content).encode())


@settings(max_examples=40, deadline=None)
@given(families, washes)
def test_what_is_unpacked_is_what_was_packed(rows: list[AccountRow], wash: list[WashRow]) -> None:
    book = book_of(rows, wash)
    households = np.arange(book.households)
    packed = pack_book(book, households)
    again = unpack_book(packed)
    assert everything(again) == everything(part_of(book, households))
    assert pack_book(again, households) == packed


@settings(max_examples=30, deadline=None)
@given(families, washes)
def test_decisions_on_the_unpacked_part_are_those_on_the_whole(rows: list[AccountRow], wash: list[WashRow]) -> None:
    book = book_of(rows, wash)
    part = unpack_book(pack_book(book, FIRST))
    whole = solve(book)
    mine = np.flatnonzero(book.accounts.household == 0)
    limits = {name: most for name, most in whole.volume_limits.items() if name in part.accounts.account_id}
    assert list(solve(part, volume_limits=limits)) == [whole[int(place)] for place in mine]


def test_equal_parts_have_equal_bytes_in_whatever_book_they_stand() -> None:
    mine, other = overweight_equity(account_id="A1"), on_target(account_id="A2")
    alone = pack_book(make_book(mine), FIRST)
    assert pack_book(make_book(mine, other), FIRST) == alone
    assert pack_book(make_book(other, mine), np.array([1])) == alone
    assert pack_book(make_book(other, mine), FIRST) != alone


def test_the_bytes_are_canonical_json_of_a_named_format() -> None:
    text = zlib.decompress(pack_book(make_book(on_target()), FIRST)).decode()
    content = json.loads(text)
    assert content["format"] == 1
    assert text == json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert content["book"]["models"]["cash_weight"] == [(0.02).hex()]
    assert content["book"]["accounts"]["model_changed_on"] == [None]


@pytest.mark.parametrize("found", [0, 2, "1", None])
def test_another_format_is_named_and_not_read(found: Any) -> None:
    with pytest.raises(UnknownFormat, match=f"format {found}; this program reads format 1"):
        unpack_book(changed(lambda content: content.update(format=found)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda book: book.pop("lots"), "book.lots is missing", id="without a table"),
        pytest.param(lambda book: book.update(more=1), "book.more is not known", id="with a table too many"),
        pytest.param(lambda book: book.update(households="2"), "book.households is not int", id="text for a number"),
        pytest.param(lambda book: book.update(policies=3), "book.policies is not a list", id="a number for a list"),
        pytest.param(lambda book: book.update(accounts=[]), "book.accounts is not an object", id="a list for a table"),
        pytest.param(lambda book: book.update(as_of="soon"), "not a book: .*soon", id="no date"),
        pytest.param(lambda book: book["lots"]["quantity"].pop(), "lots.quantity must have 3", id="a short column"),
        pytest.param(
            lambda book: book["lots"]["quantity"].__setitem__(0, 1.5), "a number is not int", id="a fraction of a micro"
        ),
        pytest.param(
            lambda book: book["lots"]["quantity"].__setitem__(0, 2**63), "not a book", id="a number beyond 64 bits"
        ),
        pytest.param(
            lambda book: book["policies"][0].update(relief="NONE"), "relief|NONE", id="an unknown method of relief"
        ),
        pytest.param(
            lambda book: book["policies"][0].update(long_rate="much"), "not a book", id="a rate that is no number"
        ),
    ],
)
def test_what_does_not_make_a_book_is_refused_with_its_place(change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(BadPackedBook, match=message):
        unpack_book(changed(lambda content: change(content["book"])))


@pytest.mark.parametrize("broken", [b"", b"no book", zlib.compress(b"{"), zlib.compress(b"\xff")])
def test_broken_bytes_are_refused(broken: bytes) -> None:
    with pytest.raises(BadPackedBook, match="cannot be read"):
        unpack_book(broken)


def test_a_setting_that_came_later_has_its_default() -> None:
    book: Book = unpack_book(changed(lambda content: content["book"]["policies"][0].pop("harvest")))
    assert book.policies[0].harvest is False
