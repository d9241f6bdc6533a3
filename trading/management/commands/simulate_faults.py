"""`manage.py simulate_faults`: workers are killed and the custodian fails, and every order must be accounted for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from rebalancer.embedded.state import CHECKOUT


class Command(BaseCommand):
    help = "Run real workers against the simulated custodian under faults and kills; print what must hold as JSON."

    def run_from_argv(self, argv: list[str]) -> None:
        """The drill reads its own options and starts its own engines, so it is a process of its own."""
        sys.exit(
            subprocess.run([sys.executable, "-m", "trading.drills", *argv[2:]], cwd=CHECKOUT, check=False).returncode
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_from_argv(["manage.py", "simulate_faults", *options["words"]])
