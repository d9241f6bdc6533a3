"""Whether the orders of a run are the trades that were approved, to the share and the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rebalancer.engine.money import ZERO, cents, times
from trading.models import Order, ProposalAccount, RebalanceRun

Place = tuple[int, str, str]
"""Account, symbol and side."""


@dataclass(slots=True)
class _Sum:
    quantity: Decimal = ZERO
    amount: Decimal = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        self.quantity += quantity
        self.amount += times(quantity, price)


def differences(firm_id: int, runs: Mapping[int, RebalanceRun]) -> dict[int, str]:
    """By run, a sentence about the first trade whose orders are not what was approved.

    What a run left out, or did not order in full, stands in its `skipped` with a reason and counts as ordered; so does
    an order that ended here before it was sent, which its entry names by `order_id`.
    """
    approved = _approved(firm_id, runs)
    ordered = _ordered(firm_id, runs)
    return {
        run_id: sentence
        for run_id, run in runs.items()
        if (sentence := _difference(approved[run.proposal_id], ordered[run_id], run.skipped))
    }


def _approved(firm_id: int, runs: Mapping[int, RebalanceRun]) -> Mapping[int, Mapping[Place, _Sum]]:
    found: dict[int, dict[Place, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    rows = ProposalAccount.objects.for_firm(firm_id).filter(proposal__in={run.proposal_id for run in runs.values()})
    for proposal_id, account_id, trades in rows.order_by("id").values_list("proposal_id", "account_id", "trades"):
        for trade in trades:
            place = (account_id, trade["symbol"], trade["side"])
            found[proposal_id][place].add(Decimal(trade["quantity"]), Decimal(trade["price"]))
    return found


def _ordered(firm_id: int, runs: Mapping[int, RebalanceRun]) -> Mapping[int, Mapping[Place, _Sum]]:
    """An order that takes another's place stands for it; only the first counts."""
    found: dict[int, dict[Place, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    rows = Order.objects.for_firm(firm_id).filter(run__in=runs, role=Order.Role.ACCOUNT, replaces=None).order_by("id")
    names = ("run_id", "account_id", "security__symbol", "side", "quantity", "reference_price")
    for run_id, account_id, symbol, side, quantity, price in rows.values_list(*names):
        found[run_id][account_id, symbol, side].add(quantity, price)
    return found


def _difference(approved: Mapping[Place, _Sum], ordered: Mapping[Place, _Sum], skipped: list[dict[str, Any]]) -> str:
    left_out = dict(_left_out(skipped))
    for place in sorted(set(approved) | set(ordered)):
        wanted, made = approved.get(place, _Sum()), ordered.get(place, _Sum())
        missing = left_out.get(place, ZERO)
        price = wanted.amount / wanted.quantity if wanted.quantity else ZERO
        if made.quantity + missing != wanted.quantity:
            return (
                f"Approved were {_plain(wanted.quantity)} shares to {place[2].lower()} of {place[1]}; ordered are "
                f"{_plain(made.quantity)}, left out with a reason {_plain(missing)}."
            )
        if cents(made.amount + times(missing, price)) != cents(wanted.amount):
            return f"Approved were ${cents(wanted.amount):,} of {place[1]}; ordered are ${cents(made.amount):,}."
    return ""


def _left_out(skipped: list[dict[str, Any]]) -> Iterator[tuple[Place, Decimal]]:
    sums: dict[Place, Decimal] = defaultdict(Decimal)
    for one in skipped:
        if "order_id" in one:
            continue
        sums[int(one["account_id"]), one["symbol"], one["side"]] += Decimal(str(one["quantity"]))
    yield from sums.items()


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
