from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.tenancy import firm_ids
from trading.services.halts import OPERATOR, ReasonNeeded, raise_halt
from trading.tasks.orders import nudge_orders


class Command(BaseCommand):
    help = "Stops all trading of one firm, or of every firm, at once. `lift_halts` lets it go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--all-firms", action="store_true")
        which.add_argument("--firm", type=int, help="a firm's number")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--by", default=getpass.getuser(), help="who stops it (default: who is signed in)")
        parser.add_argument("--cancel", action="store_true", help="cancel every open order too")

    def handle(self, *args: Any, **options: Any) -> None:
        known, by = firm_ids(), f"{OPERATOR}{options['by']}"
        chosen = known if options["all_firms"] else [options["firm"]]
        if not set(chosen) <= set(known):
            raise CommandError(f"There is no firm {options['firm']}; nothing was stopped.")
        for firm_id in chosen:
            try:
                raised = raise_halt(
                    firm_id=firm_id, reason=options["reason"], by=by, at=timezone.now(), cancel=options["cancel"]
                )
            except ReasonNeeded as error:
                raise CommandError(str(error)) from None
            nudge_orders(firm_id)
            ended = raised.cancelled
            self.stdout.write(f"firm {firm_id}: stopped; {ended.here} cancelled here, {ended.asked} at the custodian")
