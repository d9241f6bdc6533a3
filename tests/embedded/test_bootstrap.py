"""dev.py says in one sentence what is in its way, before it installs anything."""

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.embedded import engines
from rebalancer.embedded.state import CHECKOUT, State, held

DEV = CHECKOUT / "dev.py"


def dev(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run dev.py and give its exit code, stdout and stderr."""
    result = subprocess.run(
        [sys.executable, DEV, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_named_with_another_one_to_try(taken_port: int, tmp_path: Path):
    assert dev("demo", "--port", str(taken_port), REBALANCER_STATE_DIR=str(tmp_path / "demo")) == (
        1,
        "",
        f"Port {taken_port} of 127.0.0.1 is already taken by another program: stop that one, or choose another port, "
        f"`python3 dev.py demo --port {taken_port + 1}`.\n",
    )


def test_a_number_that_is_no_port_is_refused(tmp_path: Path):
    assert dev("demo", "--port", "80000", REBALANCER_STATE_DIR=str(tmp_path / "demo")) == (
        1,
        "",
        "80000 is not a port: choose one between 1024 and 65535, as in `dev.py demo --port 8001`.\n",
    )


def test_a_second_demo_names_the_first(tmp_path: Path):
    with held(State(tmp_path / "demo", "demo")):
        answer = dev("demo", REBALANCER_STATE_DIR=str(tmp_path / "demo"))

    assert answer == (
        1,
        "",
        f"Already running: process {os.getpid()} uses {tmp_path / 'demo'}. "
        "Stop it with Ctrl-C, or set REBALANCER_STATE_DIR to another directory.\n",
    )


def test_a_second_demo_tells_where_the_first_one_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db/book")
    monkeypatch.setenv("REDIS_URL", "redis://queue/1")
    with engines.running(State(tmp_path / "demo", "demo"), print, {"REBALANCER_URL": "http://127.0.0.1:8000"}):
        _, _, said = dev("demo", REBALANCER_STATE_DIR=str(tmp_path / "demo"))

    assert said.startswith(
        f"Already running: process {os.getpid()} uses {tmp_path / 'demo'} and serves http://127.0.0.1:8000. "
    )


def test_an_unknown_command_shows_what_there_is():
    code, out, said = dev("demonstrate")

    assert (code, out, said.splitlines()[0]) == (1, "", "python3 dev.py COMMAND")


def test_a_python_that_is_too_old_says_so_and_what_to_do():
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); "
        f"sys.argv = ['dev.py', 'demo']; runpy.run_path({str(DEV)!r}, run_name='__main__')"
    )

    result = subprocess.run(
        [sys.executable, "-c", pretend], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stderr) == (
        1,
        f"Rebalancer needs Python 3.11 or newer and this is Python 3.9.2 ({sys.executable}): "
        "install a newer one and run it as `python3.11 dev.py`.\n",
    )


def test_the_door_can_be_read_by_pythons_that_are_too_old():
    tree = ast.parse(DEV.read_text(), feature_version=(3, 4))
    newer_than_python_2 = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef)

    assert [node for node in ast.walk(tree) if isinstance(node, newer_than_python_2)] == []
    assert [f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and (f.returns or f.args.kwonlyargs)] == []
