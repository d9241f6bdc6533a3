"""The words in which a layout is written. A layout is data: what a file looks like, not how to read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any

from portfolios.feeds.records import Kind, PriceRecord, Record


class Act(StrEnum):
    """What a line that is not a holding means."""

    TITLE = auto()  # opens the file: date, perhaps the account
    ACCOUNT = auto()  # opens an account
    SECTION = auto()  # opens a section of an account
    CASH = auto()  # settled or total cash
    PENDING = auto()  # cash that trades will bring or take
    VALUE = auto()  # counts toward the account's total, is neither a holding nor cash
    SUBTOTAL = auto()  # closes a section
    TOTAL = auto()  # closes an account
    DATED = auto()  # closes the file and tells its date
    IGNORE = auto()


class Where(StrEnum):
    """What of a line a rule looks at."""

    ALONE = auto()  # its only cell
    FIRST = auto()  # its first cell
    SYMBOL = auto()  # the symbol's column


@dataclass(frozen=True, slots=True)
class Rule:
    """Named groups of the pattern that are understood: account, name, date, section."""

    act: Act
    where: Where
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Column:
    """A field and the header names it goes by, in any case. A header without the name of a required column is none."""

    field: str
    names: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One shape of a positions file.

    `header_opens_account`: each account has its own header row; otherwise one header serves the file.
    `closes`: the act without which an account or the file was cut short (TOTAL, SUBTOTAL or DATED).
    `quantity_decimals`: to how many decimals the custodian prints shares; trailing zeros are dropped.
    """

    name: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    closes: Act
    date_formats: tuple[str, ...]
    quantity_decimals: int
    header_opens_account: bool = False
    summary: tuple[Column, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    symbol_kinds: tuple[tuple[re.Pattern[str], Kind], ...] = ()
    symbol_separator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsLayout:
    """A custodian's positions as CSV, in all the shapes it has been seen in."""

    name: str
    title: str
    version: int
    custodian: str
    advice: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a plain file: its name is the field. `read` turns text into the value, raising RowFault."""

    name: str
    read: Callable[[str, str], object]
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLayout:
    """One of our own documented CSV files.

    `key`: the fields that no two rows may share. `fixed`: fields that are the same in every row of the layout.
    """

    name: str
    title: str
    version: int
    record: type[Record | PriceRecord]
    collection: str
    cells: tuple[Cell, ...]
    key: tuple[str, ...]
    custodian: str = ""
    advice: str = "docs/feeds.md shows the columns"
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexLayout:
    """Interactive Brokers' XML: what its words mean. The kind ETF is its sub-category of stock."""

    name: str
    title: str
    version: int
    custodian: str
    advice: str
    kinds: Mapping[str, Kind]
    movement_kinds: Mapping[str, str]
    date_formats: tuple[str, ...]


PER: Mapping[Kind, Decimal] = {Kind.BOND: Decimal(100)}
"""Bonds are priced per 100 of face value."""

MULTIPLIER: Mapping[Kind, Decimal] = {Kind.OPTION: Decimal(100)}
"""Options are priced per share of the 100 that one contract is for."""
