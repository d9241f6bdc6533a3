"""The way in: bytes of a named layout become records and problems, or are refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from portfolios.feeds.flex import parse_flex
from portfolios.feeds.layout import FlexLayout, PlainLayout, PositionsLayout
from portfolios.feeds.layouts.fidelity_positions import FIDELITY_POSITIONS
from portfolios.feeds.layouts.ibkr_flex import IBKR_FLEX
from portfolios.feeds.layouts.plain import PLAIN_LAYOUTS
from portfolios.feeds.layouts.schwab_positions import SCHWAB_POSITIONS
from portfolios.feeds.plain_files import parse_plain
from portfolios.feeds.positions import parse_positions
from portfolios.feeds.records import Code, ParsedFile, Refused
from portfolios.feeds.text import read_rows

Layout = PositionsLayout | PlainLayout | FlexLayout

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout for layout in (SCHWAB_POSITIONS, FIDELITY_POSITIONS, IBKR_FLEX, *PLAIN_LAYOUTS)
}


def parse(layout_name: str, content: bytes, *, file_name: str, received_on: date | None = None) -> ParsedFile:
    """Read a file as the layout says.

    `received_on` is the day it came in; a file of a later day is refused. Without it the date is not looked at.

    :raises Refused: when nothing of the file may be used; its sentence says what is wrong, where, and what to do
    """
    layout = LAYOUTS.get(layout_name)
    if layout is None:
        names = ", ".join(LAYOUTS)
        raise Refused(Code.UNKNOWN_LAYOUT, f"There is no layout {layout_name!r}; choose one of {names}.")
    parsed = _parse(layout, content, file_name)
    if received_on is not None and parsed.as_of is not None and parsed.as_of > received_on:
        sentence = f"{file_name} is of {parsed.as_of}, which is after today, {received_on}; check its date."
        raise Refused(Code.FUTURE_DATE, sentence)
    return parsed


def _parse(layout: Layout, content: bytes, file_name: str) -> ParsedFile:
    if isinstance(layout, FlexLayout):
        return parse_flex(layout, content, file_name)
    rows = read_rows(content, file_name)
    if isinstance(layout, PlainLayout):
        return parse_plain(layout, rows, file_name)
    return parse_positions(layout, rows, file_name)
