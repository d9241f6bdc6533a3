"""The checkout's `.venv`: made from hashed locks, looked at on every start, made anew when it is not whole."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from rebalancer.embedded import installer
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.state import CHECKOUT

Say = Callable[[str], None]

PLACE: Final = CHECKOUT / ".venv"
REQUIREMENTS: Final = CHECKOUT / "requirements"
STAMP: Final = "rebalancer.json"
UNFINISHED: Final = "unfinished"
# A larger group serves a smaller one: the locks agree on every version.
LARGER: Final = {"base": ("base", "test", "dev"), "test": ("test", "dev"), "dev": ("dev",)}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an environment holds: the Python that made it, where, and each installed group with its lock's digest."""

    python: str
    place: str
    groups: Mapping[str, str]


def ready(group: str, *, say: Say, place: Path = PLACE, locks: Path = REQUIREMENTS) -> Path:
    """Give the virtual environment's Python, after installing what the group's lock names and is not there.

    :raises CannotRun: if it cannot be made: no network, no permission, a full disk
    """
    with only_one(place, say):
        reason = why_not_whole(place)
        if reason:
            say(f"{place} {reason}: making it anew")
            remove(place)
        if not place.exists():
            make(place, locks, say)
        stamp = read_stamp(place)
        if not stamp or not any(stamp.groups.get(larger) == digest(larger, locks) for larger in LARGER[group]):
            install(group, place, locks, say)
    return python_of(place)


def python_of(place: Path) -> Path:
    return place / "bin" / "python"


def why_not_whole(place: Path) -> str:
    """Say in half a sentence why an existing environment cannot be used; empty when it can, or is not there."""
    if not place.exists():
        return ""
    if (place / UNFINISHED).exists():
        return "was left half-built by an interrupted set-up"
    stamp = read_stamp(place)
    if stamp is None:
        return "was not made by dev.py, or is damaged"
    if stamp.place != str(place):
        return f"was moved here from {stamp.place}"
    answer = ask_version(place)
    if not answer:
        return "has a Python that no longer starts"
    if answer != stamp.python:
        return f"was made by Python {stamp.python} and now has Python {answer}"
    return ""


def remove(place: Path) -> None:
    """Remove an environment.

    :raises CannotRun: if it is another user's
    """
    try:
        shutil.rmtree(place)
    except PermissionError:
        raise CannotRun(f"{place} belongs to another user and cannot be removed: remove it as that user.") from None


def ask_version(place: Path) -> str:
    """Give the version that the environment's Python tells, or nothing if it does not start."""
    ask = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        result = subprocess.run([python_of(place), "-Ic", ask], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def make(place: Path, locks: Path, say: Say) -> None:
    """Make an empty environment with the pinned installer in it."""
    began = time.monotonic()
    say(f"making {place} with Python {sys.version.split()[0]}")
    place.mkdir()
    (place / UNFINISHED).touch()
    venv.create(place, with_pip=False, symlinks=True)
    installer.install_uv(python_of(place), locks / "installer.lock", say)
    write_stamp(place, Stamp(ask_version(place), str(place), {}))
    (place / UNFINISHED).unlink()
    say(f"  environment and installer: {time.monotonic() - began:.1f} s")


def install(group: str, place: Path, locks: Path, say: Say) -> None:
    """Install a group's lock; whatever interrupts it leaves a mark that makes the next start begin anew."""
    began = time.monotonic()
    lock = locks / f"{group}.lock"
    packages = sum(line[0].isalnum() for line in lock.read_text().splitlines() if line)
    say(f"installing {packages} packages of {lock.parent.name}/{lock.name}")
    (place / UNFINISHED).touch()
    installer.install(python_of(place), lock, say)
    if stamp := read_stamp(place):
        write_stamp(place, replace(stamp, groups={**stamp.groups, group: digest(group, locks)}))
    (place / UNFINISHED).unlink()
    say(f"  packages: {time.monotonic() - began:.1f} s")


def digest(group: str, locks: Path) -> str:
    """Give the fingerprint of a group's lock; empty where there is none."""
    lock = locks / f"{group}.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else ""


def read_stamp(place: Path) -> Stamp | None:
    """Give what was installed and where, or None when that is not known."""
    try:
        content = json.loads((place / STAMP).read_text())
        return Stamp(content["python"], content["place"], dict(content["groups"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_stamp(place: Path, stamp: Stamp) -> None:
    """Write down what is installed, whole or not at all."""
    draft = place / f"{STAMP}.new"
    draft.write_text(json.dumps(asdict(stamp), indent=1))
    draft.replace(place / STAMP)


@contextmanager
def only_one(place: Path, say: Say) -> Iterator[None]:
    """Let one process at a time look at and change the environment; others wait and say so.

    :raises CannotRun: if the checkout cannot be written
    """
    path = place.with_name(f"{place.name}.lock")
    try:
        handle = path.open("a")
    except PermissionError:
        raise CannotRun(
            f"No permission to write in {place.parent} as user {os.geteuid()}: "
            "make the checkout yours, or copy it to a directory of yours."
        ) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another dev.py that is setting up {place}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
