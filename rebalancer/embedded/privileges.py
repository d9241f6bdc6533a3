"""How PostgreSQL is started by users it refuses to run as, root above all, without adding one to the machine."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from rebalancer.embedded.errors import CannotRun

NOBODY: Final = 65534


class Disguise(StrEnum):
    """Who the server believes to be, and who owns its files as seen from outside."""

    NONE = "NONE"
    NAMESPACE = "NAMESPACE"
    NOBODY = "NOBODY"


@dataclass(frozen=True, slots=True)
class Launch:
    """A command prefix, and the outside owner that the server's directories must have."""

    disguise: Disguise
    prefix: tuple[str, ...]
    owner: int


def choose() -> Launch:
    """Choose the first way that works on this machine.

    PostgreSQL wants a user that is not root and that the machine's list of users knows, which a container's user may
    not be: a user namespace gives both.

    :raises CannotRun: where neither a user namespace nor another user can be had
    """
    if os.geteuid() != 0 and _is_known(os.geteuid()):
        return Launch(Disguise.NONE, (), os.geteuid())
    setpriv, unshare = shutil.which("setpriv"), shutil.which("unshare")
    namespace = (unshare or "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if setpriv and unshare and _is_known(NOBODY) and _works((*namespace, setpriv, "--pdeathsig", "INT", "true")):
        return Launch(Disguise.NAMESPACE, namespace, os.geteuid())
    nobody = (setpriv or "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if setpriv and os.geteuid() == 0 and _works((*nobody, "true")):
        return Launch(Disguise.NOBODY, nobody, NOBODY)
    raise CannotRun(_why_not(has_tools=bool(setpriv and unshare)))


def _is_known(user: int) -> bool:
    try:
        return bool(pwd.getpwuid(user))
    except KeyError:
        return False


def _why_not(*, has_tools: bool) -> str:
    who = "as root" if os.geteuid() == 0 else f"as user {os.geteuid()}, whom the machine's list of users does not know"
    lacking = "user namespaces are forbidden here" if has_tools else "`unshare` or `setpriv` (util-linux) is missing"
    return (
        f"PostgreSQL does not run {who}, and {lacking}: run the command as an ordinary user, "
        "or set DATABASE_URL to a server of yours."
    )


def hand_over(launch: Launch, *directories: Path, home: Path) -> None:
    """Give directories that we made to the outside owner the server needs; nothing above `home`, ours too, is touched.

    :raises CannotRun: if that owner cannot reach them
    """
    if os.geteuid() != 0:
        return
    for directory in directories:
        if directory.stat().st_uid != launch.owner:
            _chown(directory, launch.owner)
    if launch.disguise is Disguise.NOBODY:
        home.chmod(0o711)
        for directory in directories:
            _check_reach(launch, directory)


def check_program(launch: Launch, program: Path) -> None:
    """Make sure that the server's user can read the program itself.

    :raises CannotRun: with the directory that bars the way
    """
    if launch.disguise is Disguise.NOBODY:
        _check_reach(launch, program)


def _check_reach(launch: Launch, path: Path) -> None:
    for step in (*reversed(path.parents), path):
        if not _works((*launch.prefix, "test", "-x", str(step))):
            raise CannotRun(
                f"PostgreSQL does not run as root, user namespaces are forbidden here, and user {NOBODY} cannot enter "
                f"{step}: put the checkout (or REBALANCER_STATE_DIR) under a directory that every user can enter, "
                "run as an ordinary user, or set DATABASE_URL to a server of yours."
            )


def _chown(directory: Path, owner: int) -> None:
    os.chown(directory, owner, owner)
    for path in directory.rglob("*"):
        os.chown(path, owner, owner, follow_symlinks=False)


def _works(command: tuple[str, ...]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
