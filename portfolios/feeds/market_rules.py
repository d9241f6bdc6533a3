"""The operator's files of tick sizes and of mutual funds' terms: CSV with a header, whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TypeVar

Row = TypeVar("Row")

TICK_COLUMNS = ("symbol", "starts_on", "ends_on", "increment")
FUND_COLUMNS = ("symbol", "custodian", "cut_off_at", "settle_days")
INCREMENTS = (Decimal("0.01"), Decimal("0.005"))
"""The steps that Rule 612(b)(2) knows from a dollar on."""
LATEST_CUT_OFF = time(16, 0)
MOST_SETTLE_DAYS = 5


class BadMarketRules(ValueError):
    """A file that cannot be used; each sentence names the line, what is wrong and what to write."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


@dataclass(frozen=True, slots=True)
class TickRow:
    """A step of prices from a day on, until the day before `ends_on`; `line` is where the file says so."""

    line: int
    symbol: str
    starts_on: date
    ends_on: date | None
    increment: Decimal


@dataclass(frozen=True, slots=True)
class FundRow:
    """A fund's cut-off, New York time, at one custodian (its code), or at all of them."""

    line: int
    symbol: str
    custodian: str
    cut_off_at: time
    settle_days: int


class _BadCell(ValueError):
    pass


def read_tick_sizes(text: str) -> list[TickRow]:
    """The rows of a file of tick sizes.

    :raises BadMarketRules: if a line cannot be read, or two periods of a symbol overlap
    """
    rows = _read(text, TICK_COLUMNS, _tick_row)
    overlaps = [sentence for _, of in _by_symbol(rows) for sentence in _overlaps(of)]
    if overlaps:
        raise BadMarketRules(overlaps)
    return rows


def read_fund_terms(text: str) -> list[FundRow]:
    """The rows of a file of funds' terms.

    :raises BadMarketRules: if a line cannot be read, or says again what an earlier one said
    """
    rows = _read(text, FUND_COLUMNS, _fund_row)
    first: dict[tuple[str, str], int] = {}
    twice = [
        f"Line {row.line}: {row.symbol} has its terms in line {at} already. Keep one of them."
        for row in rows
        if (at := first.setdefault((row.symbol, row.custodian), row.line)) != row.line
    ]
    if twice:
        raise BadMarketRules(twice)
    return rows


def _read(text: str, columns: Sequence[str], make: Callable[[int, Mapping[str, str]], Row]) -> list[Row]:
    reader = csv.reader(text.lstrip("\ufeff").splitlines())
    header = [name.strip().lower() for name in next(reader, [])]
    if header != list(columns):
        raise BadMarketRules([f"Line 1: the header is {','.join(header) or 'missing'}; write {','.join(columns)}."])
    rows, wrong = [], []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            rows.append(make(reader.line_num, _cells(cells, columns)))
        except _BadCell as bad:
            wrong.append(f"Line {reader.line_num}: {bad}")
    if wrong:
        raise BadMarketRules(wrong)
    return rows


def _cells(cells: Sequence[str], columns: Sequence[str]) -> Mapping[str, str]:
    if len(cells) != len(columns):
        raise _BadCell(f"it has {len(cells)} cells; write {len(columns)}: {','.join(columns)}.")
    found = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    if not found["symbol"]:
        raise _BadCell("it names no symbol; write one.")
    return found


def _tick_row(line: int, cells: Mapping[str, str]) -> TickRow:
    starts_on = _day(cells, "starts_on")
    ends_on = _day(cells, "ends_on") if cells["ends_on"] else None
    if ends_on is not None and ends_on <= starts_on:
        raise _BadCell(f"ends_on {ends_on} is not after starts_on {starts_on}; write the first day after the period.")
    return TickRow(line, cells["symbol"].upper(), starts_on, ends_on, _increment(cells["increment"]))


def _fund_row(line: int, cells: Mapping[str, str]) -> FundRow:
    days = cells["settle_days"]
    if not days.isdecimal() or int(days) > MOST_SETTLE_DAYS:
        raise _BadCell(f"settle_days is {days or 'empty'}; write days from 0 to {MOST_SETTLE_DAYS}.")
    return FundRow(line, cells["symbol"].upper(), cells["custodian"].upper(), _cut_off(cells["cut_off_at"]), int(days))


def _day(cells: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(cells[name])
    except ValueError as bad:
        raise _BadCell(f"{name} is {cells[name] or 'empty'}; write a day such as 2026-11-02.") from bad


def _increment(text: str) -> Decimal:
    allowed = " or ".join(map(str, INCREMENTS))
    try:
        increment = Decimal(text)
    except InvalidOperation as bad:
        raise _BadCell(f"increment is {text or 'empty'}; write {allowed}.") from bad
    if increment not in INCREMENTS:
        raise _BadCell(f"increment is {text}; write {allowed}.")
    return increment


def _cut_off(text: str) -> time:
    try:
        at = time.fromisoformat(text)
    except ValueError as bad:
        raise _BadCell(f"cut_off_at is {text or 'empty'}; write New York time such as 15:45.") from bad
    if at.tzinfo is not None or at > LATEST_CUT_OFF:
        raise _BadCell(f"cut_off_at is {text}; write New York time up to {LATEST_CUT_OFF:%H:%M}.")
    return at


def _by_symbol(rows: Iterable[TickRow]) -> Iterable[tuple[str, list[TickRow]]]:
    found: dict[str, list[TickRow]] = {}
    for row in sorted(rows, key=lambda one: (one.symbol, one.starts_on, one.line)):
        found.setdefault(row.symbol, []).append(row)
    return found.items()


def _overlaps(rows: Sequence[TickRow]) -> Iterable[str]:
    for before, after in pairwise(rows):
        if before.ends_on is None or after.starts_on < before.ends_on:
            yield (
                f"Line {after.line}: its period for {after.symbol} begins on {after.starts_on}, within that of line "
                f"{before.line}. End the earlier one on that day."
            )
