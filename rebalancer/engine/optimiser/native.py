"""Compiling once for a machine: whoever needs machine code that is not kept yet makes all of it, and the rest wait.

Machine code is kept by function and by the types of its arguments. A tiny problem has the types of every other, so that
deciding it compiles everything; processes take turns, since two that write the same files would spoil them.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import rmtree

import numpy as np

from rebalancer.engine.book import Book, RiskModel
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, from_rows
from rebalancer.engine.drift import measure
from rebalancer.engine.optimiser.branch import Effort
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.compiled import KEPT
from rebalancer.engine.optimiser.kernel import guard_for, outcome_for, run
from rebalancer.engine.optimiser.problem import Risk, pose
from rebalancer.engine.optimiser.work import work_for
from rebalancer.engine.policy import Distance, Policy, RebalanceTo

LITTLE = Effort(branches=1, nodes=1, walk=1, tolerance=1e-6, dividing=1.0)
_loaded: set[Distance] = set()
"""What this process has in memory."""


def ready(distance: Distance) -> None:
    """Have the machine code of a distance in memory; compile it, or wait for whoever does, where none is kept.

    Half a minute of processor time where it compiles, some tenths of a second where it loads, nothing after that.
    """
    if distance in _loaded:
        return
    with _alone(distance):
        _decide(_tiny_book(distance), distance)
    _loaded.add(distance)


def is_kept(distance: Distance) -> bool:
    """Is the machine code of this version there, so that it needs only be loaded?"""
    return KEPT is not None and (KEPT / distance).exists()


def forget_others() -> int:
    """Remove machine code of other versions but the latest, which may still be at work; how many folders that were."""
    others = [] if KEPT is None else [path for path in KEPT.parent.glob("native-*") if path != KEPT]
    old = sorted(others, key=_changed_at)[:-1]
    for path in old:
        rmtree(path, ignore_errors=True)
    return len(old)


def _changed_at(path: Path) -> float:
    """Seconds; 0 for what somebody else removed meanwhile."""
    return path.stat().st_mtime if path.exists() else 0.0


@contextmanager
def _alone(distance: Distance) -> Iterator[None]:
    """One process at a time while something is to be compiled; whoever finishes it leaves a mark."""
    if KEPT is None or is_kept(distance):
        yield
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        (KEPT / distance).touch()


def _decide(book: Book, distance: Distance) -> None:
    everything = np.ones(len(book), dtype=np.float64)
    problem = pose(book, measure(book), price_of_drift=everything, bars=PLACES, relaxed=everything > 1)
    risk = Risk(book.risk.loadings, book.risk.specific) if book.risk else None
    work = work_for(4, 4, risk=distance is Distance.RISK)
    accounts = np.arange(len(book))
    run(problem, accounts, np.zeros_like(accounts), LITTLE, work, guard_for(problem), outcome_for(problem), risk)


def _tiny_book(distance: Distance) -> Book:
    """One account, two securities, a lot."""
    as_of, lot = date(2026, 1, 5), LotRow("1", date(2020, 1, 6), Decimal(10), Decimal(500))
    account = AccountRow(
        account_id="A",
        positions=(PositionRow(symbol="X", quantity=Decimal(10), lots=(lot,)),),
        cash=Decimal(100),
        model_id="M",
        policy=Policy(rebalance_to=RebalanceTo.EDGE),
    )
    weights = {"X": Decimal("0.5"), "Y": Decimal("0.5")}
    return from_rows(
        as_of=as_of,
        securities=[SecurityRow(symbol=symbol, price=Decimal(100)) for symbol in weights],
        models=[ModelRow(model_id="M", weights=weights)],
        accounts=[account],
        risk=RiskModel(loadings=np.eye(2), specific=np.zeros(2)) if distance is Distance.RISK else None,
    )
