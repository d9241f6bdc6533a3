"""What dies is started again, what a killed supervisor left is ended, and a stop leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rebalancer.embedded import supervisor
from rebalancer.embedded.engines import Engines
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.processes import born_at
from rebalancer.embedded.services import Service
from rebalancer.embedded.state import CHECKOUT, State
from rebalancer.embedded.supervisor import Supervisor, end_orphans, run_to_end

SLEEPER = Service("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"))
STUBBORN = Service(
    "stubborn",
    (
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)",
    ),
)


@pytest.fixture
def watch(state: State, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor over servers of somebody else's, so that it has only services to care for."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db/book")
    monkeypatch.setenv("REDIS_URL", "redis://queue/1")
    made = Supervisor(Engines(state, said.append).start(), said.append)
    yield made
    made.stop()


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_service_is_started_again_and_the_pause_grows(watch: Supervisor, state: State, said: list[str]):
    watch.start(SLEEPER)
    for _ in range(2):
        present = watch.watched[0].process
        os.kill(present.pid, signal.SIGKILL)
        present.wait()
        deadline = time.monotonic() + 10
        while watch.watched[0].process is present:
            assert time.monotonic() < deadline
            watch.look()

    log = state.logs / "sleeper.log"
    assert watch.watched[0].process.poll() is None
    assert said == [
        f"sleeper ended (signal 9): starting it again in 0.5 s (log: {log})",
        f"sleeper ended (signal 9): starting it again in 1 s (log: {log})",
    ]


def test_a_stop_ends_all_and_forces_the_stubborn(watch: Supervisor, state: State, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    watch.start(SLEEPER)
    watch.start(STUBBORN)
    wait_for(lambda: (state.logs / "stubborn.log").read_text() == "1\n")

    watch.stop()

    assert [watched.process.returncode for watched in watch.watched] == [-signal.SIGTERM, -signal.SIGKILL]


def test_services_that_a_killed_supervisor_left_behind_are_ended(watch: Supervisor, state: State):
    watch.start(SLEEPER)
    left = watch.watched[0].process

    end_orphans(state)

    assert left.wait(5) == -signal.SIGTERM
    assert not (state.root / "processes.json").exists()


def test_a_stranger_that_got_an_orphans_number_is_left_alone(watch: Supervisor, state: State):
    watch.start(SLEEPER)
    stranger = watch.watched[0].process
    (state.root / "processes.json").write_text(f'{{"{stranger.pid}": "1"}}')

    end_orphans(state)

    assert stranger.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_services_die_with_a_killed_supervisor(state: State, tmp_path: Path):
    script = (
        "import os, sys; from pathlib import Path; "
        "from rebalancer.embedded.engines import Engines; from rebalancer.embedded.supervisor import Supervisor; "
        "from rebalancer.embedded.services import Service; from rebalancer.embedded.state import State; "
        f"watch = Supervisor(Engines(State(Path({str(state.root)!r}), 'demo'), print).start(), print); "
        f"watch.start(Service('sleeper', {SLEEPER.command!r})); "
        "print(watch.watched[0].process.pid, flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "DATABASE_URL": "postgresql://me@db/book", "REDIS_URL": "redis://queue/1"}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        wait_for(lambda: "sleep" in Path(f"/proc/{child}/cmdline").read_text() and "setpriv" not in _name(child))
        parent.kill()

    wait_for(lambda: born_at(child) == "")


def _name(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text()


def test_a_preparing_command_that_fails_is_one_sentence_with_its_last_line(watch: Supervisor, state: State):
    command = (sys.executable, "-c", "print('first'); print('it broke'); raise SystemExit(3)")

    with pytest.raises(CannotRun) as refusal:
        run_to_end(command, name="migrate", state=state, environment=watch.environment)

    assert str(refusal.value) == f"migrate failed: it broke (log: {state.logs / 'migrate.log'})"
