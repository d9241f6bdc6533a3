"""Compiles the engine for this machine, once: `manage compile_engine`. Whoever needs it meanwhile waits."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from rebalancer.engine.optimiser.native import forget_others, is_kept, ready
from rebalancer.engine.policy import Distance

POLITELY = 10
"""How far behind others (nice)."""


class Command(BaseCommand):
    help = "Compile the engine unless this machine has its machine code already; needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--distance", choices=[one.lower() for one in Distance], help="only for this distance")
        parser.add_argument(
            "--behind-others", action="store_true", help="only with processor time that nobody else wants"
        )

    def handle(self, *args: Any, distance: str | None, behind_others: bool, **options: Any) -> None:
        wanted = [Distance[distance.upper()]] if distance else list(Distance)
        missing = [one for one in wanted if not is_kept(one)]
        if not missing:
            return
        if behind_others:
            os.nice(POLITELY)
        self.stderr.write("Compiling the engine once for this machine (a minute and a half of processor time) …")
        forget_others()
        for one in missing:
            ready(one)
