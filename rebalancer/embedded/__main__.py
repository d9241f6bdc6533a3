"""`python -m rebalancer.embedded up|down|env|run --state DIRECTORY`: engines of one's own for development."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rebalancer.embedded.engines import running
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.state import CHECKOUT, State, announced, holder_of, is_held, state_for

UP_SECONDS = 60.0


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; what cannot be done is one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m rebalancer.embedded", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "env", "run"])
    parser.add_argument("--state", type=Path, default=None, help="state directory (default: var/demo)")
    parser.add_argument("--name", choices=["demo", "test"], default="demo", help="test: fast, nothing durable")
    options = parser.parse_args(arguments)
    state = state_for(options.name, root=options.state)
    try:
        return {"up": up, "down": down, "env": show, "run": run}[options.command](state)
    except CannotRun as reason:
        print(reason, file=sys.stderr)
        return 1


def up(state: State) -> int:
    """Start the engines in the background unless they run, and print lines for the shell to export."""
    if not is_held(state):
        state.make()
        with (state.logs / "engines.log").open("ab") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "rebalancer.embedded", "run", "--state", str(state.root), "--name", state.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=CHECKOUT,
            )
        _wait_until_up(state, keeper)
    return show(state)


def down(state: State) -> int:
    """Stop the engines that run in the background, and wait until they have stopped."""
    keeper = holder_of(state)
    if keeper is None or not is_held(state):
        print(f"nothing runs in {state.root}", file=sys.stderr)
        return 0
    os.kill(keeper, signal.SIGTERM)
    deadline = time.monotonic() + UP_SECONDS
    while is_held(state):
        if time.monotonic() > deadline:
            raise CannotRun(f"Process {keeper} did not stop within {UP_SECONDS:.0f} s: look into {state.logs}.")
        time.sleep(0.05)
    return 0


def show(state: State) -> int:
    """Print the environment of running engines as lines for the shell to export."""
    environment = announced(state)
    if environment is None:
        raise CannotRun(f"Nothing runs in {state.root}: start it with `python -m rebalancer.embedded up`.")
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def run(state: State) -> int:
    """Keep the engines running in the foreground until a signal ends us; servers that the shell names are not used."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    with running(state, lambda line: print(line, file=sys.stderr, flush=True)) as engines:
        while not stopping:
            engines.revive()
            time.sleep(0.3)
    return 0


def _wait_until_up(state: State, keeper: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while announced(state) is None:
        if keeper.poll() is not None or time.monotonic() > deadline:
            said = (state.logs / "engines.log").read_text(errors="replace").strip().splitlines()
            raise CannotRun(said[-1] if said else f"The engines did not start: look into {state.logs}.")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
