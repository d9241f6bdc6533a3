"""The processes of a drill: workers, scheduler, listener and custodian, killed on purpose and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from rebalancer.embedded import processes
from rebalancer.embedded.engines import Engines
from rebalancer.embedded.services import LOOPBACK, MANAGE, PYTHON, STOP_SECONDS, free_port
from rebalancer.embedded.state import CHECKOUT
from trading.drills.plan import Step

WORKERS = 2
ANSWERS_WITHIN_SECONDS = 30.0
SERVICES = ("custodian", "worker1", "worker2", "beat", "stream")


class StackBroken(RuntimeError):
    """A process of the drill does not come up."""


@dataclass(slots=True)
class Stack:
    """Everything that runs beside the drill. Call it from the main thread only: children are tied to it.

    `kills` counts processes ended with SIGKILL and `restarts` engines that were shut down and started, by name.
    """

    engines: Engines
    directory: Path
    environment: dict[str, str]
    seed: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    admin: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        for kept in self.directory.glob("custodian.sqlite3*"):
            kept.unlink()
        port = free_port()
        self.environment["SIMULATOR_URL"] = f"http://{LOOPBACK}:{port}"
        keys = {
            "APCA-API-KEY-ID": self.environment["SIMULATOR_KEY_ID"],
            "APCA-API-SECRET-KEY": self.environment["SIMULATOR_SECRET"],
        }
        self.admin = httpx.Client(base_url=self.environment["SIMULATOR_URL"], headers=keys, trust_env=False, timeout=30)

    def start(self, *names: str) -> None:
        for name in names or SERVICES:
            self.running[name] = processes.start(
                self._command(name),
                log=self.directory / f"{name}.log",
                on_our_death=signal.SIGKILL,
                cwd=CHECKOUT,
                env={**os.environ, **self.environment},
            )

    def look(self) -> None:
        """Start again what has died, engines too."""
        self.engines.revive()
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(name)

    def act(self, step: Step, chance: Random) -> None:
        """Kill or restart something; what was killed comes back with the next look."""
        match step:
            case Step.KILL_CHILD:
                self._kill_child(f"worker{chance.randint(1, WORKERS)}", chance)
            case Step.KILL_WORKER:
                self._kill(f"worker{chance.randint(1, WORKERS)}", "worker")
            case Step.KILL_LISTENER:
                self._kill("stream", "listener")
            case Step.KILL_CUSTODIAN:
                self._kill("custodian", "custodian")
            case Step.RESTART_POSTGRES:
                self._restart("postgres", self.engines.postgres)
            case Step.RESTART_VALKEY:
                self._restart("valkey", self.engines.valkey)

    def stop(self) -> None:
        self.admin.close()
        for process in reversed(self.running.values()):
            processes.stop(process, with_signal=signal.SIGTERM, patience=STOP_SECONDS)
        self.running.clear()

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        """What the custodian's operator is told.

        :raises StackBroken: if it does not answer in time, or refuses
        """
        deadline = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                answer = self.admin.request(method, f"/simulator/{path}", json=content)
                if answer.is_success:
                    return answer.json()
                raise StackBroken(f"The custodian refuses {path}: {answer.text}")
            self.look()
            time.sleep(0.05)
        raise StackBroken(f"The custodian did not answer within {ANSWERS_WITHIN_SECONDS:.0f} seconds.")

    def _command(self, name: str) -> Sequence[str]:
        celery = (PYTHON, "-m", "celery", "-A", "rebalancer")
        quiet = ("--loglevel", "WARNING")
        if name == "custodian":
            return self._custodian()
        if name == "stream":
            return (*MANAGE, "stream_custodians")
        if name == "beat":
            return (*celery, "beat", "-S", "redbeat.RedBeatScheduler", *quiet, "--pidfile=")
        few = ("--concurrency", "2", "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle")
        return (*celery, "worker", *quiet, "--hostname", f"{name}@drill{os.getpid()}", *few)

    def _custodian(self) -> Sequence[str]:
        options: Mapping[str, str] = {
            "--port": self.environment["SIMULATOR_URL"].rpartition(":")[2],
            "--store": str(self.directory / "custodian.sqlite3"),
            "--seed": str(self.seed),
            "--key-id": self.environment["SIMULATOR_KEY_ID"],
            "--secret": self.environment["SIMULATOR_SECRET"],
            "--fill-delay": "60",
            "--rate-window": "2",
        }
        words = [f"{name}={value}" for name, value in options.items()]  # a value may begin with a dash
        return (sys.executable, "-m", "trading.custodians.simulator", *words, "--always-open")

    def _kill_child(self, name: str, chance: Random) -> None:
        """One of the processes that carry out tasks; its parent makes another."""
        parent = self.running[name].pid
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except OSError:
            children = []
        if not children:
            self._kill(name, "worker")
            return
        with suppress(ProcessLookupError):
            os.kill(int(chance.choice(children)), signal.SIGKILL)
            self._count(self.kills, "worker")

    def _kill(self, name: str, kind: str) -> None:
        process = self.running[name]
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._count(self.kills, kind)

    def _restart(self, name: str, process: subprocess.Popen[bytes] | None) -> None:
        if process is None:
            raise StackBroken(f"{name} is not ours to restart.")
        processes.stop(process, with_signal=signal.SIGINT, patience=STOP_SECONDS)
        self.engines.revive()
        self._count(self.restarts, name)

    @staticmethod
    def _count(counts: dict[str, int], name: str) -> None:
        counts[name] = counts.get(name, 0) + 1
