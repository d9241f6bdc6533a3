"""`manage.py import_feed --firm F --layout L FILE…`: take in custodians' files; exit 1 if any is unclean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.selectors.members import firm_by_slug
from portfolios.feeds.parse import LAYOUTS
from portfolios.services.feeds import FeedOutcome, import_file

MAX_BYTES = 64 * 1024 * 1024


class Command(BaseCommand):
    help = "Take in custodians' files. A file is applied whole or not at all; rows that cannot be used are set aside."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--firm", required=True, metavar="SLUG")
        parser.add_argument("--layout", required=True, choices=sorted(LAYOUTS))
        parser.add_argument("--custodian", default="", metavar="CODE", help="for files that name no custodian")
        parser.add_argument(
            "--open-accounts",
            metavar="HOUSEHOLD",
            nargs="?",
            const="",
            help="open accounts that nobody knows, in the household of that external id, or in one that collects them",
        )
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        firm = firm_by_slug(options["firm"])
        if firm is None:
            raise CommandError(f"There is no firm {options['firm']}. Say its slug, such as birch.")
        unclean = [path.name for path in options["files"] if not self._take_in(firm.pk, path, options)]
        if unclean:
            raise CommandError(f"Not clean: {', '.join(unclean)}. What was set aside is on the data problems page too.")

    def _take_in(self, firm_id: int, path: Path, options: dict[str, Any]) -> bool:
        """Whether the file was applied with no row set aside."""
        try:
            content = _content(path)
        except OSError as error:
            self.stdout.write(f"{path}: cannot be read: {error.strerror}.")
            return False
        outcome = import_file(
            firm_id=firm_id,
            layout=options["layout"],
            name=path.name,
            content=content,
            at=timezone.now(),
            actor="import_feed",
            custodian=options["custodian"].upper(),
            open_accounts_in=options["open_accounts"],
        )
        self._tell(path, outcome)
        return outcome.is_clean

    def _tell(self, path: Path, outcome: FeedOutcome) -> None:
        if outcome.status == "REFUSED":
            self.stdout.write(f"{path.name}: REFUSED, nothing was applied. {outcome.sentence}")
            return
        already = f" {outcome.sentence}" if outcome.was_applied_before else ""
        self.stdout.write(
            f"{path.name}: {outcome.applied_count:,} of {outcome.row_count:,} rows applied, "
            f"{outcome.set_aside_count:,} set aside.{already}"
        )
        for rows in outcome.set_aside:
            place = "" if rows.row_number is None or rows.sentence.startswith("Line ") else f"Line {rows.row_number}: "
            self.stdout.write(f"  {place}{rows.sentence}")


def _content(path: Path) -> bytes:
    """The file's bytes, one more than the limit at most: the layouts refuse what is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
