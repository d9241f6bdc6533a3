"""What would other settings do? `manage what_if --set class_band_absolute=0.04 --firm birch`, or `--book BOOK.json`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.selectors.members import firm_by_slug
from accounts.tenancy import firm_scope
from portfolios.management.portable_files import read_book
from portfolios.policy_files import InvalidPolicy, PolicyFile, parse_changes
from portfolios.selectors.days import book_day
from portfolios.services.what_if import what_if as what_if_of_firm
from rebalancer.engine.policy import BadPolicy, Policy
from rebalancer.engine.what_if import WhatIf, what_if


class Command(BaseCommand):
    help = "Say as JSON what a book would come to today under other settings. Nothing is stored."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--set", action="append", required=True, dest="changes", metavar="KEY=VALUE", help="may be repeated"
        )
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--firm", metavar="SLUG", help="the firm's own parameter file is the one that changes")
        of.add_argument("--book", type=Path, metavar="BOOK.json", help="a portable book; needs no database")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changes = parse_changes(options["changes"])
            found = _of_book(options["book"], changes) if options["book"] else _of_firm(options["firm"], changes)
        except (InvalidPolicy, BadPolicy) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(found, default=str, indent=2))


def _of_firm(slug: str, changes: PolicyFile) -> dict[str, Any]:
    firm = firm_by_slug(slug)
    if firm is None:
        raise CommandError(f"There is no firm {slug}. Say its slug, such as birch.")
    with firm_scope(firm.pk):
        asked = what_if_of_firm(firm_id=firm.pk, changes=changes, as_of=book_day(timezone.localdate()))
    sources = {key: setting.source for key, setting in asked.before.items()}
    before = {key: setting.value for key, setting in asked.before.items()}
    return _told(before, asked.after, asked.result) | {"set_by": sources}


def _of_book(path: Path, changes: PolicyFile) -> dict[str, Any]:
    """A portable book has one policy for all its accounts."""
    known = {field.name for field in fields(Policy)}
    after = {key: value for key, value in changes.values() if key in known}
    book = read_book(path)
    before = {key: getattr(policy, key) for policy in book.policies for key in after}
    return _told(before, after, what_if(book, after))


def _told(before: Mapping[str, Any], after: Mapping[str, Any], result: WhatIf) -> dict[str, Any]:
    changes = {key: {"before": _plain(before.get(key)), "after": _plain(value)} for key, value in after.items()}
    steps = ", ".join(f"{key} {one['before']} → {one['after']}" for key, one in changes.items())
    return {
        "changes": changes,
        "before": asdict(result.before),
        "after": asdict(result.after),
        "difference": dict(result.difference),
        "sentence": f"{steps}: {result.sentence[0].lower()}{result.sentence[1:]}",
    }


def _plain(value: Any) -> Any:
    """As a parameter file would say it, in JSON."""
    if value is None or isinstance(value, bool | int):
        return value
    return [str(one) for one in value] if isinstance(value, tuple) else str(value)
