"""A way to the model over years: `manage transition ACCOUNT --years 4 --gain-budget 20000 --firm birch`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.selectors.members import firm_by_slug
from accounts.tenancy import firm_scope
from portfolios.management.portable_files import read_book
from portfolios.selectors.days import book_day
from portfolios.services.transition import UnknownAccount, transition_of_account
from rebalancer.engine import money
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser import Trade
from rebalancer.engine.transition import BadPlan, Year, Yearly, transition


class Command(BaseCommand):
    help = "Say as JSON how an account comes to its model over years, within yearly budgets. Nothing is stored."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="its id")
        parser.add_argument("--years", type=int, required=True)
        parser.add_argument("--gain-budget", metavar="DOLLARS", help="net gain that may be realised each year")
        parser.add_argument("--tax-budget", metavar="DOLLARS", help="tax on gains that may be caused each year")
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--firm", metavar="SLUG")
        of.add_argument("--book", type=Path, metavar="BOOK.json", help="a portable book; needs no database")

    def handle(self, *args: Any, **options: Any) -> None:
        yearly = Yearly(gain=_dollars(options, "gain_budget"), tax=_dollars(options, "tax_budget"))
        name, years = options["account"], options["years"]
        try:
            if options["book"]:
                plan = _of_book(options["book"], name, years, yearly)
            else:
                plan = _of_firm(options["firm"], name, years, yearly)
        except (BadPlan, UnknownAccount) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(_told(name, plan), default=str, indent=2))


def _dollars(options: dict[str, Any], name: str) -> Decimal | None:
    text = options[name]
    try:
        return None if text is None else money.micro(Decimal(text))
    except InvalidOperation:
        raise CommandError(f"--{name.replace('_', '-')} is {text}, which is no number of dollars.") from None


def _of_book(path: Path, name: str, years: int, yearly: Yearly) -> Sequence[Year]:
    book = read_book(path)
    if name not in book.accounts.account_id:
        raise UnknownAccount(f"There is no account {name}.")
    return transition(book, name, years=years, yearly=yearly)


def _of_firm(slug: str, name: str, years: int, yearly: Yearly) -> Sequence[Year]:
    firm = firm_by_slug(slug)
    if firm is None:
        raise CommandError(f"There is no firm {slug}. Say its slug, such as birch.")
    with firm_scope(firm.pk):
        return transition_of_account(
            firm_id=firm.pk, account_id=name, years=years, yearly=yearly, as_of=book_day(timezone.localdate())
        )


def _told(name: str, plan: Sequence[Year]) -> dict[str, Any]:
    return {
        "account": name,
        "years": [_year(year) for year in plan],
        "totals": {
            "gain": money.total([year.gain for year in plan]),
            "tax": money.total([year.tax for year in plan]),
            "cost": money.total([year.decision.cost for year in plan]),
        },
        "left": [{"symbol": one.symbol, "amount": one.amount, "reason": one.reason} for one in plan[-1].left],
    }


def _year(year: Year) -> dict[str, Any]:
    return {
        "on": year.on,
        "trades": [_trade(trade) for trade in year.decision.trades],
        "carried_in": year.carried_in,
        "gain": year.gain,
        "tax": year.tax,
        "cost": year.decision.cost,
        "drift": round(year.drift, 8),
        "left": year.left_amount,
    }


def _trade(trade: Trade) -> dict[str, Any]:
    shown = {"symbol": trade.symbol, "side": trade.side, "quantity": trade.quantity, "amount": trade.amount}
    if trade.side is Side.BUY:
        return shown
    return shown | {"lots": [{"id": pick.lot_id, "quantity": pick.quantity} for pick in trade.lots]}
