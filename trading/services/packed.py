"""A decision's parts as the JSON that a proposal keeps: for the screens, for the approval's hash, and for replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from rebalancer.engine.book import Book
from rebalancer.engine.money import from_micros
from rebalancer.engine.optimiser.decision import ClassLine, Decision, HouseholdYear, SecurityLine, Trade
from trading.packing import pack
from trading.services.wash_notes import wash_notes

CASH = "Cash"


def packed_content(book: Book, decision: Decision, place: int) -> dict[str, Any]:
    """All that a proposal keeps of one account's decision: trades, skipped, figures and certificate, each packed."""
    return {
        "trades": packed_trades(book, decision, place),
        "skipped": packed_skipped(decision),
        "figures": packed_figures(book, decision, place),
        "certificate": packed_certificate(decision),
    }


def packed_trades(book: Book, decision: Decision, place: int) -> list[Any]:
    """The trades of an account with every lot: decimals and days as text."""
    acquired = _acquired_on(book, place)
    return [pack(_trade(trade, acquired)) for trade in decision.trades]


def packed_skipped(decision: Decision) -> list[Any]:
    """What was not traded, and why."""
    return [{"symbol": one.symbol, "code": one.reason.value, "sentence": one.sentence} for one in decision.skipped]


def packed_certificate(decision: Decision) -> Any:
    """How good the trades are: objective, bound and gap, in dollars and basis points, and what was asked for."""
    found = decision.certificate
    return pack(
        {
            "objective": _dollars(found.objective),
            "bound": _dollars(found.bound),
            "gap_bps": _dollars(found.gap_bps),
            "proven": found.proven,
            "slider": f"{decision.slider:.4f}",
            "distance": decision.distance,
        }
    )


def packed_figures(book: Book, decision: Decision, place: int) -> Any:
    """Before and after: value, cash, drift, gains, tax and cost; by class and by security; what is left, and why.

    Where the account follows its household's target (`joint`), drift, weights, classes and what is left are those of
    the household, and the same in all of its accounts.
    """
    class_of = {
        symbol: book.asset_classes[asset_class]
        for symbol, asset_class in zip(book.securities.symbol, book.securities.asset_class.tolist(), strict=True)
    }
    names = ("value", "cash_before", "cash_after", "gain_short", "gain_long", "tax", "cost")
    return pack(
        {name: getattr(decision, name) for name in names}
        | {
            "drift_before": _weight(decision.drift_before),
            "drift_after": _weight(decision.drift_after),
            "mode": decision.mode,
            "cash_reserve": from_micros(int(book.accounts.cash_reserve[place])),
            "classes": [_class(line) for line in decision.classes],
            "securities": [_security(line, class_of) for line in decision.securities],
            "leftover": [{"code": code, "drift": _weight(drift)} for code, drift in decision.leftover],
            **_year(decision.year),
            **({"joint": True} if decision.joint else {}),
            "wash": wash_notes(book, decision, place),
        }
    )


def _year(year: HouseholdYear | None) -> dict[str, Any]:
    """What the trades leave of the household's budgets; without any, what proposals have always said of one."""
    if year is None:
        return {"budget_left": None, "budget_price": _dollars(0.0)}
    return {
        "gain_budget": year.gain_budget,
        "budget_left": year.gain_left,
        "budget_price": _dollars(year.gain_price),
        "tax_budget": year.tax_budget,
        "tax_left": year.tax_left,
        "tax_price": _dollars(year.tax_price),
        "year_tax": year.year_tax,
    }


def packed_inputs(book: Book, decisions: Sequence[Decision], place: int) -> dict[str, Any]:
    """What an account's decisions were made from, beside the holdings: day, policy, and the prices of what they trade.

    :param decisions: the account's decisions at one or more places of the slider, of one mode
    """
    policy = asdict(book.policies[int(book.accounts.policy[place])])
    packed: dict[str, Any] = pack(
        {
            "as_of": book.as_of,
            "mode": decisions[0].mode,
            "policy": {name: _plain(value) for name, value in policy.items()},
            "prices": {trade.symbol: trade.price for one in decisions for trade in one.trades},
        }
    )
    return packed


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _acquired_on(book: Book, place: int) -> Mapping[str, date]:
    """The acquisition day of every lot of an account."""
    first, last = book.positions.offsets[place], book.positions.offsets[place + 1]
    begin, end = int(book.lots.offsets[first]), int(book.lots.offsets[last])
    days = book.lots.acquired_on[begin:end].astype(np.dtype("datetime64[D]")).tolist()
    return dict(zip(book.lots.lot_id[begin:end], days, strict=True))


def _trade(trade: Trade, acquired: Mapping[str, date]) -> dict[str, Any]:
    return {
        "symbol": trade.symbol,
        "side": trade.side.value,
        "quantity": trade.quantity,
        "price": trade.price,
        "amount": trade.amount,
        "cost": trade.cost,
        "reason": trade.reason.value,
        "sentence": trade.sentence,
        "lots": [
            {
                "lot_id": pick.lot_id,
                "acquired_on": acquired[pick.lot_id],
                "quantity": pick.quantity,
                "proceeds": pick.proceeds,
                "cost_basis": pick.cost_basis,
                "gain": pick.gain,
                "term": pick.term.value,
            }
            for pick in trade.lots
        ],
    }


def _weight(weight: float) -> Decimal:
    return Decimal(f"{weight:.8f}")


def _dollars(amount: float) -> Decimal:
    return Decimal(f"{amount:.6f}")


def _class(line: ClassLine) -> dict[str, Any]:
    low = line.target_weight if line.low_weight is None else line.low_weight
    high = line.target_weight if line.high_weight is None else line.high_weight
    return {
        "name": line.name,
        "before_weight": _weight(line.before_weight),
        "target_weight": _weight(line.target_weight),
        "after_weight": _weight(line.after_weight),
        "low_weight": _weight(max(low, 0.0)),
        "high_weight": _weight(min(high, 1.0)),
        "before_amount": line.before_amount,
        "after_amount": line.after_amount,
        "change_amount": line.after_amount - line.before_amount,
        "breached": not low - 1e-9 <= line.before_weight <= high + 1e-9,
    }


def _security(line: SecurityLine, class_of: Mapping[str, str]) -> dict[str, Any]:
    return {
        "symbol": line.symbol,
        "name": line.symbol,
        "class_name": class_of.get(line.symbol, CASH),
        "quantity_before": line.quantity_before,
        "quantity_after": line.quantity_after,
        "before_weight": _weight(line.before_weight),
        "target_weight": _weight(line.target_weight),
        "after_weight": _weight(line.after_weight),
        "change_amount": line.change_amount,
    }
