"""Engines of each test's own, in a directory of its own: the servers that run the other tests are left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.embedded.engines import Engines
from rebalancer.embedded.state import State

INHERITED = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "REBALANCER_STATE_DIR"),
    *("SECRET_KEY", "FIELD_ENCRYPTION_KEY", "SIMULATOR_KEY_ID", "SIMULATOR_SECRET"),
)


@pytest.fixture(autouse=True)
def _no_servers_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in INHERITED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A durable state directory that nobody has used."""
    return State(tmp_path / "state", "demo")


@pytest.fixture
def engines(state: State, said: list[str]) -> Iterator[Engines]:
    """Both engines, running; stopped afterwards whatever became of them."""
    started = Engines(state, said.append).start()
    yield started
    started.stop()


@pytest.fixture
def said() -> list[str]:
    """What the engines told the person at the terminal."""
    return []
