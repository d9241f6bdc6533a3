"""A database of its own for a benchmark, made by the owner role and dropped afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

PATIENCE_SECONDS = 20.0


@contextmanager
def scratch_database() -> Iterator[None]:
    """Turn both connections to a fresh, migrated database; the installation's own is left alone."""
    home, name = str(connections["owner"].settings_dict["NAME"]), f"bench_{os.getpid()}"
    with owner_of(home) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        turn_to(name)
        try:
            call_command("migrate", database="owner", verbosity=0)
            yield
        finally:
            turn_to(home)
            drop_database(server, name)


def owner_of(database: str) -> psycopg.Connection:
    """A connection of the owner role to a database of the server."""
    settings: dict[str, Any] = connections["owner"].settings_dict
    return psycopg.connect(
        dbname=database,
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
        autocommit=True,
    )


def drop_database(server: psycopg.Connection, name: str) -> None:
    """Drop a database and end who is in it. Autovacuum, which the owner role may not end, is waited for.

    :raises psycopg.errors.InsufficientPrivilege: if somebody stays in it whom the owner role may not send away
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def turn_to(name: str) -> None:
    """Turn both connections of this process to a database of the same server."""
    for alias in ("default", "owner"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
