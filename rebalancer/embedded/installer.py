"""Hashed locks into a virtual environment: by uv, which takes seconds, or by pip where uv finds no way."""

import ast
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rebalancer.embedded.errors import CannotRun, full_disk, means_full_disk

Say = Callable[[str], None]

# uv does not read pip's configuration: a person with a private index has it there, so it is handed on.
PIP_TO_UV: Final[Mapping[str, str]] = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
SEPARATOR: Final = {"UV_FIND_LINKS": ","}
NO_WAY: Final = (
    "Could not find a version",
    "Failed to establish",
    "Max retries",
    "Failed to fetch",
    "resolution",
    "ConnectTimeout",
    "unreachable",
    "certificate",
    "SSLError",
)


def install_uv(python: Path, lock: Path, say: Say) -> None:
    """Put the pinned uv into the environment; without it (an index that lacks it) pip does the work, and we say so.

    :raises CannotRun: if there is no pip to begin with, or the disk is full
    """
    result = _run([*pip(python), "install", "--no-deps", *HASHED, str(lock)])
    if result.returncode != 0:
        if means_full_disk(result.stdout):
            raise CannotRun(full_disk(python.parent.parent))
        say(f"  uv could not be installed ({_last_line(result.stdout)}): going on with pip, which takes longer")


def install(python: Path, lock: Path, say: Say) -> None:
    """Install every package of a lock, its hash checked, nothing built from source.

    :raises CannotRun: with one sentence
    """
    uv = python.parent / "uv"
    if uv.exists():
        command = [
            str(uv),
            "pip",
            "install",
            "--python",
            str(python),
            "--require-hashes",
            "--no-build",
            "-r",
            str(lock),
        ]
        result = _run(command, {**uv_environment(python), "UV_NO_PROGRESS": "1"})
        if result.returncode == 0:
            return
        if means_full_disk(result.stdout):
            raise CannotRun(full_disk(python.parent.parent))
        say(f"  uv could not install ({_last_line(result.stdout)}): trying pip")
    result = _run([*pip(python), "install", *HASHED, str(lock)])
    if result.returncode != 0:
        raise CannotRun(_why(result.stdout, python, lock))


HASHED: Final = ("--quiet", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check", "-r")


def pip(python: Path) -> list[str]:
    """Give the command of a pip that installs into the environment: the one Python brings along, run from its wheel.

    :raises CannotRun: if this Python brings none
    """
    for directory in (Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/nowhere"), _bundled()):
        wheels = sorted(directory.glob("pip-*.whl"))
        if wheels:
            return [str(python), str(wheels[-1] / "pip")]
    host = [sys.executable, "-m", "pip", "--python", str(python)]
    if _run([*host, "--version"]).returncode == 0:
        return host
    raise CannotRun(
        f"The Python at {sys.executable} comes without pip: install it (on Debian `apt install python3-venv`), "
        "then run the command again."
    )


def _bundled() -> Path:
    return Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"


def uv_environment(python: Path) -> dict[str, str]:
    """Give uv's variables for what pip's configuration says; the person's own uv variables come first."""
    given: dict[str, str] = {}
    for line in _run([*pip(python), "config", "list"]).stdout.splitlines():
        key, _, value = line.partition("=")
        variable = PIP_TO_UV.get(key.rpartition(".")[2])
        if variable and value.startswith(("'", '"')):
            words = str(ast.literal_eval(value)).split()
            given[variable] = SEPARATOR.get(variable, " ").join(words)
    if given.get("UV_NO_INDEX", "").lower() in ("", "0", "false", "no"):
        given.pop("UV_NO_INDEX", None)
    # pip looks at every index alike; the hashes decide what is let in.
    given["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in given.items() if name not in os.environ}


def _why(output: str, python: Path, lock: Path) -> str:
    if means_full_disk(output):
        return full_disk(python.parent.parent)
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in output:
        return f"The index offers a package whose hash is not the one in {lock}: nothing of it was installed."
    if any(sign in output for sign in NO_WAY):
        return (
            "The packages could not be fetched: check the network, the proxy (HTTPS_PROXY) and the index "
            f"(`pip config list`, PIP_INDEX_URL), then run the command again. pip said: {_last_line(output)}"
        )
    return f"The packages of {lock} could not be installed: {_last_line(output)}"


def _run(command: Sequence[str], extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "caused by", "╰─▶", "×"))]
    return (errors or lines or ["it said nothing"])[-1][:300]
