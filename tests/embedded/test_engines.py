"""After any kind of death nothing that was acknowledged is lost, and the next start is clean."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis

from rebalancer.embedded import postgres, privileges, processes, valkey
from rebalancer.embedded.engines import Engines, running
from rebalancer.embedded.errors import AlreadyRunning, CannotRun
from rebalancer.embedded.privileges import Disguise, Launch
from rebalancer.embedded.state import CHECKOUT, State, held, holder_of, is_held

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root takes on another identity")

PATIENCE = 20.0


def connect(engines: Engines, *, role: str = "OWNER") -> psycopg.Connection:
    url = engines.environment()["DATABASE_OWNER_URL" if role == "OWNER" else "DATABASE_URL"]
    return psycopg.connect(url, autocommit=True)


def write(engines: Engines) -> None:
    with connect(engines) as connection:
        connection.execute("CREATE TABLE kept (line text)")
        connection.execute("INSERT INTO kept VALUES ('committed')")
    queue(engines).rpush("kept", "acknowledged")


def read(engines: Engines) -> tuple[list[str], list[str]]:
    with connect(engines) as connection:
        rows = [line for (line,) in connection.execute("SELECT line FROM kept ORDER BY line")]
    return rows, [str(item) for item in queue(engines).lrange("kept", 0, -1)]


def queue(engines: Engines) -> redis.Redis:
    return redis.Redis.from_url(engines.environment()["REDIS_URL"], decode_responses=True)


def kill(process: subprocess.Popen[bytes] | None) -> None:
    assert process
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


EVERYTHING = (["committed"], ["acknowledged"])


def test_what_was_written_is_there_after_a_stop_and_a_start(engines: Engines, state: State):
    write(engines)
    engines.stop()

    again = Engines(state, print).start()

    assert read(again) == EVERYTHING
    again.stop()


def test_a_killed_postmaster_is_started_again_with_nothing_lost(engines: Engines, said: list[str]):
    write(engines)
    session = connect(engines)
    said.clear()
    kill(engines.postgres)

    engines.revive()

    assert read(engines) == EVERYTHING
    assert said == ["postgres ended (signal 9): starting it again"]
    session.close()


def test_children_that_outlive_a_killed_postmaster_do_not_bar_the_next_start(engines: Engines, state: State):
    write(engines)
    session = connect(engines)
    os.kill(session.info.backend_pid, signal.SIGSTOP)  # it cannot notice that the postmaster is gone
    kill(engines.postgres)
    # The other children notice by themselves, in their own time.
    deadline = time.monotonic() + PATIENCE
    while processes.living_in(state.postgres, "postgres") != [session.info.backend_pid] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes.living_in(state.postgres, "postgres") == [session.info.backend_pid]

    engines.revive()

    assert read(engines) == EVERYTHING
    session.close()


def test_a_killed_valkey_is_started_again_with_nothing_lost(engines: Engines, said: list[str]):
    write(engines)
    said.clear()
    kill(engines.valkey)

    engines.revive()

    assert read(engines) == EVERYTHING
    assert said == ["valkey ended (signal 9): starting it again"]


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_bar_the_start(engines: Engines, state: State):
    write(engines)
    kill(engines.postgres)
    file = state.postgres / "postmaster.pid"
    file.write_text("\n".join([str(os.getppid()), *file.read_text().splitlines()[1:]]))

    engines.revive()

    assert read(engines) == EVERYTHING


def test_engines_whose_keeper_was_killed_are_taken_over_at_once(state: State):
    up = [sys.executable, "-m", "rebalancer.embedded", "up", "--state", str(state.root)]
    subprocess.run(up, cwd=CHECKOUT, check=True, capture_output=True)
    keeper = holder_of(state)
    view = Engines(state, print)
    view.launch = privileges.choose()
    write(view)
    assert keeper
    os.kill(keeper, signal.SIGKILL)
    while is_held(state):
        time.sleep(0.01)

    subprocess.run(up, cwd=CHECKOUT, check=True, capture_output=True)

    assert holder_of(state) != keeper
    assert read(view) == EVERYTHING
    subprocess.run([*up[:3], "down", *up[4:]], cwd=CHECKOUT, check=True)
    assert (processes.living_in(state.postgres, "postgres"), processes.living_in(state.valkey, "valkey-server")) == (
        [],
        [],
    )


def test_a_second_start_on_the_same_directory_names_the_process_that_holds_it(state: State):
    with held(state), pytest.raises(AlreadyRunning) as refusal, running(state, print):
        pass

    assert str(refusal.value) == (
        f"{state.root} is already in use by process {os.getpid()}: stop that one (Ctrl-C), "
        "or set REBALANCER_STATE_DIR to another directory."
    )


def test_a_cluster_whose_making_was_interrupted_is_made_anew(state: State):
    (state.root / "postgres.new" / "base").mkdir(parents=True)

    with running(state, print) as engines:
        write(engines)

    assert not (state.root / "postgres.new").exists()


def test_a_cluster_of_another_version_is_left_alone(engines: Engines, state: State):
    engines.stop()
    (state.postgres / "PG_VERSION").write_text("14\n")

    with pytest.raises(CannotRun, match=r"was made by PostgreSQL 14 and 18 is installed"):
        Engines(state, print).start()


def test_the_deepest_checkout_gets_sockets_that_are_short_enough(tmp_path: Path):
    deep = State(tmp_path.joinpath(*["a-directory-with-a-long-name"] * 8), "demo")

    with running(deep, print) as engines:
        write(engines)
        assert read(engines) == EVERYTHING


def test_sockets_and_secrets_are_for_this_user_alone(engines: Engines, state: State):
    assert engines.launch
    places = [postgres.sockets(state, engines.launch), valkey.socket_path(state).parent, state.postgres, state.valkey]

    assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o700}
    assert {stat.S_IMODE(f.stat().st_mode) for f in (state.secrets_file, state.environment_file)} == {0o600}


def test_the_roles_can_do_what_they_must_and_no_more(engines: Engines):
    with connect(engines, role="APP") as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname LIKE 'rebalancer%' ORDER BY rolname"
        ).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")

    assert roles == [("rebalancer_app", False, False, False, False), ("rebalancer_owner", False, False, False, True)]


def test_a_server_that_the_user_names_is_used_and_not_started(state: State, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db/book")
    monkeypatch.setenv("REDIS_URL", "redis://queue/1")

    with running(state, print) as engines:
        environment = engines.environment()

    assert (engines.postgres, engines.valkey) == (None, None)
    assert [environment[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")] == [
        "postgresql://me@db/book",
        "postgresql://me@db/book",
        "redis://queue/1",
    ]


@AS_ROOT
def test_where_namespaces_are_forbidden_root_hands_the_cluster_to_nobody():
    launch = Launch(Disguise.NOBODY, ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), 65534)
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        state = State(Path(place) / "state", "demo")
        try:
            privileges.check_program(launch, postgres.programs() / "postgres")
        except CannotRun as reason:
            pytest.skip(str(reason))
        engines = Engines(state, print)
        engines.launch = launch
        engines.start()
        write(engines)

        assert (read(engines), state.postgres.stat().st_uid) == (EVERYTHING, 65534)
        engines.stop()


@AS_ROOT
def test_a_directory_that_nobody_cannot_enter_is_named(tmp_path: Path):
    launch = Launch(Disguise.NOBODY, ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), 65534)
    closed = tmp_path / "closed"
    (closed / "state").mkdir(parents=True)
    closed.chmod(0o700)
    first_closed = next(p for p in (*reversed(closed.parents), closed) if not p.stat().st_mode & stat.S_IXOTH)

    with pytest.raises(CannotRun) as refusal:
        privileges.hand_over(launch, closed / "state", home=closed / "state")

    assert str(refusal.value) == (
        f"PostgreSQL does not run as root, user namespaces are forbidden here, and user 65534 cannot "
        f"enter {first_closed}: put the checkout (or REBALANCER_STATE_DIR) under a directory that "
        "every user can enter, "
        "run as an ordinary user, or set DATABASE_URL to a server of yours."
    )
