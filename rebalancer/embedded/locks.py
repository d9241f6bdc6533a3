"""`dev.py lock`: requirements/*.in to hashed requirements/*.lock, for every platform, naming no host and no path."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rebalancer.embedded.bootstrap import say
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.installer import uv_environment
from rebalancer.embedded.state import CHECKOUT

OPTIONS: Final = (
    *("--universal", "--generate-hashes", "--python-version", "3.11", "--quiet"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
)
# The largest first: the smaller ones take their versions from it, so that all locks agree.
ORDER: Final = (("dev", None), ("test", "dev"), ("base", "dev"), ("installer", None))


def main(arguments: Sequence[str]) -> int:
    """Write the locks anew; `--upgrade` takes the newest versions, without it present ones are kept where they can."""
    python = Path(sys.executable)
    for group, agreeing_with in ORDER:
        constraint = ["-c", f"requirements/{agreeing_with}.lock"] if agreeing_with else []
        files = [f"requirements/{group}.in", *constraint, "-o", f"requirements/{group}.lock"]
        command = [str(python.with_name("uv")), "pip", "compile", *files, *OPTIONS, *arguments]
        if (
            subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **uv_environment(python)}, check=False).returncode
            != 0
        ):
            raise CannotRun(f"requirements/{group}.lock could not be written: see above.")
        check_names_no_place(CHECKOUT / "requirements" / f"{group}.lock")
        say(f"wrote requirements/{group}.lock")
    return 0


def check_names_no_place(lock: Path) -> None:
    """Make sure that a lock says nothing about the machine or the index that wrote it.

    :raises CannotRun: with the line that does
    """
    for number, line in enumerate(lock.read_text().splitlines(), start=1):
        if "://" in line or line.startswith(("-", "/")):
            raise CannotRun(f"{lock}:{number} names a place: {line.strip()}")
