"""Lots of one position that were bought on one day keep an order of their own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from rebalancer.engine.book import Book
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, from_rows
from rebalancer.engine.optimiser.lot_order import lot_facts

EARLY, LATE = date(2020, 1, 6), date(2025, 11, 3)


def _book(positions: dict[str, list[tuple[str, date]]]) -> Book:
    """One account; lots of ten shares by symbol, with their names and days."""
    rows = [
        PositionRow(
            symbol=symbol,
            quantity=Decimal(10 * len(lots)),
            lots=tuple(LotRow(name, day, Decimal(10), Decimal(500)) for name, day in lots),
        )
        for symbol, lots in positions.items()
    ]
    account = AccountRow(account_id="A", positions=tuple(rows), cash=Decimal(100), model_id="M")
    return from_rows(
        as_of=date(2026, 1, 5),
        securities=[SecurityRow(symbol=symbol, price=Decimal(100)) for symbol in positions],
        models=[ModelRow(model_id="M", weights={symbol: Decimal(1) / len(positions) for symbol in positions})],
        accounts=[account],
    )


@pytest.mark.parametrize(
    ("lots", "order"),
    [
        ([("B", EARLY), ("A", EARLY)], ["A", "B"]),
        ([("C", LATE), ("B", EARLY), ("A", EARLY)], ["A", "B", "C"]),
        ([("A", LATE), ("B", EARLY), ("C", LATE), ("D", EARLY)], ["B", "D", "A", "C"]),
        ([("B", LATE), ("A", EARLY)], ["A", "B"]),
        ([("A", LATE)], ["A"]),
    ],
)
def test_the_older_lot_goes_first_and_of_one_day_the_first_by_name(lots: list[tuple[str, date]], order: list[str]):
    book = _book({"X": lots})
    names = [book.lots.lot_id[row] for row in np.argsort(lot_facts(book).tie)]
    assert names == order


def test_lots_of_one_day_in_different_positions_are_not_compared_with_each_other():
    book = _book({"X": [("B", EARLY), ("C", LATE)], "Y": [("A", EARLY), ("D", LATE)]})
    tie = lot_facts(book).tie
    assert tie[0] == tie[2]
    assert tie[1] == tie[3]


def test_a_book_without_lots_has_no_order():
    assert len(lot_facts(_book({"X": []})).tie) == 0
