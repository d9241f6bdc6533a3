from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trading.custodians.running import BOOK, Simulator
from trading.custodians.alpaca import Alpaca


@pytest.fixture(scope="module")
def running_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator") / "store.sqlite3")
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """A running simulator with the book of `BOOK`, without faults, always open."""
    running_simulator.set_faults()
    running_simulator.admin("PUT", "clock", {"mode": "ALWAYS_OPEN"})
    running_simulator.cancel_all()
    running_simulator.admin("POST", "load", BOOK)
    return running_simulator


@pytest.fixture
def mortal_simulator(tmp_path: Path) -> Iterator[Simulator]:
    """One that a test may kill."""
    simulator = Simulator(tmp_path / "store.sqlite3")
    simulator.start()
    simulator.admin("POST", "load", BOOK)
    yield simulator
    simulator.kill()


@pytest.fixture
def line(simulator: Simulator) -> Iterator[Alpaca]:
    with simulator.client() as client:
        yield client
