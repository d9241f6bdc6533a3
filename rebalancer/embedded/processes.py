"""Children that die with us, and the ones that an earlier life of ours left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.02
ORPHAN_SECONDS: Final = 3.0


def start(
    command: Sequence[str],
    *,
    log: Path,
    on_our_death: signal.Signals,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (Ctrl-C reaches us alone), its output appended to a log.

    The kernel sends it `on_our_death` when we die without having said goodbye. Call it from the main thread: the
    kernel watches the thread that started the child.

    :param prefix: changes of identity, which must come first because they make the kernel forget `on_our_death`
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [*prefix, *_tied(on_our_death), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )


def _tied(on_our_death: signal.Signals) -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", on_our_death.name.removeprefix("SIG")] if setpriv else []


def stop(
    process: subprocess.Popen[bytes] | subprocess.Popen[str], *, with_signal: signal.Signals, patience: float
) -> None:
    """Ask a child to stop, and after `patience` seconds end it and everything in its session."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """Say how a dead child ended: `exit 1` or `signal 9`."""
    return f"signal {-process.returncode}" if process.returncode < 0 else f"exit {process.returncode}"


def born_at(process: int) -> str:
    """Give the moment of a process's birth in the kernel's ticks, which tells it from a later one of the same number.

    Empty where there is no such process, or only its remains, or no /proc to look in.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def end_groups(leaders: Sequence[int], *, patience: float) -> None:
    """End processes that lead a session each, with everything in it, gently first."""
    _signal(leaders, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and any(born_at(leader) for leader in leaders):
        time.sleep(POLL_SECONDS)
    for leader in leaders:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


def living_in(directory: Path, program: str) -> list[int]:
    """Find processes of a program that work in a directory; empty where there is no /proc to look in."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            same = (entry / "cwd").samefile(directory)
            if same and (entry / "exe").readlink().name.removesuffix(" (deleted)") == program:
                found.append(int(entry.name))
    return sorted(found)


def end_leftovers(directory: Path, program: str, *, leader: int | None, patience: float) -> int:
    """End what an earlier life left running in a directory, gently first; give how many there were.

    Call it only while holding the state directory: then nobody else can own these processes. A living leader
    (postmaster, Valkey) is asked to shut down; children without a leader notice its death by themselves, at once.
    """
    left = living_in(directory, program)
    if leader in left:
        _signal([leader], signal.SIGINT)
    if left and not _gone(directory, program, patience if leader in left else ORPHAN_SECONDS):
        _signal(living_in(directory, program), signal.SIGKILL)
        _gone(directory, program, patience)
    return len(left)


def _signal(processes: Sequence[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _gone(directory: Path, program: str, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not living_in(directory, program):
            return True
        time.sleep(POLL_SECONDS)
    return False
