"""What would a swap come to? `manage swap FROM TO --dry-run --firm birch`, or `--book BOOK.json`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.selectors.members import firm_by_slug
from accounts.tenancy import firm_scope
from portfolios.management.portable_files import read_book
from portfolios.selectors.days import book_day
from portfolios.services.swap import swap_in_firm
from rebalancer.engine import money
from rebalancer.engine.checks import Checker
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser import Decision, Trade
from rebalancer.engine.swap import BadSwap, Swap, SwapRule, swap


class Command(BaseCommand):
    help = "Say as JSON what replacing one security by another would come to in every account. Nothing is stored."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sold", metavar="FROM")
        parser.add_argument("bought", metavar="TO")
        parser.add_argument("--only-losses", action="store_true", help="sell lots at a loss alone")
        parser.add_argument("--only-long-term", action="store_true", help="sell no short-term gain")
        parser.add_argument("--gain-cap", metavar="DOLLARS", help="net gain that a household may realise")
        parser.add_argument("--dry-run", action="store_true", required=True, help="the only way there is so far")
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--firm", metavar="SLUG")
        of.add_argument("--book", type=Path, metavar="BOOK.json", help="a portable book; needs no database")

    def handle(self, *args: Any, **options: Any) -> None:
        rule = SwapRule(
            only_losses=options["only_losses"],
            only_long_term=options["only_long_term"],
            gain_cap=_dollars(options["gain_cap"]),
        )
        pair = options["sold"], options["bought"]
        try:
            path = options["book"]
            found = swap(read_book(path), *pair, rule) if path else _of_firm(options["firm"], *pair, rule)
        except BadSwap as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(_told(found), default=str, indent=2))


def _dollars(text: str | None) -> Decimal | None:
    try:
        amount = None if text is None else money.micro(Decimal(text))
    except InvalidOperation:
        raise CommandError(f"--gain-cap is {text}, which is no number of dollars.") from None
    if amount is not None and amount < 0:
        raise CommandError("--gain-cap must not be negative.")
    return amount


def _of_firm(slug: str, sold: str, bought: str, rule: SwapRule) -> Swap:
    firm = firm_by_slug(slug)
    if firm is None:
        raise CommandError(f"There is no firm {slug}. Say its slug, such as birch.")
    with firm_scope(firm.pk):
        as_of = book_day(timezone.localdate())
        return swap_in_firm(firm_id=firm.pk, sold=sold, bought=bought, rule=rule, as_of=as_of)


def _told(found: Swap) -> dict[str, Any]:
    """Accounts whose decision does not foot are told as errors, without trades."""
    wrong = Checker(found.book).check_all(found.decisions)
    sound = [one for one in found.decisions if one.account_id not in wrong]
    return {
        "accounts": {one.account_id: _account(one) for one in sound},
        "left": found.left,
        "errors": {name: [breach.sentence for breach in breaches] for name, breaches in wrong.items()},
        "totals": {
            "accounts": len(sound),
            "sold": _total(sound, Side.SELL),
            "bought": _total(sound, Side.BUY),
            **{
                name: money.total([getattr(one, name) for one in sound])
                for name in ("gain_short", "gain_long", "tax", "cost")
            },
        },
    }


def _total(decisions: list[Decision], side: Side) -> Decimal:
    return money.total([trade.amount for one in decisions for trade in one.trades if trade.side is side])


def _account(one: Decision) -> dict[str, Any]:
    return {
        "trades": [_trade(trade) for trade in one.trades],
        "gain_short": one.gain_short,
        "gain_long": one.gain_long,
        "tax": one.tax,
        "cost": one.cost,
        "cash_after": one.cash_after,
    }


def _trade(trade: Trade) -> dict[str, Any]:
    lots = [{"id": pick.lot_id, "quantity": pick.quantity, "gain": money.cents(pick.gain)} for pick in trade.lots]
    shown = {"symbol": trade.symbol, "side": trade.side, "quantity": trade.quantity, "amount": trade.amount}
    return shown | ({"lots": lots} if lots else {})
