"""The commands of `dev.py`, inside the virtual environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rebalancer.embedded import checks, demo, locks
from rebalancer.embedded.bootstrap import demo_options, say
from rebalancer.embedded.demo import migrate
from rebalancer.embedded.engines import running
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.services import COMPILE, MANAGE, PYTHON
from rebalancer.embedded.state import CHECKOUT, environment_of, is_held, state_for

# These need neither database nor queue: starting engines for them would only take time.
WITHOUT_ENGINES: Final = frozenset(
    {
        "solve",
        "compile_engine",
        "check_cases",
        "check_wash",
        "check",
        "collectstatic",
        "compilemessages",
        "help",
        "makemessages",
        "simulate_faults",
        "spectacular",
        "version",
    }
)
NAMED: Final = ("DATABASE_URL", "REDIS_URL")


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; what cannot be done is one sentence on stderr."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's `&` has Ctrl-C ignored until asked for
        signal.signal(number, _stop)
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except CannotRun as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130


def run_demo(arguments: Sequence[str]) -> int:
    """Run the demo, or one day of it."""
    options = demo_options(arguments)
    return demo.once() if options.once else demo.serve(options.port)


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with engines of its own, or with the servers that the shell names."""
    parallel = [] if _chooses_workers(arguments) else ["-n", "2"]
    command = [PYTHON, "-m", "pytest", *parallel, *arguments]
    attached(COMPILE, {})
    if all(os.environ.get(name) for name in NAMED):
        return attached(command, {}, cwd=CHECKOUT)
    with running(state_for("test"), say) as engines:
        return attached(command, engines.environment(), cwd=CHECKOUT)


def run_manage(arguments: Sequence[str]) -> int:
    """Run a management command where the caller stands, with the running demo's engines or, for its time, our own."""
    command = [*MANAGE, *arguments]
    name = next((word for word in arguments if not word.startswith("-")), "help")
    if name in WITHOUT_ENGINES or "--help" in arguments or all(os.environ.get(name) for name in NAMED):
        return attached(command, {})
    state = state_for("demo")
    if is_held(state):
        return attached(command, environment_of(state))
    with running(state, say, demo.demo_variables()) as engines:
        if name != "migrate":
            migrate(engines, say)
        return attached(command, engines.environment())


def run_bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks on a database of their own."""
    attached(COMPILE, {})
    with running(state_for("bench"), say) as engines:
        migrate(engines, say)
        return attached([*MANAGE, "bench", *arguments], engines.environment())


def attached(command: Sequence[str], environment: Mapping[str, str], *, cwd: Path | None = None) -> int:
    """Run a command on our terminal and give its exit code; Ctrl-C reaches it directly, and it decides what to do."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=cwd)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    except KeyboardInterrupt:  # SIGTERM: pass it on
        process.terminate()
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _chooses_workers(arguments: Sequence[str]) -> bool:
    own = ("-n", "--numprocesses", "--pdb", "--dist", "no:xdist")
    return any(word in own or word.startswith(("-n", "--numprocesses=")) for word in arguments)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


COMMANDS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "demo": run_demo,
    "test": run_tests,
    "check": checks.main,
    "manage": run_manage,
    "bench": run_bench,
    "lock": locks.main,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
