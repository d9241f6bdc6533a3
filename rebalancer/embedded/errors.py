"""What goes wrong around the engines, each as one sentence for the person at the terminal."""

import errno
import os
import shutil
from pathlib import Path


class CannotRun(Exception):
    """One sentence: what, where, and what to do. Printed as it is, without a traceback."""


class AlreadyRunning(CannotRun):
    """The state directory belongs to a process that is alive."""


def sentence_for(error: OSError, *, where: Path) -> str:
    """Say what an operating-system error means for the person who started us."""
    named = str(error.filename or "")
    place = named if named.startswith("/") else where
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full_disk(where)
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"No permission for {place} as user {os.geteuid()}: make it yours, or set REBALANCER_STATE_DIR elsewhere."
        )
    if error.errno == errno.EROFS:
        return f"{place} is on a read-only file system: set REBALANCER_STATE_DIR to a directory that can be written."
    return f"{error.strerror or error} ({place})."


def full_disk(where: Path) -> str:
    """Say that the disk under a directory is full, and how much is left on it."""
    existing = next(path for path in (where, *where.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free // 2**20
    return f"The disk that holds {where} is full ({free} MB free): make room (about 1 GB), then run the command again."


def means_full_disk(text: str) -> bool:
    """Tell whether a tool's own output complains of a full disk."""
    return "No space left on device" in text or "Disk quota exceeded" in text
