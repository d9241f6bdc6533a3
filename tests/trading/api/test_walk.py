"""The documentation's commands, run as they stand against a web server of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from django.utils import timezone

from tests.conftest import ROOT, clone_template, drop_clone
from tests.trading.api.conftest import renamed

GUIDE = (ROOT / "docs/custodian-api.md").read_text()
PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Site:
    """A running web server, its database and a custodian's key."""

    url: str
    database: str
    key: str


@pytest.fixture(autouse=True)
def clock() -> None:
    """The server lives in real time."""


@pytest.fixture
def site(tmp_path: Path, django_db_blocker: Any) -> Iterator[Site]:
    name = f"walk_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():
        clone_template(name)
    environment = {
        **os.environ,
        "DATABASE_URL": renamed(os.environ["DATABASE_URL"], name),
        "DATABASE_OWNER_URL": renamed(os.environ["DATABASE_OWNER_URL"], name),
        "DJANGO_SETTINGS_MODULE": "rebalancer.settings",
        "SECRET_KEY": "walk",
        "REBALANCER_STATE_DIR": str(tmp_path),
        "CUSTODIAN_API_LIMITS": "reads=1000,writes=1000,batches=1000",
    }
    (tmp_path / "static").mkdir()
    try:
        build = [sys.executable, "-m", "tests.trading.api.book"]
        key = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        with _web(environment) as url:
            yield Site(url, name, key)
    finally:
        with django_db_blocker.unblock():
            drop_clone(name)


@contextmanager
def _web(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = [
        "-m",
        "gunicorn",
        "rebalancer.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--threads",
        "4",
        "--no-control-socket",
    ]
    with subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment) as process:
        try:
            _wait(f"{url}/api/custodian/v1/health", process)
            yield url
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert process.poll() is None, "the web server stopped"
        assert time.monotonic() < deadline, "the web server did not answer"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)


def _script(site: Site, day: date) -> str:
    """The guide's commands, for this site and for a day that is over."""
    text = "\n".join(re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
    text = text.replace("2026-11-20", day.isoformat()).replace("2026-11-23", (day + timedelta(days=3)).isoformat())
    text = text.replace("20261120", f"{day:%Y%m%d}").replace("KEY=cust_…", f"KEY={site.key}")
    return "set -euo pipefail\n" + text.replace("http://127.0.0.1:8000", site.url)


def _rows(site: Site, statement: str) -> list[Any]:
    firm = "(SELECT id FROM accounts_firm WHERE slug = 'birch')"
    with psycopg.connect(renamed(os.environ["DATABASE_OWNER_URL"], site.database)) as connection:
        connection.execute(f"SELECT set_config('app.firm_id', {firm}::text, false)")
        return connection.execute(statement).fetchall()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on PATH")
def test_the_day_in_the_guide_can_be_walked_by_curl(site: Site):
    assert not time_machine.escape_hatch.is_travelling()
    day = timezone.localdate() - timedelta(days=1)
    walked = subprocess.run(["bash"], input=_script(site, day), capture_output=True, text=True, check=False)
    assert walked.returncode == 0, walked.stderr + walked.stdout
    answers = list(_documents(walked.stdout))
    assert [answer.get("status", answer.get("state")) for answer in answers] == [
        *["applied"] * 6, None, "acknowledged", None, None, "filled", None
    ]  # fmt: skip
    assert (answers[-2]["cum_quantity"], answers[-2]["average_price"]) == ("55", "300.012727")
    lots = "SELECT lot_key, quantity FROM portfolios_lot WHERE quantity > 0 ORDER BY lot_key"
    assert _rows(site, lots) == [("BND-2021-03-03-150", Decimal(150)), ("VTI-2021-03-03-200", Decimal(195))]
    cash = _rows(site, "SELECT settled, unsettled FROM portfolios_cashbalance")
    assert cash == [(Decimal("2000.00"), Decimal("6000.00") - Decimal("0.17") + Decimal("10500.70"))]


def _documents(text: str) -> Iterator[dict[str, Any]]:
    decoder, place = json.JSONDecoder(), 0
    while place < len(text.rstrip()):
        found, place = decoder.raw_decode(text, place)
        yield found
        while place < len(text) and text[place].isspace():
            place += 1
