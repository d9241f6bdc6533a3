"""`manage.py load_market_rules [--ticks FILE] [--funds FILE]`: take in tick sizes and the terms of mutual funds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portfolios.feeds.market_rules import BadMarketRules, read_fund_terms, read_tick_sizes
from portfolios.services.market_rules import load_fund_terms, load_tick_sizes


class Command(BaseCommand):
    help = "Take in tick sizes by symbol and date, and cut-offs of mutual funds. A file is taken whole or not at all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ticks", type=Path, metavar="FILE", help="symbol,starts_on,ends_on,increment")
        parser.add_argument("--funds", type=Path, metavar="FILE", help="symbol,custodian,cut_off_at,settle_days")

    def handle(self, *args: Any, **options: Any) -> None:
        ticks, funds = options["ticks"], options["funds"]
        if ticks is None and funds is None:
            raise CommandError("Nothing to load. Name a file with --ticks or --funds.")
        try:
            if ticks is not None:
                count = load_tick_sizes(rows=read_tick_sizes(_text(ticks)), source=ticks.name)
                self.stdout.write(f"{ticks.name}: {count:,} tick sizes.")
            if funds is not None:
                count = load_fund_terms(rows=read_fund_terms(_text(funds)), source=funds.name)
                self.stdout.write(f"{funds.name}: terms of {count:,} funds.")
        except BadMarketRules as bad:
            raise CommandError("Nothing of the file was taken.\n" + "\n".join(bad.sentences)) from bad


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}. Write it as UTF-8 text.") from error
