from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from trading.management.chosen_firms import add_firm_choice, chosen_firms
from trading.services.halts import OPERATOR, ReasonNeeded, raise_halt
from trading.tasks.orders import nudge_orders


class Command(BaseCommand):
    help = "Stops all trading of one firm, or of every firm, at once. `lift_halts` lets it go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_firm_choice(parser)
        parser.add_argument("--reason", required=True)
        parser.add_argument("--by", default=getpass.getuser(), help="who stops it (default: who is signed in)")
        parser.add_argument("--cancel", action="store_true", help="cancel every open order too")

    def handle(self, *args: Any, **options: Any) -> None:
        by = f"{OPERATOR}{options['by']}"
        for firm_id in chosen_firms(options):
            try:
                raised = raise_halt(
                    firm_id=firm_id, reason=options["reason"], by=by, at=timezone.now(), cancel=options["cancel"]
                )
            except ReasonNeeded as error:
                raise CommandError(str(error)) from None
            nudge_orders(firm_id)
            ended = raised.cancelled
            self.stdout.write(f"firm {firm_id}: stopped; {ended.here} cancelled here, {ended.asked} at the custodian")
