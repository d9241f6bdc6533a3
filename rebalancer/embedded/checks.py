"""`dev.py check`: every gate, each with its seconds; all failures are shown, not only the first."""

import os
import secrets
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from rebalancer.embedded.bootstrap import say
from rebalancer.embedded.services import MANAGE, PYTHON
from rebalancer.embedded.state import CHECKOUT

AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Gate:
    """One check: what it is called, what runs, and what its environment has besides ours."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a gate ended, after how many seconds, and what it wrote."""

    gate: Gate
    passed: bool
    seconds: float
    output: str


def gates() -> Sequence[Gate]:
    """Give all gates, the slowest first."""
    tools = CHECKOUT / ".venv" / "bin"
    production = {"SECRET_KEY": secrets.token_urlsafe(50), "SECURE_COOKIES": "1", "REBALANCER_DEMO": ""}
    without_database = {"SECRET_KEY": production["SECRET_KEY"], "PYTHONWARNINGS": "ignore::RuntimeWarning"}
    return (
        Gate("types", (PYTHON, "-m", "mypy", "--strict", ".")),
        Gate("format", (PYTHON, "-m", "ruff", "format", "--check", "--output-format", "concise", ".")),
        Gate("lint", (PYTHON, "-m", "ruff", "check", "--output-format", "concise", ".")),
        Gate("contracts", (str(tools / "lint-imports"), "--no-cache")),
        Gate("templates", (PYTHON, "-m", "djlint", "templates", "--lint", "--quiet")),
        Gate("migrations", (*MANAGE, "makemigrations", "--check", "--dry-run"), without_database),
        Gate("deployment", (*MANAGE, "check", "--deploy", "--fail-level", "WARNING"), production),
    )


def main(arguments: Sequence[str]) -> int:
    """Run the gates, or the ones that are named; exit code 1 if any fails."""
    chosen = [gate for gate in gates() if not arguments or gate.name in arguments]
    if not chosen:
        say(f"No such check: choose from {', '.join(gate.name for gate in gates())}.")
        return 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = []
        for outcome in pool.map(run, chosen):
            say(f"{outcome.gate.name:<12}{'ok' if outcome.passed else 'FAILED':<8}{outcome.seconds:6.1f} s")
            if not outcome.passed:
                say(outcome.output.rstrip() + "\n")
            outcomes.append(outcome)
    failed = [outcome.gate.name for outcome in outcomes if not outcome.passed]
    say(f"failed: {', '.join(failed)}" if failed else f"all {len(outcomes)} checks passed")
    return 1 if failed else 0


def run(gate: Gate) -> Outcome:
    """Run one gate to its end."""
    began = time.monotonic()
    result = subprocess.run(
        gate.command,
        cwd=CHECKOUT,
        env={**os.environ, **gate.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(gate, result.returncode == 0, time.monotonic() - began, result.stdout)
