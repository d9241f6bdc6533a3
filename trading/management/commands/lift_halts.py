from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from trading.management.chosen_firms import add_firm_choice, chosen_firms
from trading.services.halts import REFUSALS, lift_operators
from trading.tasks.orders import nudge_orders


class Command(BaseCommand):
    help = "Lifts the halts that `halt` raised, in one firm or in every firm. Two people stand for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_firm_choice(parser)
        parser.add_argument("--reason", required=True)
        parser.add_argument("--asked-by", required=True)
        parser.add_argument("--agreed-by", required=True, help="another person")

    def handle(self, *args: Any, **options: Any) -> None:
        for firm_id in chosen_firms(options):
            try:
                lifted = lift_operators(
                    firm_id=firm_id,
                    asked_by=options["asked_by"],
                    agreed_by=options["agreed_by"],
                    why=options["reason"],
                    at=timezone.now(),
                )
            except REFUSALS as error:
                raise CommandError(str(error)) from None
            nudge_orders(firm_id)
            self.stdout.write(f"firm {firm_id}: {lifted} halts lifted")
