"""`manage.py bench [GROUP]`: figures beside their goals; exit 1 if a goal is missed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.benchmarks.engine import measure as measure_engine
from trading.benchmarks.orders import measure as measure_orders
from trading.benchmarks.rows import Row
from trading.benchmarks.scan import measure as measure_scan

GROUPS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "engine": measure_engine,
    "orders": measure_orders,
    "scan": measure_scan,
}


class Command(BaseCommand):
    help = "Measure, and say which goals are met."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("group", nargs="?", choices=sorted(GROUPS))
        parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [options["group"]] if options["group"] else sorted(GROUPS)
        rows: list[Row] = []
        for group in wanted:
            for row in GROUPS[group]():
                rows.append(row)
                if not options["json"]:
                    self.stdout.write(row.line())
        if options["json"]:
            self.stdout.write(json.dumps([row.record() for row in rows], indent=2))
        missed = [row.name for row in rows if not row.met]
        if missed:
            raise CommandError(f"Goals missed: {', '.join(missed)}.")
