"""The drift scan of a large book, against a bare COPY of the same rows.

The floor is PostgreSQL's own `COPY … TO STDOUT` of the positions, taken in the same run and thrown away. The scan
reads the book, measures drift, evaluates the triggers and writes what calls for attention, as a worker does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from django.db import connection, transaction

from accounts.tenancy import firm_scope
from portfolios.services.scans import start_scan
from portfolios.services.signals import evaluate, households_of, store_signals
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from trading.benchmarks.books import fill_book
from trading.benchmarks.rows import Row, seconds
from trading.benchmarks.scratch import scratch_database

ACCOUNTS = 20_000
AS_OF = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)

_FLOOR = (
    "COPY (SELECT account_id, security_id, quantity FROM portfolios_position WHERE firm_id = {}) "
    "TO STDOUT (FORMAT BINARY)"
)


def measure() -> Iterator[Row]:
    """Figures for 20,000 accounts of 15 positions each: load, compute, write back, and the whole, as ratios."""
    with scratch_database():
        firm_id = fill_book(ACCOUNTS)
        with firm_scope(firm_id):
            yield from _figures(firm_id)


def _figures(firm_id: int) -> Iterator[Row]:
    scan = start_scan(firm_id=firm_id, as_of=AS_OF, requested_by="bench", at=AT)
    households = households_of(firm_id)
    floor = seconds(lambda: _copy_out(_FLOOR.format(firm_id)))
    loaded = load_book(firm_id, households, as_of=AS_OF, depth=Depth.LOSS_LOTS)
    found = evaluate(loaded)

    def write() -> None:
        """Written in a savepoint and taken back, so that it can be written again."""
        mark = transaction.savepoint()
        store_signals(firm_id=firm_id, scan_id=scan.pk, loaded=loaded, found=found, outcomes={})
        transaction.savepoint_rollback(mark)

    def whole() -> None:
        mark = transaction.savepoint()
        book = load_book(firm_id, households, as_of=AS_OF, depth=Depth.LOSS_LOTS)
        store_signals(firm_id=firm_id, scan_id=scan.pk, loaded=book, found=evaluate(book), outcomes={})
        transaction.savepoint_rollback(mark)

    load_seconds = seconds(lambda: load_book(firm_id, households, as_of=AS_OF, depth=Depth.LOSS_LOTS))
    yield Row("scan", "floor: COPY of 300,000 positions", floor, "seconds")
    yield Row("scan", "load", load_seconds / floor, "x floor")
    yield Row("scan", "compute: drift and triggers", seconds(lambda: evaluate(loaded)) / floor, "x floor")
    yield Row("scan", "write back what calls for attention", seconds(write) / floor, "x floor")
    yield Row("scan", "whole scan of 20,000 accounts", seconds(whole) / floor, "x floor", at_most=2)


def _copy_out(statement: str) -> int:
    """Bytes of a COPY, read and thrown away."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as rows:
        for part in rows:
            count += len(part)
    return count
