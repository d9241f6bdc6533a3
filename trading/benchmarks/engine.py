"""The engine alone, on one processor: how fast it decides, how near it comes to the least cost, and what it proves.

Accounts hold twelve securities of a model and three others, in sixty lots of whole shares. Deciding includes posing the
problem, search, exact re-footing, the codes of every row, and the certificate; what is counted is processor time. The
floor is one bare NumPy pass over the arrays of the same problem.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import Floats
from rebalancer.engine.drift import measure as measure_drift
from rebalancer.engine.optimiser import Decisions, solve
from rebalancer.engine.optimiser.codes import PLACES
from rebalancer.engine.optimiser.problem import pose
from rebalancer.engine.optimiser.scenarios import prices_of_drift, sliders
from trading.benchmarks.booking import measure_booking
from trading.benchmarks.oracle import milp
from trading.benchmarks.oracle.compare import Compared
from trading.benchmarks.oracle.known import Known, account, known, one_target, processes, two_accounts
from trading.benchmarks.rows import Row
from trading.benchmarks.synthetic import Size, synthetic_book

Result = TypeVar("Result")

ACCOUNTS, SOME = 1_000, 100
GAP_ACCOUNTS = 2_000
ORACLE_ACCOUNTS, ORACLE_HOUSEHOLDS = 300, 60
WORST_BPS = 0.5
PEAK_MEGABYTES = 400.0
USUAL_MICROS, EXACT_MICROS = 250.0, 3_333.0
"""4,000 and 300 accounts a second."""
MOST_UNPROVEN = 0.05
"""Of as many as are wanted."""
SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)
HOUSEHOLD = Size(accounts=8, assets=(22, 22), off_model=3, lots=10, a_household=8)


def measure() -> Iterator[Row]:
    """All figures of the engine; two minutes, most of them for the oracle and for books of lots."""
    book = synthetic_book(Size(accounts=ACCOUNTS), seed=1)
    solve(book, np.arange(2)), solve(book, np.arange(2), exact=True)
    alone = synthetic_book(Size(accounts=ACCOUNTS, a_household=1), seed=1)
    yield from _speed(alone)
    yield from _meeting(book)
    yield from _profile(alone)
    yield from _sweep(book)
    yield from _household()
    yield from measure_booking()
    yield from _gap()
    if milp.available():
        yield from _oracle()
    yield Row("engine", "peak resident memory", _peak_megabytes(), "MB", at_most=PEAK_MEGABYTES)


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(act: Callable[[], Result]) -> tuple[Result, float]:
    """Processor seconds."""
    begun = time.process_time()
    result = act()
    return result, time.process_time() - begun


def _least_seconds(act: Callable[[], object], runs: int = 5) -> float:
    return min(_timed(act)[1] for _ in range(runs))


def _speed(book: Book) -> Iterator[Row]:
    usual = _least_seconds(lambda: solve(book))
    exact = _timed(lambda: solve(book, np.arange(SOME), exact=True))[1]
    floor = _floor_seconds(solve(book))
    yield Row("engine", "floor: NumPy pass over the arrays", floor * 1e3, "ms")
    yield Row("engine", "decided, as usual", len(book) / usual, "acc/s")
    yield Row(
        "engine", "the processor's time an account, as usual", usual / len(book) * 1e6, "µs", at_most=USUAL_MICROS
    )
    yield Row("engine", "decided, exact", SOME / exact, "acc/s")
    yield Row("engine", "the processor's time an account, exact", exact / SOME * 1e6, "µs", at_most=EXACT_MICROS)
    yield Row("engine", "1,000 accounts against the floor", usual / floor, "x floor")


def _meeting(book: Book) -> Iterator[Row]:
    """Households of two accounts that nearly all contest wash groups: what deciding them as one question takes."""
    yield Row("engine", "decided, in households", len(book) / _least_seconds(lambda: solve(book)), "acc/s")


def _floor_seconds(decisions: Decisions) -> float:
    """The sum of products over rows and lots, often enough to be seen by the clock."""
    rows, lots, often = decisions.problem.rows, decisions.problem.lots, 200
    columns = [
        (rows["price"].astype(float), rows["quantity"].astype(float)),
        (rows["goal"].astype(float), rows["half_spread"].astype(float)),
        (lots["quantity"].astype(float), lots["gain"].copy()),
    ]

    def sums() -> float:
        return sum(float(np.sum(left * right)) for _ in range(often) for left, right in columns)

    return _least_seconds(sums) / often


def _profile(book: Book) -> Iterator[Row]:
    """Where the time goes for a book whose decisions are all read, in parts of the whole."""
    drift, drifting = _timed(lambda: measure_drift(book))
    prices, nobody = prices_of_drift(book, sliders(book, None)), np.zeros(len(book), dtype=bool)
    posing = _least_seconds(lambda: pose(book, drift, price_of_drift=prices, bars=PLACES, relaxed=nobody))
    decisions, solving = _timed(lambda: solve(book, drift=drift))
    reading = _timed(lambda: decisions[:])[1]
    whole = drifting + solving + reading
    for name, part in (
        ("drift", drifting),
        ("posing the problem", posing),
        ("kernel", solving - posing),
        ("making decisions of it", reading),
    ):
        yield Row("engine", f"profile: {name}", 100 * part / whole, "%")
    yield Row("engine", "decided and read", len(book) / whole, "acc/s")


def _sweep(book: Book) -> Iterator[Row]:
    """From least tax to closest to the model: the means of drift left, and of tax and costs."""
    for slider in SWEEP:
        decisions = list(solve(book, np.arange(5 * SOME), slider=slider))
        drift = np.mean([decision.drift_after for decision in decisions])
        paid = np.mean([float((one.tax + one.cost) / one.value) for one in decisions])
        yield Row("engine", f"slider {slider:g}: drift left", float(drift) * 100, "%")
        yield Row("engine", f"slider {slider:g}: tax and cost", float(paid) * 1e4, "bp")


def _household() -> Iterator[Row]:
    book = synthetic_book(HOUSEHOLD, seed=3)
    name = f"household of {len(book)} accounts, {len(book.lots.lot_id):,} lots"
    yield Row("engine", name, _least_seconds(lambda: solve(book)) * 1e3, "ms", at_most=200)
    together = replace(book, policies=tuple(replace(policy, joint=True) for policy in book.policies))
    yield Row("engine", f"{name}, one target", _least_seconds(lambda: solve(together)) * 1e3, "ms", at_most=200)
    yield Row("engine", "its certificate", float(solve(together).gap_bps[0]), "bp")


def _gap() -> Iterator[Row]:
    """What the usual effort leaves, against the exact search and against its own bound.

    Each account is a household of its own: what one decides must not change what another may do.
    """
    book = synthetic_book(Size(accounts=GAP_ACCOUNTS, assets=(12, 20), a_household=1), seed=2)
    usual, exact = solve(book), solve(book, exact=True)
    value = usual.drift.value / 1e6
    above = (usual.objective - exact.objective) / value * 1e4
    yield from _distribution("usual above exact", above, mean=0.08, most=0.4, worst=3.0)
    yield from _distribution("certificate, as usual", usual.gap_bps, mean=1.0)
    yield from _distribution("certificate, exact", exact.gap_bps)
    yield Row("engine", "proven, as usual", 100 * float(usual.proven.mean()), "%")
    yield Row("engine", "proven, exact", 100 * float(exact.proven.mean()), "%")
    yield Row("engine", "decisions that do not foot", float((usual.breaches != 0).sum()), "", at_most=0)


def _distribution(
    name: str, gaps: Floats, *, mean: float | None = None, most: float | None = None, worst: float | None = None
) -> Iterator[Row]:
    """With the goals for them, in basis points."""
    yield Row("engine", f"{name}: mean", float(gaps.mean()), "bp", at_most=mean)
    yield Row("engine", f"{name}: 95 of 100 below", float(np.quantile(gaps, 0.95)), "bp", at_most=most)
    yield Row("engine", f"{name}: worst", float(gaps.max()), "bp", at_most=worst)


def _oracle() -> Iterator[Row]:
    """Against optima that SCIP proved. A household's accounts, each with a target of its own, meet in wash groups."""
    goals = {"worst": WORST_BPS, "faults": 0.0}
    with processes() as executor:
        found = known(account, ORACLE_ACCOUNTS, executor)
        yield from _known("accounts", found, ORACLE_ACCOUNTS)
        yield from _against_oracle("accounts, as usual", found.usual, missed=8, **goals)
        yield from _against_oracle("accounts, exact", found.exact, missed=1, **goals)
        found = known(two_accounts, ORACLE_HOUSEHOLDS, executor)
        yield from _known("households", found, ORACLE_HOUSEHOLDS)
        yield from _against_oracle("households, as usual", found.usual, missed=8, **goals)
        yield from _against_oracle("households, exact", found.exact, missed=1, **goals)
        found = known(one_target, ORACLE_HOUSEHOLDS, executor)
        yield from _known("households of one target", found, ORACLE_HOUSEHOLDS)
        yield from _against_oracle("households of one target, as usual", found.usual, missed=8, **goals)
        yield from _against_oracle("households of one target, exact", found.exact, missed=1, **goals)


def _known(name: str, found: Known, wanted: int) -> Iterator[Row]:
    """How many there are, and how many were passed by since SCIP gave up: few, or the figures say little."""
    yield Row("engine", f"{name} with a known optimum", len(found.compared), "")
    most = MOST_UNPROVEN * wanted
    yield Row("engine", f"{name} whose optimum was not proven", found.unproven, "", at_most=most)


def _against_oracle(
    name: str,
    compared: Sequence[Compared],
    *,
    missed: float | None = None,
    worst: float | None = None,
    faults: float | None = None,
) -> Iterator[Row]:
    """The goals: percent that are more than a hundredth of a basis point above the optimum, the worst, and faults."""
    above, faulty = sum(not one.optimal for one in compared), sum(bool(one.faults) for one in compared)
    yield Row("engine", f"{name}: not optimal", 100 * above / len(compared), "%", at_most=missed)
    yield Row("engine", f"{name}: worst", max(one.worse for one in compared), "bp", at_most=worst)
    yield Row("engine", f"{name}: bounds or costs not so", float(faulty), "", at_most=faults)
