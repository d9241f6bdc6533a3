"""One run: the orders that an approval set off, wave by wave, and what they came to beside what was approved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rebalancer.engine import money
from rebalancer.engine.money import ZERO, cents, times
from trading.lifecycle import TERMINAL
from trading.models import Execution, Order, RebalanceRun
from trading.selectors.orders import order_row
from trading.selectors.runs import left_out

BASIS_POINTS = 10_000
WAVES = {1: "Sells", 2: "Buys"}


@dataclass(frozen=True, slots=True)
class Traded:
    """What live executions of an order came to, in dollars: what they cost or brought, and their fees."""

    gross: Decimal = ZERO
    fees: Decimal = ZERO


def run_of_proposal(firm_id: int, proposal_id: int) -> int | None:
    """The id of the run that a proposal's approval made."""
    rows = RebalanceRun.objects.for_firm(firm_id).filter(proposal=proposal_id)
    return rows.values_list("id", flat=True).first()


def run_story(firm_id: int, run_id: int) -> dict[str, Any] | None:
    """A run with its orders and their sums; nothing if the firm has no such run."""
    runs = RebalanceRun.objects.for_firm(firm_id).select_related("proposal__household").filter(pk=run_id)
    run = runs.defer("proposal__book").first()
    if run is None:
        return None
    rows = Order.objects.for_firm(firm_id).filter(run=run)
    orders = list(rows.select_related("account__household", "connection__custodian", "security", "run").order_by("id"))
    traded = _traded(firm_id, orders)
    lines = [_line(order, traded.get(order.pk, Traded())) for order in orders]
    return {
        "run": {
            "id": run.pk,
            "approved_by": run.approved_by,
            "created_at": run.created_at,
            "settlement_label": run.get_settlement_display(),
            "proposal_id": run.proposal_id,
            "household_name": run.proposal.household.name,
        },
        "waves": [
            {"label": WAVES[wave], "orders": [line for line in lines if line["wave"] == wave]}
            for wave in sorted({order.wave for order in orders})
        ],
        "sums": _sums(lines),
        "left_out": left_out(firm_id, run.proposal_id),
        "live": any(order.status not in TERMINAL for order in orders),
    }


def _traded(firm_id: int, orders: Sequence[Order]) -> Mapping[int, Traded]:
    found: dict[int, Traded] = defaultdict(Traded)
    rows = Execution.objects.for_firm(firm_id).filter(order__in=orders, is_live=True).exclude(kind="BUST")
    for order_id, quantity, price, gross, fees in rows.values_list("order_id", "quantity", "price", "gross", "fees"):
        one = found[order_id]
        amount = cents(times(quantity, price)) if gross is None else gross
        found[order_id] = Traded(one.gross + amount, one.fees + fees)
    return found


def _line(order: Order, traded: Traded) -> dict[str, Any]:
    """An order beside its price when it was approved.

    `shortfall` are the dollars that its fills were worse than at that price, fees left aside (Perold, 1988).
    """
    expected = times(order.cum_quantity, order.reference_price)
    sign = 1 if order.side == Order.Side.BUY else -1
    shortfall = sign * (traded.gross - cents(expected))
    return {
        **order_row(order, [], None),
        "wave": order.wave,
        "tier": order.tier,
        "reference_price": order.reference_price,
        "gross": traded.gross,
        "fees": traded.fees,
        "expected": expected,
        "shortfall": shortfall if order.cum_quantity else None,
        "shortfall_bp": _bp(shortfall, expected),
        "ended": order.status in TERMINAL,
    }


def _bp(shortfall: Decimal, expected: Decimal) -> Decimal | None:
    return money.ratio(Fraction(shortfall) / Fraction(expected) * BASIS_POINTS) if expected else None


def _sums(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shortfall = sum((line["shortfall"] or ZERO for line in lines), ZERO)
    return {
        "orders": len(lines),
        "ended": sum(line["ended"] for line in lines),
        "filled": sum(line["status"] == "FILLED" for line in lines),
        "bought": sum((line["gross"] for line in lines if line["side"] == Order.Side.BUY), ZERO),
        "sold": sum((line["gross"] for line in lines if line["side"] == Order.Side.SELL), ZERO),
        "fees": sum((line["fees"] for line in lines), ZERO),
        "shortfall": shortfall,
        "shortfall_bp": _bp(shortfall, sum((line["expected"] for line in lines), ZERO)),
    }
