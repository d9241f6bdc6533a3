"""What a book may name beside holdings and targets: hold ranges and alternates."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rebalancer.engine.hold_ranges import RangeRow, RangeUnit
from rebalancer.engine.portable.fields import BadPortableBook, Source, shown


def ranges_of(source: Source, symbols: Collection[str]) -> tuple[RangeRow, ...]:
    """The optional `ranges` of an account."""
    items = source.items("ranges", default=True)
    return tuple(_range(Source(item, f"{source.where}: ranges[{place}]"), symbols) for place, item in enumerate(items))


def _range(source: Source, symbols: Collection[str]) -> RangeRow:
    symbol, unit = source.text("symbol"), source.text("unit", "SHARES")
    if symbol not in symbols:
        raise BadPortableBook(f"{source.where}.symbol is {shown(symbol)}, which has no price.")
    if unit not in RangeUnit.__members__:
        raise source.complain("unit", " or ".join(RangeUnit.__members__))
    lowest, highest = (source.number(name) if name in source else None for name in ("lowest", "highest"))
    if (lowest is None and highest is None) or (lowest is not None and highest is not None and lowest > highest):
        raise source.complain("lowest", "no more than highest, and one of them must be there")
    return RangeRow(symbol=symbol, unit=RangeUnit[unit], lowest=lowest, highest=highest)


def alternates_of(whole: Source, symbols: Collection[str]) -> dict[str, list[list[str]]]:
    """The optional `alternates` of the model: by symbol a list of symbols by rank, or of lists of equal rank."""
    if "alternates" not in whole:
        return {}
    inner = whole.object("alternates")
    return {symbol: [_rank(inner, symbol, item, symbols) for item in inner.items(symbol)] for symbol in inner.names()}


def _rank(inner: Source, symbol: str, item: Any, symbols: Collection[str]) -> list[str]:
    names = item if isinstance(item, list) else [item]
    for name in (symbol, *names):
        if not isinstance(name, str) or name not in symbols:
            raise BadPortableBook(f"{inner.where} of {symbol} names {shown(name)}, which has no price.")
    return names
