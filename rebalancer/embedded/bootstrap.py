"""What `dev.py` does before there is a virtual environment: look whether it can work, make `.venv`, hand over."""

import argparse
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from rebalancer.embedded import virtualenv
from rebalancer.embedded.errors import AlreadyRunning, CannotRun, sentence_for
from rebalancer.embedded.state import CHECKOUT, announced, holder_of, is_held, once_state, state_for

DEFAULT_PORT: Final = 8000
GROUPS: Final = {"demo": "base", "manage": "base", "bench": "base", "lock": "base", "test": "test", "check": "dev"}
USAGE: Final = """python3 dev.py COMMAND

  demo [--port N]         set everything up and open the demo firm on http://127.0.0.1:8000
  demo --once             run one whole day without a browser and print its summary as JSON
  test [pytest arguments] set everything up and run the tests
  check                   format, lint, types, contracts, templates, migrations
  manage COMMAND …        a command of Django's or of ours, with the engines it needs
  bench [GROUP] [--json]  measure against goals
  lock                    write requirements/*.lock anew from requirements/*.in
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; what cannot be done is one sentence on stderr."""
    began = time.time()
    if not arguments or arguments[0] not in GROUPS:
        print(USAGE, file=sys.stdout if {"-h", "--help"} & set(arguments) else sys.stderr, end="")
        return 0 if {"-h", "--help"} & set(arguments) else 1
    command, rest = arguments[0], list(arguments[1:])
    try:
        if command == "demo":
            look_ahead(demo_options(rest))
        python = virtualenv.ready(GROUPS[command], say=say)
        hand_over(python, [command, *rest], began=began)
    except CannotRun as reason:
        print(reason, file=sys.stderr)
    except OSError as error:
        print(sentence_for(error, where=CHECKOUT), file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 1


def demo_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of `demo`: `once` and `port`."""
    parser = argparse.ArgumentParser(prog="dev.py demo")
    parser.add_argument("--once", action="store_true", help="run one whole day without a browser; JSON on stdout")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"port of the web server ({DEFAULT_PORT})")
    return parser.parse_args(arguments)


def look_ahead(options: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is installed.

    :raises CannotRun: if the state directory or the port is taken
    """
    state = once_state() if options.once else state_for("demo")
    if is_held(state):
        address = (announced(state) or {}).get("REBALANCER_URL")
        serving = f" and serves {address}" if address else ""
        raise AlreadyRunning(
            f"Already running: process {holder_of(state)} uses {state.root}{serving}. "
            "Stop it with Ctrl-C, or set REBALANCER_STATE_DIR to another directory."
        )
    # After a kill the last run's web server may take a moment to let go of the port: the supervisor sees to that.
    if not options.once and not state.environment_file.exists():
        check_port(options.port)


def check_port(port: int) -> None:
    """Make sure that a port of the loopback can be had.

    :raises CannotRun: if it is taken, not allowed, or no port at all
    """
    if not 0 < port < 65536:
        raise CannotRun(f"{port} is not a port: choose one between 1024 and 65535, as in `dev.py demo --port 8001`.")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotRun(f"Port {port} is reserved for root: choose another, `dev.py demo --port 8001`.") from None
        except OSError:
            raise CannotRun(
                f"Port {port} of 127.0.0.1 is already taken by another program: stop that one, or choose another port, "
                f"`python3 dev.py demo --port {port + 1 if port < 65535 else 8001}`."
            ) from None


def hand_over(python: Path, arguments: Sequence[str], *, began: float) -> NoReturn:
    """Become the command, inside the virtual environment."""
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "REBALANCER_BEGAN_AT": str(began)}
    sys.stdout.flush()
    os.execve(python, [str(python), "-P", "-m", "rebalancer.embedded.commands", *arguments], environment)


def say(line: str) -> None:
    """Tell the person at the terminal what goes on; stdout is kept for results."""
    print(line, file=sys.stderr, flush=True)
