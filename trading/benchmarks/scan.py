"""The scan of a firm: load 20,000 accounts of 15 positions, look at drift and triggers, write what calls for attention.

The floor is the program psql copying the firm's positions out of the database, through the same wall, into nothing:
nobody can scan a book in less time than it takes to read it. The scan reads more than that (cash, models, prices,
loss lots), and each of its figures is taken right beside a floor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from accounts.tenancy import firm_scope
from portfolios.services.scans import start_scan
from portfolios.services.signals import evaluate, households_of, store_signals
from portfolios.snapshots.book import load_book
from portfolios.snapshots.columns import fetch_of
from portfolios.snapshots.positions import Depth
from portfolios.snapshots.queries import POSITION_COLUMNS, POSITIONS
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.postgres import programs
from trading.benchmarks.books import fill_book
from trading.benchmarks.rows import Row, ratio, seconds
from trading.benchmarks.scratch import scratch_database

ACCOUNTS = 20_000
AS_OF = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)

_FLOOR = "COPY (SELECT account_id, security_id, quantity FROM portfolios_position) TO STDOUT (FORMAT BINARY)"


def measure() -> Iterator[Row]:
    """Figures for 20,000 accounts of 15 positions each: load, compute, write back, and the whole, as ratios."""
    with scratch_database():
        firm_id = fill_book(ACCOUNTS)
        with firm_scope(firm_id):
            yield from _figures(firm_id)


def _figures(firm_id: int) -> Iterator[Row]:
    scan = start_scan(firm_id=firm_id, as_of=AS_OF, requested_by="bench", at=AT)
    households = households_of(firm_id)
    floor = copier(_FLOOR, firm_id)
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

    def load() -> object:
        return load_book(firm_id, households, as_of=AS_OF, depth=Depth.LOSS_LOTS)

    def positions() -> object:
        """What the load waits for longest: the database packing two numbers a position."""
        ids, span = np.sort(loaded.account_ids), int(loaded.security_ids.max()) + 1
        asked = {"firm": firm_id, "base": 0, "span": span}
        return fetch_of(ids, POSITIONS, asked, POSITION_COLUMNS, by="account_id", key=lambda rows: rows["held"] // span)

    yield Row("scan", "floor: psql COPY of 300,000 positions", seconds(floor), "seconds")
    yield Row("scan", "load", ratio(load, floor), "x floor")
    yield Row("scan", "of it: the database packs the positions", ratio(positions, floor), "x floor")
    yield Row("scan", "compute: drift and triggers", ratio(lambda: evaluate(loaded), floor), "x floor")
    yield Row("scan", "write back what calls for attention", ratio(write, floor), "x floor")
    yield Row("scan", "whole scan of 20,000 accounts", ratio(whole, floor), "x floor", at_most=2)


def copier(statement: str, firm_id: int) -> Callable[[], object]:
    """Runs a COPY to standard output in psql, within the firm's wall, and throws the bytes away.

    :raises CannotRun: if there is no psql
    """
    program, environment = _psql(), _environment(connection.settings_dict, firm_id)
    command = [program, "-qX", "-v", "ON_ERROR_STOP=1", "-c", statement]
    return lambda: subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def _psql() -> str:
    """The psql of the embedded server, or the one on the PATH."""
    try:
        return str(programs() / "psql")
    except CannotRun:
        found = shutil.which("psql")
        if found is None:
            raise
        return found


def _environment(database: dict[str, Any], firm_id: int) -> dict[str, str]:
    wanted = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGDATABASE": "NAME", "PGPASSWORD": "PASSWORD"}
    named = {word: str(database[key]) for word, key in wanted.items() if database[key]}
    return {**os.environ, **named, "PGOPTIONS": f"-c app.firm_id={firm_id}"}
