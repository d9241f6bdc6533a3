"""Starts services, watches them and the engines, starts again what dies, and stops all in reverse order."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebalancer.embedded import processes
from rebalancer.embedded.engines import Engines, Say
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.services import STOP_SECONDS, Service
from rebalancer.embedded.state import CHECKOUT, State

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 60.0  # who lived this long has recovered: the next death is a first one again


@dataclass(slots=True)
class Watched:
    """A service with its present process, and when it may be started again after a death."""

    service: Service
    process: subprocess.Popen[bytes]
    started_at: float
    pause: float = FIRST_PAUSE
    due_at: float | None = None


class Supervisor:
    """The services of one state directory, which the caller holds with its engines running."""

    def __init__(self, engines: Engines, say: Say) -> None:
        self.engines = engines
        self.environment = {**os.environ, **engines.environment()}
        self.say = say
        self.watched: list[Watched] = []

    def start(self, service: Service) -> None:
        """Start a service and watch it from now on."""
        self.watched.append(Watched(service, self._spawn(service), time.monotonic()))
        self._write_down()

    def look(self) -> None:
        """Start again what has died and whose pause is over; call it a few times a second.

        :raises CannotRun: if an engine cannot be started again
        """
        self.engines.revive()
        for watched in self.watched:
            self._look_at(watched)

    def stop(self) -> None:
        """Ask all services to stop, last started first, and wait for them in the same order."""
        for watched in reversed(self.watched):
            if watched.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    watched.process.send_signal(signal.SIGTERM)
        for watched in reversed(self.watched):
            processes.stop(watched.process, with_signal=signal.SIGTERM, patience=STOP_SECONDS)
        _roll(self.engines.state).unlink(missing_ok=True)

    def _look_at(self, watched: Watched) -> None:
        now = time.monotonic()
        if watched.due_at is None and watched.process.poll() is not None:
            if now - watched.started_at > STEADY_SECONDS:
                watched.pause = FIRST_PAUSE
            log = self.engines.state.logs / f"{watched.service.name}.log"
            ending = processes.how_it_ended(watched.process)
            self.say(f"{watched.service.name} ended ({ending}): starting it again in {watched.pause:g} s (log: {log})")
            watched.due_at = now + watched.pause
            watched.pause = min(watched.pause * 2, LONGEST_PAUSE)
        elif watched.due_at is not None and now >= watched.due_at:
            watched.process, watched.started_at, watched.due_at = self._spawn(watched.service), now, None
            self._write_down()

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        log = self.engines.state.logs / f"{service.name}.log"
        return processes.start(
            service.command, log=log, on_our_death=signal.SIGTERM, cwd=CHECKOUT, env=self.environment
        )

    def _write_down(self) -> None:
        born = {str(w.process.pid): processes.born_at(w.process.pid) for w in self.watched if w.process.poll() is None}
        draft = _roll(self.engines.state).with_suffix(".new")
        draft.write_text(json.dumps(born))
        draft.replace(_roll(self.engines.state))


def end_orphans(state: State) -> None:
    """End services that a killed supervisor left behind; call it while holding the state directory."""
    if not _roll(state).exists():
        return
    born: dict[str, str] = json.loads(_roll(state).read_text())
    orphans = [int(pid) for pid, moment in born.items() if moment and processes.born_at(int(pid)) == moment]
    processes.end_groups(orphans, patience=STOP_SECONDS)
    _roll(state).unlink()


def run_to_end(command: Sequence[str], *, name: str, state: State, environment: Mapping[str, str]) -> None:
    """Run a preparing command, its output to a log.

    :raises CannotRun: if it fails, with the last line it wrote
    """
    log = state.logs / f"{name}.log"
    process = processes.start(
        command, log=log, on_our_death=signal.SIGTERM, cwd=CHECKOUT, env={**os.environ, **environment}
    )
    try:
        code = process.wait()
    finally:
        processes.stop(process, with_signal=signal.SIGTERM, patience=STOP_SECONDS)
    if code != 0:
        last = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
        raise CannotRun(f"{name} failed: {last[0] if last else 'it said nothing'} (log: {log})")


def _roll(state: State) -> Path:
    return state.root / "processes.json"
