"""Workers as processes of their own, one of which is killed in the middle of its part of a scan."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rebalancer.celery import app
from tests.conftest import ROOT, clone_template, drop_clone
from tests.trading.api.conftest import renamed

PATIENCE_SECONDS = 180
LEASE_SECONDS = 3
QUEUE = "killed"
HELD_UP = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A database with a scan that waits, and the environment of its workers."""

    database: str
    environment: dict[str, str]
    logs: Path

    def connect(self) -> psycopg.Connection:
        """As the owner of the tables, who sees Birch."""
        found = psycopg.connect(renamed(os.environ["DATABASE_OWNER_URL"], self.database), autocommit=True)
        firm = "(SELECT id FROM accounts_firm WHERE slug = 'birch')"
        found.execute(f"SELECT set_config('app.firm_id', {firm}::text, false)")
        return found

    def rows(self, statement: str) -> list[Any]:
        with self.connect() as connection:
            return connection.execute(statement).fetchall()

    @contextmanager
    def worker(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker with a child that does the work; all of it is gone when the block ends."""
        words = ["-m", "celery", "-A", "rebalancer", "worker", "--concurrency", "1", "-Q", QUEUE, "-n", f"{name}@test"]
        with (
            (self.logs / f"{name}.log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                kill(process)

    def told(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.logs.glob("*.log")))


def kill(worker: subprocess.Popen[bytes]) -> None:
    """The worker and its child, at once and without a word."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@pytest.fixture
def site(tmp_path: Path, django_db_blocker: Any) -> Iterator[Site]:
    name = f"killed_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():
        clone_template(name)
    environment = {
        **os.environ,
        "DATABASE_URL": renamed(os.environ["DATABASE_URL"], name),
        "DATABASE_OWNER_URL": renamed(os.environ["DATABASE_OWNER_URL"], name),
        "DJANGO_SETTINGS_MODULE": "rebalancer.settings",
        "SECRET_KEY": "killed",
        "REBALANCER_STATE_DIR": str(tmp_path),
        "SCAN_LEASE_SECONDS": str(LEASE_SECONDS),
    }
    (tmp_path / "static").mkdir()
    try:
        build = [sys.executable, "-m", "tests.trading.tasks.book"]
        subprocess.run(build, cwd=ROOT, env=environment, check=True)
        yield Site(name, environment, tmp_path)
    finally:
        with app.connection_for_write() as broker:
            broker.default_channel.queue_purge(QUEUE)
        with django_db_blocker.unblock():
            drop_clone(name)


def wait_until(true: Callable[[], object], site: Site) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, site.told()
        time.sleep(0.2)


def nudge() -> None:
    """What the schedule says every few seconds."""
    app.send_task("trading.sweep_scans", queue=QUEUE)


def test_what_a_killed_worker_held_is_done_once_by_another(site: Site) -> None:
    with site.connect() as other, other.transaction(), site.worker("first") as first:
        other.execute("LOCK TABLE portfolios_accountsignal IN EXCLUSIVE MODE")
        nudge()
        wait_until(lambda: site.rows(HELD_UP) == [(1,)], site)
        assert site.rows("SELECT number, status, attempt FROM portfolios_scanshard ORDER BY number") == [
            (1, "RUNNING", 1),
            (2, "QUEUED", 0),
            (3, "QUEUED", 0),
        ]
        ((lease_until,),) = site.rows("SELECT lease_until FROM portfolios_scanshard WHERE number = 1")
        kill(first)
    assert site.rows("SELECT count(*) FROM trading_proposal") == [(0,)]
    with site.worker("second"):

        def is_done() -> bool:
            nudge()
            return site.rows("SELECT status FROM portfolios_scan") == [("DONE",)]

        wait_until(is_done, site)
    assert site.rows(
        "SELECT number, status, attempt, accounts_total, accounts_scanned FROM portfolios_scanshard ORDER BY number"
    ) == [(1, "DONE", 2, 2, 2), (2, "DONE", 1, 2, 2), (3, "DONE", 1, 2, 2)]
    ((finished_at,),) = site.rows("SELECT finished_at FROM portfolios_scan")
    assert finished_at >= lease_until
    accounts = site.rows("SELECT id FROM accounts_account ORDER BY id")
    assert len(accounts) == 6
    assert site.rows("SELECT account_id FROM portfolios_accountsignal ORDER BY account_id") == accounts
    assert site.rows("SELECT account_id FROM trading_proposalaccount ORDER BY account_id") == accounts
    assert site.rows("SELECT count(*) FROM accounts_auditevent WHERE action = 'SCAN_DONE'") == [(1,)]
