"""The processes of an installation besides the engines, each with the command that starts it."""

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebalancer.embedded.state import CHECKOUT, State

PYTHON: Final = sys.executable
MANAGE: Final = (PYTHON, str(CHECKOUT / "manage.py"))
COMPILE: Final = (*MANAGE, "compile_engine")
LOOPBACK: Final = "127.0.0.1"
STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """One long-running process; its log is `<state>/logs/<name>.log`."""

    name: str
    command: tuple[str, ...]


def custodian(state: State, environment: Mapping[str, str]) -> Service:
    """Give the simulated custodian, with a store of its own."""
    options = {
        "--port": environment["SIMULATOR_URL"].rpartition(":")[2],
        "--store": str(state.root / "simulator.sqlite3"),
        "--seed": "7",
        "--key-id": environment["SIMULATOR_KEY_ID"],
        "--secret": environment["SIMULATOR_SECRET"],
    }
    words = [f"{name}={value}" for name, value in options.items()]  # a value may begin with a dash
    return Service("custodian", (PYTHON, "-m", "trading.custodians.simulator", *words, "--always-open"))


def web(state: State, port: int) -> Service:
    """Give the web server."""
    return Service(
        "web",
        (
            *(PYTHON, "-m", "gunicorn", "rebalancer.wsgi", "--bind", f"{LOOPBACK}:{port}"),
            *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
            *("--worker-tmp-dir", str(state.root), "--no-control-socket", "--graceful-timeout", "5"),
        ),
    )


def worker() -> Service:
    """Give the worker: two children, one task each at a time, so that a killed one holds up as little as possible."""
    return Service(
        "worker",
        (
            *(PYTHON, "-m", "celery", "-A", "rebalancer", "worker", "--loglevel", "INFO", "--hostname", "worker@%h"),
            *("--concurrency", "2", "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle"),
        ),
    )


def beat() -> Service:
    """Give the scheduler, whose clock and lock live in Valkey."""
    redbeat = "redbeat.RedBeatScheduler"
    return Service(
        "beat", (PYTHON, "-m", "celery", "-A", "rebalancer", "beat", "-S", redbeat, "--loglevel", "INFO", "--pidfile=")
    )


def stream() -> Service:
    """Give the listener of the custodians' trade updates."""
    return Service("stream", (*MANAGE, "stream_custodians"))


def for_demo(state: State, environment: Mapping[str, str], *, port: int) -> Sequence[Service]:
    """Give the processes of the demo in the order in which they start: what answers the first page comes first."""
    return (web(state, port), custodian(state, environment), worker(), beat(), stream())


def for_one_day(state: State, environment: Mapping[str, str]) -> Sequence[Service]:
    """Give the processes of one day without a browser, which listens itself and shares its scan with the worker."""
    return (custodian(state, environment), worker())


def free_port() -> int:
    """Find a port of the loopback that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def migrations(checkout: Path = CHECKOUT) -> list[Path]:
    """Find everything that decides what the database looks like: our migrations and the packages' versions."""
    return [*sorted(checkout.glob("*/migrations/*.py")), checkout / "requirements" / "base.lock"]
