"""`check_cases FILE.json`: run a file of domain cases against the engine, with no database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rebalancer.engine.cases.reading import BadFile, Case, read_cases
from rebalancer.engine.cases.running import Outcome, report, run


class Command(BaseCommand):
    help = "Run a JSON file of domain cases against the engine; exits 1 when a case fails."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a JSON list of {id, topic, inputs, expected}")
        parser.add_argument("--verbose", action="store_true", help="say what was not compared or not covered, and why")

    def handle(self, *_args: Any, file: Path, verbose: bool, **_options: Any) -> None:
        results = [run(case) for case in self._read(file)]
        for line in report(results, verbose=verbose):
            self.stdout.write(line)
        failed = sum(result.outcome is Outcome.FAILED for result in results)
        if failed:
            raise CommandError("1 case failed." if failed == 1 else f"{failed} cases failed.")

    def _read(self, file: Path) -> list[Case]:
        try:
            return read_cases(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The file {file} cannot be read: {error}") from error
        except BadFile as flaw:
            raise CommandError(str(flaw)) from flaw
