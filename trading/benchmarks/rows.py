"""What a benchmark says: a figure beside its goal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `at_most` or `at_least` is the goal, if there is one; a ratio is against a floor of the same run."""

    group: str
    name: str
    figure: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        low, high = self.at_least, self.at_most
        return (high is None or self.figure <= high) and (low is None or self.figure >= low)

    def line(self) -> str:
        goals = [f"{sign} {goal:g}" for sign, goal in (("≤", self.at_most), ("≥", self.at_least)) if goal is not None]
        goal = f"goal {', '.join(goals)}" if goals else ""
        verdict = "" if not goals else ("met" if self.met else "MISSED")
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
