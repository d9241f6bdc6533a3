"""Finding the row that names the columns, and a layout's variant by it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from portfolios.feeds.layout import Column, PositionsLayout, Variant
from portfolios.feeds.records import Refused
from portfolios.feeds.signatures import refuse_layout, what_is_it
from portfolios.feeds.text import Row

_SIMILAR = 0.5
_NUMERIC = re.compile(r"[-$(]*[\d,.]*\d[\d,.]*\)?")

Header = Mapping[str, int]


def match_header(row: Row, columns: Sequence[Column]) -> Header | None:
    """Where each field stands, or None when the row does not name every required column."""
    places = _places(row, columns)
    return places if all(column.field in places for column in columns if column.required) else None


def _places(row: Row, columns: Sequence[Column]) -> dict[str, int]:
    by_name: dict[str, int] = {}
    for index, cell in enumerate(row.cells):
        by_name.setdefault(cell.lower(), index)
    places: dict[str, int] = {}
    for column in columns:
        for name in column.names:
            if name.lower() in by_name:
                places[column.field] = by_name[name.lower()]
                break
    return places


def choose_variant(layout: PositionsLayout, rows: list[Row], file_name: str) -> Variant:
    """The variant whose header stands in the file.

    :raises Refused: when none does, naming what the file is if that is known
    """
    for variant in layout.variants:
        if any(match_header(row, variant.columns) is not None for row in rows):
            return variant
    raise refuse(layout, rows, file_name)


def refuse(layout: PositionsLayout, rows: list[Row], file_name: str) -> Refused:
    missing: list[str] = []
    if what_is_it(rows) is None:
        missing = nearly(rows, [variant.columns for variant in layout.variants])
    return refuse_layout(rows, file_name=file_name, title=layout.title, advice=layout.advice, missing=missing)


def nearly(rows: list[Row], choices: list[tuple[Column, ...]]) -> list[str]:
    """What the most similar row lacks, if it has at least half of a header."""
    best: list[str] = []
    best_share = _SIMILAR
    for columns in choices:
        required = [column for column in columns if column.required]
        for row in rows:
            places = _places(row, required)
            share = len(places) / len(required)
            if best_share <= share < 1:
                best_share = share
                best = [column.names[0] for column in required if column.field not in places]
    return best


def texts_of(row: Row, header: Header) -> dict[str, str]:
    """The cells by field; blank where the row is too short."""
    return {name: row.cells[index] if index < len(row.cells) else "" for name, index in header.items()}


def core_value(row: Row, header: Header) -> str:
    """A core balance without a ticker leaves the description out: everything stands one column to the left."""
    is_shifted = bool(_NUMERIC.fullmatch(row.cells[header["description"]]))
    return row.cells[header["market_value"] - is_shifted]
