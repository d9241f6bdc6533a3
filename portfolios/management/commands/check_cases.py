"""`check_cases FILE.json`: run a file of domain cases against the engine, with no database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rebalancer.engine.cases.reading import BadFile, Case, data_named, read_cases, with_data
from rebalancer.engine.cases.running import Outcome, report, run


class Command(BaseCommand):
    help = "Run a JSON file of domain cases against the engine; exits 1 when a case fails."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a JSON list of {id, topic, inputs, expected}")
        parser.add_argument("--returns", type=Path, help="the data of cases whose own file of data is not beside them")
        parser.add_argument("--verbose", action="store_true", help="say what was not compared or not covered, and why")

    def handle(self, *_args: Any, file: Path, returns: Path | None, verbose: bool, **_options: Any) -> None:
        cases = self._read(file)
        texts = self._data(cases, beside=file.parent, otherwise=returns)
        results = [run(with_data(case, texts)) for case in cases]
        for line in report(results, verbose=verbose):
            self.stdout.write(line)
        failed = sum(result.outcome is Outcome.FAILED for result in results)
        if failed:
            raise CommandError("1 case failed." if failed == 1 else f"{failed} cases failed.")

    def _read(self, file: Path) -> list[Case]:
        try:
            return read_cases(self._text(file))
        except BadFile as flaw:
            raise CommandError(str(flaw)) from flaw

    def _data(self, cases: Sequence[Case], *, beside: Path, otherwise: Path | None) -> dict[str, str]:
        """The tables that cases name by a path from their own file; one that is nowhere is left out."""
        paths = {name: beside / name for name in data_named(cases) if name.endswith(".csv")}
        found = {name: path if path.is_file() else otherwise for name, path in paths.items()}
        return {name: self._text(path) for name, path in found.items() if path is not None}

    def _text(self, file: Path) -> str:
        try:
            return file.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The file {file} cannot be read: {error}") from error
