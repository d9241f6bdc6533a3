"""`check_wash DIR`: run a directory of published wash sale cases against the engine, with no database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rebalancer.engine.cases import adlr, muandrew
from rebalancer.engine.cases.reading import BadCase, BadFile

SHEET_OUT, RUN_IN, RUN_OUT = "_out.csv", "_input.json", "_out.json"


class Command(BaseCommand):
    help = "Run a directory of wash sale cases (sheets of lots, lists of sales); exits 1 when one differs."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="X.csv beside X_out.csv, or X_input.json beside X_out.json")

    def handle(self, *_args: Any, directory: Path, **_options: Any) -> None:
        ran = differing = 0
        for name, differences in _cases(directory):
            ran += 1
            differing += bool(differences)
            self.stdout.write(f"{name}: {'as published' if not differences else ' '.join(differences)}")
        if not ran:
            raise CommandError(f"There are no wash sale cases in {directory}.")
        if differing:
            raise CommandError(f"{differing} of {ran} cases differ.")
        self.stdout.write(f"{ran} case{'s' if ran != 1 else ''} as published")


def _cases(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """Every case with a published answer, and how the engine's differs."""
    for published in sorted(directory.rglob(f"*{SHEET_OUT}")):
        asked = published.with_name(f"{published.name.removesuffix(SHEET_OUT)}.csv")
        yield asked.stem, _judged(_sheet, asked, published)
    for published in sorted(directory.rglob(f"*{RUN_OUT}")):
        asked = published.with_name(f"{published.name.removesuffix(RUN_OUT)}{RUN_IN}")
        yield asked.name.removesuffix(RUN_IN), _judged(_run, asked, published)


def _judged(judge: Callable[[Path, Path], list[str]], asked: Path, published: Path) -> list[str]:
    try:
        return judge(asked, published)
    except (BadFile, BadCase, ValueError, OSError) as flaw:
        return [f"It cannot be run: {flaw}"]


def _sheet(asked: Path, published: Path) -> list[str]:
    expected = [lot.row for lot in adlr.read_sheet(published.read_text("utf-8"))]
    return adlr.differences(expected, adlr.answer(adlr.read_sheet(asked.read_text("utf-8"))))


def _run(asked: Path, published: Path) -> list[str]:
    """The lists that the input names, one after another."""
    parts = json.loads(asked.read_text("utf-8"))
    names = [name for part in parts for name in part.get("values_csv", ())]
    events = [event for name in names for event in muandrew.read_events((asked.parent / name).read_text("utf-8"))]
    expected = json.loads(published.read_text("utf-8"), parse_float=Decimal)
    return muandrew.differences(expected, muandrew.answer(events))
