"""Part of a book as bytes, so that a decision can be made again from what was known: canonical and without any loss.

The bytes are zlib (level 6) over JSON with sorted keys and no spaces: `{"book": …, "format": 1}`. A dataclass is an
object of its fields. Integer columns are numbers in the book's units, dates are days since 1970 (null for none), truth
is 0 or 1, decimals are text, and floats are C99 hexadecimal text (`float.hex`), which keeps every bit.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_part import part_of
from rebalancer.engine.book_tables import Ints

FORMAT = 1
LEVEL = 6


class BadPackedBook(ValueError):
    """Bytes that are no packed book; the message says why."""


class UnknownFormat(BadPackedBook):
    """A packed book of a format that this program does not read; the message names the format."""


def pack_book(book: Book, households: Ints) -> bytes:
    """What the decisions on these households depend on; equal parts have equal bytes, whatever book they stand in.

    :param households: indices of households of the book
    :raises rebalancer.engine.book_tables.BadBook: for an index that is not in the book
    """
    content = {"format": FORMAT, "book": _packed(part_of(book, households))}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return zlib.compress(text.encode(), LEVEL)


def unpack_book(packed: bytes) -> Book:
    """The book again. A field that was not known yet when it was packed has its default.

    :raises UnknownFormat: if it was packed in another format than this
    :raises BadPackedBook: if the bytes are broken, or do not make a book
    """
    try:
        content = json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError, RecursionError) as error:
        raise BadPackedBook(f"The packed book cannot be read: {error}.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise UnknownFormat(f"The book is packed in format {found}; this program reads format {FORMAT}.")
    try:
        book: Book = _table(Book, content.get("book"), "book")
    except BadPackedBook:
        raise
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise BadPackedBook(f"The packed book is not a book: {error}") from None
    return book


def _packed(value: Any) -> Any:
    """Plain JSON of a value."""
    if isinstance(value, np.ndarray):
        return _PACK[value.dtype.kind](value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _packed(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_packed(part) for part in value]
    if isinstance(value, float):
        return value.hex()
    return str(value) if isinstance(value, Decimal | date) else value


def _table(kind: type[Any], value: Any, where: str) -> Any:
    """A dataclass from the object of its fields."""
    if not isinstance(value, Mapping):
        raise BadPackedBook(f"{where} is not an object.")
    known = {field.name: field for field in fields(kind)}
    strange = sorted(value.keys() - known.keys())
    if strange:
        raise BadPackedBook(f"{where}.{strange[0]} is not known.")
    given, hints = {}, _hints(kind)  # type: ignore[arg-type]
    for name, field in known.items():
        if name in value:
            given[name] = _unpacked(hints[name], value[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise BadPackedBook(f"{where}.{name} is missing.")
    return kind(**given)


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _unpacked(kind: Any, value: Any, where: str) -> Any:
    """The value of a type that JSON stands for."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (other,) = (one for one in arguments if one is not type(None))
        return None if value is None else _unpacked(other, value, where)
    if origin is np.ndarray:
        return _UNPACK[np.dtype(get_args(arguments[1])[0]).kind](_list(value, where))
    if origin is tuple:
        return tuple(_unpacked(arguments[0], part, where) for part in _list(value, where))
    if is_dataclass(kind):
        return _table(kind, value, where)  # type: ignore[arg-type]
    if kind in _TEXTS:
        return _TEXTS[kind](_plain(str, value, where))
    if issubclass(kind, StrEnum):
        return kind(_plain(str, value, where))
    return _plain(kind, value, where)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadPackedBook(f"{where} is not a list.")
    return value


def _plain(kind: type[Any], value: Any, where: str) -> Any:
    if type(value) is not kind:
        raise BadPackedBook(f"{where} is not {kind.__name__}.")
    return value


_TEXTS: Mapping[Any, Callable[[str], Any]] = {Decimal: Decimal, date: date.fromisoformat, float: float.fromhex}


def _pack_dates(column: Any) -> list[int | None]:
    days = column.astype("datetime64[D]").astype(np.int64).tolist()
    return [None if none else day for day, none in zip(days, np.isnat(column).tolist(), strict=True)]


def _ints(values: list[Any]) -> Any:
    return np.array([_plain(int, value, "a number") for value in values], dtype=np.int64)


def _floats(values: list[Any]) -> Any:
    """One column, or rows of several."""
    if any(isinstance(value, list) for value in values):
        return np.array([_floats(_list(value, "a row")) for value in values], dtype=np.float64)
    return np.array([float.fromhex(_plain(str, value, "a float")) for value in values], dtype=np.float64)


def _hexadecimal(column: Any) -> list[Any]:
    return [_hexadecimal(row) for row in column] if column.ndim > 1 else [value.hex() for value in column.tolist()]


def _dates(values: list[Any]) -> Any:
    days = _ints([0 if value is None else value for value in values]).astype("datetime64[D]")
    days[np.array([value is None for value in values], dtype=bool)] = np.datetime64("NaT")
    return days


_PACK: Mapping[str, Callable[[Any], list[Any]]] = {
    "i": lambda column: column.tolist(),
    "b": lambda column: column.astype(np.int64).tolist(),
    "f": _hexadecimal,
    "M": _pack_dates,
}
"""How a column travels, by the kind of its NumPy type."""
_UNPACK: Mapping[str, Callable[[list[Any]], Any]] = {
    "i": _ints,
    "b": lambda values: _ints(values).astype(np.bool_),
    "f": _floats,
    "M": _dates,
}
