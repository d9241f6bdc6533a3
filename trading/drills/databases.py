"""A database for each drill, copied from the migrated one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections
from psycopg import sql

from trading.benchmarks.scratch import drop_database, owner_of, turn_to


@contextmanager
def copied_database(name: str) -> Iterator[str]:
    """Turn both connections to a copy of the installation's database, which is dropped afterwards."""
    home = str(settings.DATABASES["owner"]["NAME"])
    connections.close_all()
    with owner_of("postgres") as server:
        drop_database(server, name)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(home)))
    turn_to(name)
    try:
        yield name
    finally:
        turn_to(home)
        with owner_of("postgres") as server:
            drop_database(server, name)
