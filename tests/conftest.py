"""Two firms, Birch and Cedar, in a database made by the owner role and used by the runtime role behind its walls."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests.reference import load_reference
from tests.worlds import Birch, Cedar, make_birch, make_cedar
from trading.benchmarks.scratch import drop_database

ROOT = Path(__file__).parent.parent
# The tests turn the settings to databases of their own; this one is only used to make and drop those.
SERVER: dict[str, Any] = dict(settings.DATABASES["owner"])


def pytest_configure(config: pytest.Config) -> None:
    if "DATABASE_URL" not in os.environ:
        pytest.exit("No database: run the tests with `python3 dev.py test`, which starts PostgreSQL and Valkey.", 4)


def _owner(name: str) -> psycopg.Connection:
    """A connection of the owner role to a database of the test server."""
    return psycopg.connect(
        dbname=name,
        user=SERVER["USER"],
        password=SERVER["PASSWORD"] or None,
        host=SERVER["HOST"] or None,
        port=SERVER["PORT"] or None,
        autocommit=True,
    )


def _fingerprint() -> str:
    """Of everything that shapes the template: it is made anew when a migration or the reference data changes."""
    digest = hashlib.sha256()
    for path in (*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "accounts/protection.py", ROOT / "tests/reference.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _point_at(name: str) -> None:
    for alias in ("default", "owner"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name


def _template(server: psycopg.Connection) -> str:
    name = f"template_{_fingerprint()}"
    server.execute("SELECT pg_advisory_lock(20260105)")
    if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        building = f"{name}_building"
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(building)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
        _point_at(building)
        call_command("migrate", database="owner", verbosity=0)
        load_reference()
        _point_at("none")
        server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name)))
    return name


def clone_template(name: str) -> None:
    """A fresh database of that name, as the template stands."""
    with _owner(SERVER["NAME"]) as server:
        template = _template(server)
        drop_database(server, name)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def drop_clone(name: str) -> None:
    with _owner(SERVER["NAME"]) as server:
        drop_database(server, name)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> Iterator[None]:
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        clone_template(name)
        _point_at(name)
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        _point_at("none")
        drop_clone(name)


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """A database in which everything is committed, for tests of several connections; it is dropped afterwards."""
    name = f"own_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        usual = connections["default"].settings_dict["NAME"]
        clone_template(name)
        _point_at(name)
        try:
            yield
        finally:
            _point_at(usual)
            drop_clone(name)


@pytest.fixture
def birch(db: None) -> Iterator[Birch]:
    """The first firm, with a small book; the test runs in its scope."""
    world = make_birch()
    with world.scope():
        yield world


@pytest.fixture
def cedar(db: None) -> Cedar:
    """The second firm, with a book of its own; enter `cedar.scope()` to act as it."""
    return make_cedar()
