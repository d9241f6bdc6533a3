from __future__ import annotations

import pytest

from trading.benchmarks.rows import Row


@pytest.mark.parametrize(
    ("figure", "goal", "met"),
    [
        pytest.param(1.5, 2.0, True, id="below its goal"),
        pytest.param(2.0, 2.0, True, id="at its goal"),
        pytest.param(2.1, 2.0, False, id="above its goal"),
        pytest.param(99.0, None, True, id="no goal"),
    ],
)
def test_a_figure_meets_its_goal_or_misses_it(figure: float, goal: float | None, met: bool) -> None:
    row = Row("scan", "whole", figure, "x floor", goal)
    assert row.met is met
    assert ("MISSED" in row.line()) is not met
    assert row.record()["met"] is met
