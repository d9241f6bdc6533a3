"""Where one installation keeps its data, logs, secrets, sockets and the lock that makes it single."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from rebalancer.embedded.errors import AlreadyRunning, CannotRun

CHECKOUT: Final = Path(__file__).resolve().parents[2]
MARKER: Final = ".rebalancer-state"
LONGEST_SOCKET_PATH: Final = 107  # bytes: sun_path holds 108 with its closing zero byte
LONGEST_SOCKET_NAME: Final = len(b"/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class State:
    """One state directory. `name` tells demo (durable) from test (as fast as it can be)."""

    root: Path
    name: str

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def environment_file(self) -> Path:
        return self.root / "environment.json"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    def make(self) -> None:
        """Create the directories, private to this user.

        :raises OSError: when the disk or a permission forbids it
        """
        self.root.mkdir(parents=True, exist_ok=True)
        if self.root.stat().st_uid == os.geteuid():
            self.root.chmod(0o700)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        (self.root / MARKER).touch()


def state_for(name: str, *, root: Path | None = None) -> State:
    """Find the state directory of a name: as given, else REBALANCER_STATE_DIR, else `var/<name>` of the checkout."""
    named = os.environ.get("REBALANCER_STATE_DIR")
    place = root or (Path(named) if named else CHECKOUT / "var" / name)
    return State(place.absolute(), name)


def once_state() -> State:
    """Find the throw-away state directory of `demo --once`: `once` beside the others, or inside the named one."""
    named = os.environ.get("REBALANCER_STATE_DIR")
    return State(Path(named or CHECKOUT / "var").absolute() / "once", "once")


def remove(state: State) -> None:
    """Remove a state directory, if it is one of ours.

    :raises CannotRun: if the directory holds anything that we did not make
    """
    if not state.root.exists():
        return
    if not (state.root / MARKER).exists() and any(state.root.iterdir()):
        raise CannotRun(f"{state.root} is not a state directory of Rebalancer: move it away, then try again.")
    shutil.rmtree(state.root)


@contextmanager
def held(state: State) -> Iterator[None]:
    """Hold a state directory for this process alone; the kernel lets go of it when the process dies in any way.

    The lock lies beside the directory, so that `demo --once` can remove the directory while it holds it.

    :raises AlreadyRunning: if a living process holds it
    """
    path = state.root.with_name(f".{state.root.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"{state.root} is already in use by process {holder_of(state)}: stop that one (Ctrl-C), "
                "or set REBALANCER_STATE_DIR to another directory."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def is_held(state: State) -> bool:
    """Tell whether a living process holds the state directory."""
    path = state.root.with_name(f".{state.root.name}.lock")
    if not path.exists():
        return False
    with path.open() as handle:
        return _is_locked(handle)


def _is_locked(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def holder_of(state: State) -> int | None:
    """Give the process that last took the state directory, alive or not."""
    path = state.root.with_name(f".{state.root.name}.lock")
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.isdigit() else None


def announce(state: State, environment: Mapping[str, str]) -> IO[str]:
    """Write down how to reach a running installation; it counts for as long as the returned file stays open."""
    draft = state.environment_file.with_suffix(".new")
    handle = _open_private(draft)
    # Locked before it gets its name: a file that a killed process left behind is locked by nobody.
    fcntl.flock(handle, fcntl.LOCK_EX)
    json.dump(environment, handle, indent=1)
    handle.flush()
    draft.replace(state.environment_file)
    return handle


def announced(state: State) -> dict[str, str] | None:
    """Give the environment of an installation whose engines are up, or None."""
    try:
        with state.environment_file.open() as handle:
            if _is_locked(handle):
                written: dict[str, str] = json.load(handle)
                return written
    except FileNotFoundError:
        pass
    return None


def environment_of(state: State, *, patience: float = 90.0) -> dict[str, str]:
    """Give the environment of an installation that runs or is starting, once its engines are up.

    :raises CannotRun: if they do not come up while we wait
    """
    deadline = time.monotonic() + patience
    while (environment := announced(state)) is None:
        if time.monotonic() > deadline or not is_held(state):
            raise CannotRun(f"Process {holder_of(state)} holds {state.root}, but no engine is up: see {state.logs}.")
        time.sleep(0.1)
    return environment


def socket_directory(state: State, engine: str, *, reachable_by_all: bool = False) -> Path:
    """Make the private directory of one engine's socket, whose path is short however deep the checkout lies.

    :param reachable_by_all: another user must get there, which rules out a private XDG_RUNTIME_DIR
    :raises CannotRun: if the place belongs to somebody else
    """
    digest = hashlib.sha256(f"{os.geteuid()}:{state.root}".encode()).hexdigest()[:16]
    runtime = None if reachable_by_all else os.environ.get("XDG_RUNTIME_DIR")
    for parent in filter(None, (runtime, tempfile.gettempdir(), "/tmp")):  # noqa: S108
        path = Path(parent) / f"rebalancer-{digest}-{engine}"
        fits = len(os.fsencode(path)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
        if fits and os.access(parent, os.W_OK | os.X_OK):
            break
    else:
        raise CannotRun("No short directory for sockets can be written: set TMPDIR to a directory such as /tmp.")
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or (os.geteuid() != 0 and path.stat().st_uid != os.geteuid()):
        raise CannotRun(f"{path} belongs to another user: remove it, or set TMPDIR to a directory of your own.")
    path.chmod(0o700)
    return path


def secrets_of(state: State) -> dict[str, str]:
    """Give the secrets of a state directory, made once and kept in a file that only this user reads."""
    if state.secrets_file.exists():
        kept: dict[str, str] = json.loads(state.secrets_file.read_text())
        return kept
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SIMULATOR_KEY_ID": f"SIM{secrets.token_hex(8).upper()}",
        "SIMULATOR_SECRET": secrets.token_urlsafe(30),
        "FIELD_ENCRYPTION_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    write_private(state.secrets_file, made)
    return made


def write_private(path: Path, content: Mapping[str, str]) -> None:
    """Write a JSON file that only this user reads, whole or not at all."""
    draft = path.with_suffix(".new")
    with _open_private(draft) as handle:
        json.dump(content, handle, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


def _open_private(path: Path) -> IO[str]:
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
