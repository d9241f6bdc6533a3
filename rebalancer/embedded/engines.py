"""Both engines as one thing: prepared together, started together, revived one by one, stopped in reverse order."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Self

from rebalancer.embedded import postgres, privileges, processes, valkey
from rebalancer.embedded.errors import CannotRun, sentence_for
from rebalancer.embedded.privileges import Launch
from rebalancer.embedded.state import State, announce, held, secrets_of

Say = Callable[[str], None]


class Engines:
    """PostgreSQL and Valkey of one state directory, which the caller holds.

    A server named by DATABASE_URL or REDIS_URL is the user's own: it is used, and neither started nor stopped.
    """

    def __init__(self, state: State, say: Say, extra: Mapping[str, str] | None = None) -> None:
        """Prepare to start; `extra` variables become part of the environment."""
        self.state = state
        self.say = say
        self.extra = dict(extra or {})
        self.announcement: IO[str] | None = None
        self.own_database = os.environ.get("DATABASE_URL", "")
        self.own_valkey = os.environ.get("REDIS_URL", "")
        self.launch: Launch | None = None
        self.postgres: subprocess.Popen[bytes] | None = None
        self.valkey: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start what is not the user's own, both at the same time, and wait for both.

        :raises CannotRun: with one sentence
        """
        try:
            self.state.make()
            if not self.own_valkey:
                self._start_valkey()
            if not self.own_database:
                self._start_postgres()
            if self.valkey:
                valkey.wait(self.state, self.valkey)
            self.announcement = announce(self.state, self.environment())
        except OSError as error:
            self.stop()
            raise CannotRun(sentence_for(error, where=self.state.root)) from error
        except BaseException:
            self.stop()
            raise
        return self

    def environment(self) -> dict[str, str]:
        """Give the variables by which Django's settings find the engines and this installation's secrets."""
        database, owner = self.own_database, os.environ.get("DATABASE_OWNER_URL") or self.own_database
        if self.launch:
            database = postgres.url(self.state, self.launch, postgres.APP)
            owner = postgres.url(self.state, self.launch, postgres.OWNER)
        return {
            **_kept_or_overridden(secrets_of(self.state)),
            "DATABASE_URL": database,
            "DATABASE_OWNER_URL": owner,
            "REDIS_URL": self.own_valkey or valkey.url(self.state),
            "REBALANCER_STATE_DIR": str(self.state.root),
            **self.extra,
        }

    def revive(self) -> None:
        """Start again an engine that has died, saying so; without effect while both live.

        :raises CannotRun: if it cannot be started again
        """
        if self.valkey and self.valkey.poll() is not None:
            self.say(f"valkey ended ({processes.how_it_ended(self.valkey)}): starting it again")
            self._start_valkey()
            valkey.wait(self.state, self.valkey)
        if self.postgres and self.postgres.poll() is not None:
            self.say(f"postgres ended ({processes.how_it_ended(self.postgres)}): starting it again")
            self._start_postgres()

    def stop(self) -> None:
        """Stop what we started."""
        if self.announcement:
            self.announcement.close()
        if self.postgres:
            postgres.stop(self.postgres)
        if self.valkey:
            valkey.stop(self.valkey)
        self.state.environment_file.unlink(missing_ok=True)

    def _start_valkey(self) -> None:
        valkey.prepare(self.state)
        self.valkey = valkey.start(self.state)

    def _start_postgres(self) -> None:
        self.launch = self.launch or privileges.choose()
        if not (self.state.postgres / "PG_VERSION").exists():
            self.say(f"making a PostgreSQL cluster in {self.state.postgres}")
        postgres.prepare(self.state, self.launch)
        self.postgres = postgres.start(self.state, self.launch)
        postgres.wait(self.state, self.launch, self.postgres)


@contextmanager
def running(state: State, say: Say, extra: Mapping[str, str] | None = None) -> Iterator[Engines]:
    """Hold the state directory and run both engines for the length of a block.

    :raises AlreadyRunning: if a living process holds the directory
    :raises CannotRun: if an engine does not start
    """
    with held(state):
        engines = Engines(state, say, extra).start()
        try:
            yield engines
        finally:
            engines.stop()


def _kept_or_overridden(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ.get(name) or kept for name, kept in secrets.items()}
