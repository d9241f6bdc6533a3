"""`manage replay PROPOSAL_ID`: does the engine find again what is on record?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors.members import firm_by_slug
from accounts.tenancy import firm_ids, firm_scope
from trading.services.approvals import ProposalNotFound
from trading.services.replay import NothingToReplay, Replay, replay


class Command(BaseCommand):
    help = "Decide a proposal again from the book kept with it, and compare. Exit status 1 where anything differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("proposal_id", type=int, metavar="PROPOSAL_ID")
        parser.add_argument("--firm", metavar="SLUG", help="look in this firm only, such as birch")

    def handle(self, *args: Any, **options: Any) -> None:
        found = _replayed(_firms(options["firm"]), options["proposal_id"])
        if found.identical:
            self.stdout.write("identical")
            return
        for difference in found.differences:
            self.stdout.write(difference)
        raise CommandError(f"Proposal {options['proposal_id']} is not what the engine decides: see above.")


def _firms(slug: str | None) -> list[int]:
    if slug is None:
        return list(firm_ids())
    firm = firm_by_slug(slug)
    if firm is None:
        raise CommandError(f"There is no firm {slug}. Say its slug, such as birch.")
    return [firm.pk]


def _replayed(firms: list[int], proposal_id: int) -> Replay:
    for firm_id in firms:
        with firm_scope(firm_id):
            try:
                return replay(firm_id=firm_id, proposal_id=proposal_id)
            except ProposalNotFound:
                continue
            except NothingToReplay as nothing:
                raise CommandError(str(nothing)) from None
    raise CommandError(f"There is no proposal {proposal_id}{' in this firm' if len(firms) == 1 else ''}.")
