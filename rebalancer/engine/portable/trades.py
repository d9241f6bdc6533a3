"""Decisions as the trade list writes them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from rebalancer.engine.fees import Side
from rebalancer.engine.money import MICRO
from rebalancer.engine.optimiser import Decision, Decisions, Trade
from rebalancer.engine.optimiser.coupled.searches import micro_shares


def trades_of(decisions: Iterable[Decision]) -> dict[str, Any]:
    """Trades by account id: `{"A1": {"trades": [{"symbol", "qty", "lots": [{"id", "qty"}], "reason", "sentence"}]}}`.

    `qty` is signed, sales negative; whole numbers are written as such.
    """
    return {decision.account_id: _written(decision) for decision in decisions}


def orders_of(decisions: Decisions) -> dict[str, list[dict[str, Any]]]:
    """What is traded, by account id, as quickly as it can be told: `[{"symbol", "qty", "lots": [{"id", "qty"}]}]`.

    Read from the columns of the decisions; `trades_of` says the same from what was worked out exactly.
    """
    book, problem, outcome = decisions.book, decisions.problem, decisions.outcome
    names, symbols, lot_ids = book.accounts.account_id, book.securities.symbol, book.lots.lot_id
    orders: dict[str, list[dict[str, Any]]] = {names[account]: [] for account in decisions.accounts.tolist()}
    taken = np.flatnonzero(outcome.taken)
    starts = np.searchsorted(taken, problem.lot_offsets).tolist()
    picks = [
        {"id": lot_ids[lot], "qty": _shares(micros)}
        for lot, micros in zip(taken.tolist(), outcome.taken[taken].tolist(), strict=True)
    ]
    traded = np.flatnonzero(outcome.steps)
    rows = problem.rows[traded]
    shares = micro_shares(problem, outcome.steps, traded)
    columns = (rows["account"], rows["security"], rows["position"], shares)
    for account, security, position, micros in zip(*(column.tolist() for column in columns), strict=True):
        order: dict[str, Any] = {"symbol": symbols[security], "qty": _shares(micros)}
        if micros < 0:
            order["lots"] = picks[starts[position] : starts[position + 1]]
        orders[names[account]].append(order)
    return orders


def _shares(micros: int) -> int | float:
    whole, rest = divmod(micros, MICRO)
    return micros / MICRO if rest else whole


def _written(decision: Decision) -> dict[str, Any]:
    proof = decision.certificate
    return {
        "trades": [_trade(trade) for trade in decision.trades],
        "drift_before": round(decision.drift_before, 8),
        "drift_after": round(decision.drift_after, 8),
        "gain_short": float(decision.gain_short),
        "gain_long": float(decision.gain_long),
        "tax": float(decision.tax),
        "cost": float(decision.cost),
        "cash_after": float(decision.cash_after),
        "objective": round(proof.objective, 6),
        "bound": round(proof.bound, 6),
        "gap_bps": round(proof.gap_bps, 6),
        "proven": proof.proven,
        "skipped": [
            {"symbol": skipped.symbol, "reason": skipped.reason, "sentence": skipped.sentence}
            for skipped in decision.skipped
        ],
    }


def _trade(trade: Trade) -> dict[str, Any]:
    sign = 1 if trade.side is Side.BUY else -1
    written: dict[str, Any] = {"symbol": trade.symbol, "qty": sign * _number(trade.quantity)}
    if trade.lots:
        written["lots"] = [{"id": pick.lot_id, "qty": _number(pick.quantity)} for pick in trade.lots]
    return written | {"reason": trade.reason, "sentence": trade.sentence}


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
