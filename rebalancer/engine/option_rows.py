"""What only some accounts and models have, from rows: hold ranges and alternates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from rebalancer.engine.alternates import Alternates
from rebalancer.engine.book_tables import BadBook, Ints
from rebalancer.engine.hold_ranges import NO_END, HoldRanges, RangeRow
from rebalancer.engine.money import to_micros

Symbols = Mapping[str, int]
Ranks = Mapping[str, Sequence[Sequence[str]]]


def range_table(accounts: Sequence[Sequence[RangeRow]], symbols: Symbols) -> HoldRanges | None:
    """The ranges of accounts, in their order; None where there is none.

    :raises BadBook: for a symbol that is not there, or a range that cannot be
    :raises rebalancer.engine.money.InexactAmount: when an end has more than six decimals
    """
    rows = [(account, _place(symbols, row.symbol), row) for account, rows in enumerate(accounts) for row in rows]
    rows.sort(key=lambda one: one[:2])
    if not rows:
        return None
    return HoldRanges(
        account=_ints(account for account, _, _ in rows),
        security=_ints(security for _, security, _ in rows),
        unit=_ints(row.unit for _, _, row in rows),
        lowest=_ints(_end(row.lowest) for _, _, row in rows),
        highest=_ints(_end(row.highest) for _, _, row in rows),
    )


def alternate_table(models: Sequence[Ranks], symbols: Symbols) -> Alternates | None:
    """The alternates of models, in their order; None where there is none.

    :raises BadBook: for a symbol that is not there, or stands in its own place
    """
    rows = sorted(
        (model, _place(symbols, symbol), rank, _place(symbols, alternate))
        for model, ranks in enumerate(models)
        for symbol, alternates in ranks.items()
        for rank, names in enumerate(alternates, start=1)
        for alternate in names
    )
    if not rows:
        return None
    model, security, rank, alternate = (_ints(column) for column in zip(*rows, strict=True))
    return Alternates(model=model, security=security, alternate=alternate, rank=rank)


def _end(amount: Decimal | None) -> int:
    if amount is not None and amount < 0:
        raise BadBook("A range must not end below zero.")
    return NO_END if amount is None else to_micros(amount)


def _place(symbols: Symbols, symbol: str) -> int:
    if symbol not in symbols:
        raise BadBook(f"There is no {symbol}, which a range or an alternate names.")
    return symbols[symbol]


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)
