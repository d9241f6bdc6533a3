"""Make a custodian's key to the API, or revoke one. For the operator of the installation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from trading.services.custodian_api.keys import SCOPES, CannotMakeKey, create_key, revoke_key


class Command(BaseCommand):
    help = "Make a custodian's key to the API and print it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--custodian", help="the custodian's code, as SCHWAB")
        what.add_argument("--revoke", metavar="KEY_ID", help="take this key out of force")
        parser.add_argument("--firm", action="append", default=[], metavar="SLUG", help="a firm it serves; repeat")
        parser.add_argument("--scope", action="append", choices=SCOPES, help="what it may do; repeat; default: all")
        parser.add_argument("--days", type=int, default=365, help="days until it expires; 0 for never (default 365)")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["revoke"]:
            if not revoke_key(key_id=options["revoke"], at=now):
                raise CommandError(f"There is no key {options['revoke']} in force.")
            self.stdout.write("revoked")
            return
        try:
            key = create_key(
                custodian=options["custodian"],
                firm_slugs=options["firm"],
                scopes=options["scope"] or SCOPES,
                at=now,
                expires_at=now + timedelta(days=options["days"]) if options["days"] else None,
            )
        except CannotMakeKey as why:
            raise CommandError(str(why)) from why
        self.stdout.write(key)
