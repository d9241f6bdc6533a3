"""The demo: an installation from nothing to the first page, and one whole day without a browser."""

import contextlib
import hashlib
import http.client
import os
import signal
import subprocess
import threading
import time
from typing import Final, TextIO

from rebalancer.embedded import processes, services, state, supervisor
from rebalancer.embedded.bootstrap import check_port, say
from rebalancer.embedded.engines import Engines, Say
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.services import MANAGE
from rebalancer.embedded.state import CHECKOUT, State, held, once_state, state_for
from rebalancer.embedded.supervisor import Supervisor

FIRST_PAGE: Final = "/accounts/login/"
FIRST_PAGE_SECONDS: Final = 90.0
PORT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.2
LOAD_ATTEMPTS: Final = 3


def serve(port: int) -> int:
    """Run the demo until a signal ends it.

    :raises CannotRun: if the state directory or the port is taken, or something does not start
    """
    home = state_for("demo")
    extra = {**demo_variables(), "REBALANCER_URL": f"http://{services.LOOPBACK}:{port}"}
    with held(home):
        supervisor.end_orphans(home)
        _wait_for_port(port)
        compiling = _compile(home)
        engines = Engines(home, say, extra).start()
        watch = Supervisor(engines, say)
        try:
            _open(watch, port)
            while True:
                watch.look()
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            say("stopping …")
        finally:
            _ignore_further_signals()
            processes.stop(compiling, with_signal=signal.SIGTERM, patience=services.STOP_SECONDS)
            watch.stop()
            engines.stop()
    say("stopped; the data stay in " + str(home.root))
    return 0


def once() -> int:
    """Run one whole day on a fresh state directory and give the exit code of `run_day`, whose JSON is on stdout.

    :raises CannotRun: if such a run is under way, or something does not start
    """
    home = once_state()
    with held(home):
        supervisor.end_orphans(home)
        state.remove(home)
        compiling = _compile(home)
        engines = Engines(home, say, demo_variables()).start()
        try:
            return _one_day(engines)
        finally:
            _ignore_further_signals()
            processes.stop(compiling, with_signal=signal.SIGTERM, patience=services.STOP_SECONDS)
            engines.stop()


def demo_variables() -> dict[str, str]:
    """Give what the demo's processes have besides the engines' variables: the simulated custodian's address, a sign."""
    return {"SIMULATOR_URL": f"http://{services.LOOPBACK}:{services.free_port()}", "REBALANCER_DEMO": "1"}


def migrate(engines: Engines, tell: Say) -> None:
    """Bring the database up to date as its owner; nothing to do where nothing has changed since the last time.

    :raises CannotRun: if a migration fails
    """
    fingerprint = hashlib.sha256(b"\0".join(path.read_bytes() for path in services.migrations())).hexdigest()
    done = engines.state.root / "migrated"
    # Only our own database can be trusted to be the one that we migrated last.
    if not engines.own_database and done.exists() and done.read_text() == fingerprint:
        return
    began = time.monotonic()
    tell("migrating the database")
    command = [*MANAGE, "migrate", "--database", "owner", "--noinput"]
    supervisor.run_to_end(command, name="migrate", state=engines.state, environment=engines.environment())
    done.write_text(fingerprint)
    tell(f"  database: {time.monotonic() - began:.1f} s")


def _compile(home: State) -> subprocess.Popen[bytes]:
    """Begin to compile the engine, if this machine has not yet: whoever needs it waits, the first page does not."""
    home.make()
    log = home.logs / "compile_engine.log"
    command = (*services.COMPILE, "--behind-others")
    return processes.start(command, log=log, on_our_death=signal.SIGTERM, cwd=CHECKOUT)


def _one_day(engines: Engines) -> int:
    watch = Supervisor(engines, say)
    try:
        first, *rest = services.for_one_day(engines.state, watch.environment)
        watch.start(first)
        migrate(engines, say)
        for service in rest:
            watch.start(service)
        return _watched(watch, [*MANAGE, "run_day", "--json"])
    finally:
        watch.stop()


def _watched(watch: Supervisor, command: list[str]) -> int:
    return _look_until_done(
        watch, subprocess.Popen(command, env=watch.environment, cwd=CHECKOUT, start_new_session=True)
    )


def _open(watch: Supervisor, port: int) -> None:
    """Bring the first page up, then the rest; data load while the page already answers."""
    home = watch.engines.state
    first, *rest = services.for_demo(home, watch.environment, port=port)
    migrate(watch.engines, say)
    watch.start(first)
    say("starting the web server")
    _wait_for_first_page(watch, port)
    say(f"\n  Rebalancer answers on {watch.environment['REBALANCER_URL']} after {_seconds_since_start():.1f} s\n")
    for service in rest:
        watch.start(service)
    say(f"  also running: {', '.join(service.name for service in rest)}; logs in {home.logs}")
    _load(watch)


def _load(watch: Supervisor) -> None:
    """Load the demo firm, which may be done twice: an engine that dies meanwhile costs one more try."""
    for attempt in range(1, LOAD_ATTEMPTS + 1):
        code = _watched_with_output(watch, [*MANAGE, "load_demo"])
        if code == 0:
            say(
                f"  ready after {_seconds_since_start():.1f} s: {watch.environment['REBALANCER_URL']} (Ctrl-C stops it)"
            )
            return
        log = watch.engines.state.logs / "load_demo.log"
        say(f"loading the demo firm failed (exit {code}, attempt {attempt} of {LOAD_ATTEMPTS}; log: {log})")
    say("  the processes go on without it; Ctrl-C stops them")


def _watched_with_output(watch: Supervisor, command: list[str]) -> int:
    log = watch.engines.state.logs / "load_demo.log"
    with log.open("w") as copy:
        process = subprocess.Popen(
            command,
            env={**watch.environment, "PYTHONUNBUFFERED": "1"},
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        reader = threading.Thread(target=_pass_through, args=(process, copy), daemon=True)
        reader.start()
        code = _look_until_done(watch, process)
        reader.join()
    return code


def _look_until_done(watch: Supervisor, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    try:
        while process.poll() is None:
            watch.look()
            time.sleep(LOOK_SECONDS)
        return process.returncode if process.returncode >= 0 else 128 - process.returncode
    finally:
        processes.stop(process, with_signal=signal.SIGTERM, patience=services.STOP_SECONDS)


def _pass_through(process: subprocess.Popen[str], copy: TextIO) -> None:
    for line in process.stdout or ():
        copy.write(line)
        say("  " + line.rstrip())


def _wait_for_port(port: int) -> None:
    """Wait a moment for a port that a killed web server is letting go of.

    :raises CannotRun: if it stays taken
    """
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        try:
            return check_port(port)
        except CannotRun:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)


def _wait_for_first_page(watch: Supervisor, port: int) -> None:
    """Wait until the first page is there.

    :raises CannotRun: if it does not come, with the place to look
    """
    deadline = time.monotonic() + FIRST_PAGE_SECONDS
    while not _page_answers(port):
        watch.look()
        if time.monotonic() > deadline:
            log = watch.engines.state.logs / "web.log"
            raise CannotRun(f"The web server did not show its first page in {FIRST_PAGE_SECONDS:.0f} s: see {log}.")
        time.sleep(0.05)


def _page_answers(port: int) -> bool:
    connection = http.client.HTTPConnection(services.LOOPBACK, port, timeout=20)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", FIRST_PAGE)
        return connection.getresponse().status < 400
    return False


def _seconds_since_start() -> float:
    return time.time() - float(os.environ.get("REBALANCER_BEGAN_AT", time.time()))


def _ignore_further_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
