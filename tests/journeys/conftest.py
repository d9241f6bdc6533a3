"""The whole product as processes of their own, and a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import ROOT, clone_template, drop_clone

PATIENCE_SECONDS = 30
PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass(frozen=True, slots=True)
class Stack:
    """The running product: its address, the custodian's, and where its processes write what they do."""

    url: str
    logs: Path
    custodian: str

    def set_faults(self, *faults: dict[str, object]) -> None:
        """What goes wrong at the custodian from now on."""
        request = urllib.request.Request(
            f"{self.custodian}/simulator/faults",
            data=json.dumps(faults).encode(),
            headers={"APCA-API-KEY-ID": "OPERATOR", "APCA-API-SECRET-KEY": "operator-secret"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def told(self) -> str:
        """The end of every log, for the reader of a failed test."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(self.logs.glob("*.log")))


def chromium() -> str | None:
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def program() -> str:
    """The path of Chromium; where there is none, nothing else is started."""
    found = chromium()
    if found is None:
        if os.environ.get("REBALANCER_REQUIRE_BROWSER") == "1":
            pytest.fail("REBALANCER_REQUIRE_BROWSER is set and no Chromium was found on PATH")
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def stack(program: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Stack]:
    """A fresh database, the simulated custodian, the web server, a worker and the listener."""
    name = f"journey_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    logs = tmp_path_factory.mktemp("stack")
    with django_db_blocker.unblock():
        clone_template(name)
    try:
        with ExitStack() as running:
            yield _start(running, name, logs)
    finally:
        drop_clone(name)


@pytest.fixture(scope="module")
def browser(program: str, stack: Stack) -> Iterator[Browser]:
    """Comes after the database is made: beside Playwright's event loop Django refuses to touch one."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()


def _start(running: ExitStack, database: str, logs: Path) -> Stack:
    web, custodian = _free_port(), _free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": _renamed(os.environ["DATABASE_URL"], database),
        "DATABASE_OWNER_URL": _renamed(os.environ["DATABASE_OWNER_URL"], database),
        "DJANGO_SETTINGS_MODULE": "rebalancer.settings",
        "REBALANCER_STATE_DIR": str(logs),
        "SECRET_KEY": "journey",
        "SIMULATOR_URL": f"http://127.0.0.1:{custodian}",
        "SIMULATOR_KEY_ID": "OPERATOR",
        "SIMULATOR_SECRET": "operator-secret",
    }
    (logs / "static").mkdir()

    def start(name: str, *words: str) -> subprocess.Popen[bytes]:
        return running.enter_context(_process([sys.executable, *words], logs / f"{name}.log", environment))

    market = ("-m", "trading.custodians.simulator", "--host", "127.0.0.1", "--port", str(custodian))
    keys = ("--key-id", "OPERATOR", "--secret", "operator-secret")
    start("custodian", *market, "--store", str(logs / "market.sqlite3"), "--seed", "7", *keys, "--fill-delay", "200")
    bind = ("--bind", f"127.0.0.1:{web}", "--worker-class", "gthread", "--threads", "4", "--no-control-socket")
    start("web", "-m", "gunicorn", "rebalancer.wsgi", *bind)
    start("worker", "-m", "celery", "-A", "rebalancer", "worker", "--pool", "threads", "--concurrency", "1")
    _answers(f"http://127.0.0.1:{custodian}/simulator/health")
    build = [sys.executable, "-m", "tests.journeys.book"]
    built = subprocess.run(build, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    start("stream", "manage.py", "stream_custodians")
    stack = Stack(f"http://127.0.0.1:{web}", logs, f"http://127.0.0.1:{custodian}")
    _answers(f"{stack.url}/accounts/login/")
    return stack


@contextmanager
def _process(command: Sequence[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block runs; it must not have ended by itself before."""
    with log.open("wb") as out, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as running:
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()


def _renamed(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    pytest.fail(f"{url} did not answer in {PATIENCE_SECONDS} seconds")
