"""`python -m trading.drills`: engines of its own, then one drill after another; a line of JSON for each."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from rebalancer.embedded.engines import Engines, running
from rebalancer.embedded.errors import CannotRun
from rebalancer.embedded.state import State
from trading.drills.plan import BadPlan, Plan, faults_of, kills_for

QUICK = {
    "ORDER_LEASE_SECONDS": "5",
    "BREAKER_PAUSE_SECONDS": "1,1,2,2,3",
    "ORDER_ABSENCE_SECONDS": "2",
    "ORDER_ASK_AGAIN_SECONDS": "1,1,2,2,3",
    "CUSTODIAN_ANSWER_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}
"""The same rules with shorter patience, so that a drill sees many leases run out."""
SECONDS = 900.0


def read_options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py simulate_faults", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one drill for each")
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--faults", default="all", help="all, none, or kinds with commas between")
    parser.add_argument("--kills", type=int, help="workers killed; by default one for forty orders")
    parser.add_argument("--no-restarts", dest="restarts", action="store_false", help="leave engines and custodian up")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the most that a drill may take")
    parser.add_argument("--logs", type=Path, help="keep the processes' logs in this directory")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Exit code 1 when a rule was broken, 2 when a drill could not be carried out."""
    options = read_options(words)
    try:
        kills = kills_for(options.orders) if options.kills is None else options.kills
        faults = faults_of(options.faults)
        plans = [Plan(seed, options.orders, faults, kills, options.restarts, options.seconds) for seed in options.seed]
    except BadPlan as bad:
        print(bad, file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="drill-") as place, _without_servers():
            state = State(Path(place) / "state", "test")
            with running(state, _say) as engines:
                return _drill(plans, engines, options.logs or Path(place))
    except CannotRun as why:
        print(why, file=sys.stderr)
        return 2


def _drill(plans: Sequence[Plan], engines: Engines, logs: Path) -> int:
    """Django is only looked at once the engines are up: its settings say where they are."""
    os.environ.update({**engines.environment(), **QUICK, "DJANGO_SETTINGS_MODULE": "rebalancer.settings"})
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0)
    sound = True
    for plan in plans:
        report = _one(plan, engines, logs / f"seed-{plan.seed}")
        print(json.dumps(report), flush=True)
        sound = sound and report["sound"]
    return 0 if sound else 1


def _one(plan: Plan, engines: Engines, directory: Path) -> dict[str, Any]:
    from django.conf import settings

    from trading.drills.course import Course
    from trading.drills.databases import copied_database
    from trading.drills.stack import Stack

    directory.mkdir(parents=True, exist_ok=True)
    with copied_database(f"drill_{plan.seed}") as name:
        stack = Stack(engines, directory, _environment(engines, name), plan.seed)
        settings.SIMULATOR_URL = stack.environment["SIMULATOR_URL"]  # each drill has a custodian of its own
        try:
            return Course(plan, stack, _say).run()
        finally:
            stack.stop()


def _environment(engines: Engines, database: str) -> dict[str, str]:
    environment = {**engines.environment(), **QUICK, "DJANGO_SETTINGS_MODULE": "rebalancer.settings"}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        environment[name] = urlunsplit(urlsplit(environment[name])._replace(path=f"/{database}"))
    return environment


@contextmanager
def _without_servers() -> Iterator[None]:
    """The drill restarts its engines, so it never uses those that the shell names."""
    kept: Mapping[str, str] = {
        name: os.environ.pop(name) for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL") if name in os.environ
    }
    try:
        yield
    finally:
        os.environ.update(kept)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
