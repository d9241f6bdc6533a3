"""A database of its own for a benchmark, made by the owner role and dropped afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql


@contextmanager
def scratch_database() -> Iterator[None]:
    """Turn both connections to a fresh, migrated database; the installation's own is left alone."""
    settings: dict[str, Any] = connections["owner"].settings_dict
    home, name = settings["NAME"], f"bench_{os.getpid()}"
    server = psycopg.connect(
        dbname=home,
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
        autocommit=True,
    )
    with server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        _turn_to(name)
        try:
            call_command("migrate", database="owner", verbosity=0)
            yield
        finally:
            _turn_to(home)
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _turn_to(name: str) -> None:
    for alias in ("default", "owner"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
