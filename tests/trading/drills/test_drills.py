"""Drills as anybody runs them: processes of their own, killed and restarted, and every order accounted for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conftest import ROOT

SEEDS = range(1, 21)


def drill(*words: str) -> tuple[int, list[dict[str, Any]], str]:
    """The exit code, the reports and what was said."""
    command = [sys.executable, "-m", "trading.drills", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def breached(reports: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    found = {
        report["seed"]: {name: n for name, n in report["breaches"].items() if n not in (0, "0.000000")}
        for report in reports
    }
    return {seed: names for seed, names in found.items() if names}


def test_twenty_drills_lose_nothing_and_send_nothing_twice() -> None:
    code, reports, said = drill("--seed", *map(str, SEEDS), "--orders", "20", "--kills", "1", "--no-restarts")
    assert breached(reports) == {}, said[-3000:]
    assert (code, [report["seed"] for report in reports]) == (0, list(SEEDS)), said[-3000:]
    assert all(report["kills"]["worker"] == 1 for report in reports)
    assert sum(report["befallen"]["outcome_unknown"] for report in reports) > 0
    assert sum(report["befallen"]["busted"] for report in reports) > 0


def test_engines_custodian_listener_and_workers_may_all_go_down_in_the_middle() -> None:
    code, reports, said = drill("--seed", "77", "--orders", "120", "--kills", "3")
    assert breached(reports) == {}, said[-3000:]
    assert code == 0, said[-3000:]
    assert reports[0]["restarts"] == {"postgres": 1, "valkey": 1}
    assert reports[0]["kills"] == {"worker": 3, "custodian": 1, "listener": 1}


@pytest.mark.parametrize("words", [("--orders", "0"), ("--faults", "explode")])
def test_a_drill_that_cannot_be_is_refused_with_a_sentence(words: tuple[str, ...]) -> None:
    code, reports, said = drill(*words)
    assert (code, reports) == (2, [])
    assert said.strip().endswith(".")
