"""One firm or all of them, as commands take it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import CommandError

from accounts.tenancy import firm_ids


def add_firm_choice(parser: ArgumentParser) -> None:
    """`--all-firms` or `--firm`, one of which has to be given."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--all-firms", action="store_true")
    which.add_argument("--firm", type=int, help="a firm's number")


def chosen_firms(options: Mapping[str, Any]) -> Sequence[int]:
    """:raises CommandError: if there is no such firm"""
    known = firm_ids()
    if not options["all_firms"] and options["firm"] not in known:
        raise CommandError(f"There is no firm {options['firm']}; nothing was done.")
    return known if options["all_firms"] else [options["firm"]]
