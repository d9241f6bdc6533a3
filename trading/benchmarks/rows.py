"""What a benchmark says: a figure beside its goal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `at_most` is the goal, if there is one; a ratio is against a floor taken in the same run."""

    group: str
    name: str
    figure: float
    unit: str
    at_most: float | None = None

    @property
    def met(self) -> bool:
        return self.at_most is None or self.figure <= self.at_most

    def line(self) -> str:
        goal = "" if self.at_most is None else f"goal ≤ {self.at_most:g}"
        verdict = "" if self.at_most is None else ("met" if self.met else "MISSED")
        return f"{self.group:8} {self.name:44} {self.figure:10.3f} {self.unit:8} {goal:14} {verdict}".rstrip()

    def record(self) -> dict[str, object]:
        return {**asdict(self), "met": self.met}


def ratio(act: Callable[[], object], floor: Callable[[], object], *, pairs: int = 9) -> float:
    """The median of an act's time over a floor's, each pair back to back: a machine that slows down slows both."""
    act(), floor()
    return median(_timed(act) / _timed(floor) for _ in range(pairs))


def seconds(act: Callable[[], object], *, runs: int = 7) -> float:
    """The median wall-clock time of an act, after one run that is not counted."""
    act()
    return median(_timed(act) for _ in range(runs))


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
