"""A proposal's head, summed from what its accounts hold: the same sums when it is made and when it is switched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
BPS = 10_000
FOUR_EYES = (("four_eyes_turnover", "It trades"), ("four_eyes_gain", "It realises a net gain of"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Fields of `Proposal`. Dollars; drift is weighted by the accounts' value; `account_count` are those that trade."""

    reasons: list[str]
    account_count: int
    trade_count: int
    value: Decimal
    turnover: Decimal
    drift_before: Decimal
    drift_after: Decimal
    gain_short: Decimal
    gain_long: Decimal
    tax: Decimal
    cost: Decimal
    gap_bps: Decimal


def totals(contents: Sequence[Mapping[str, Any]]) -> Totals:
    """Sum packed contents (`packed.packed_content`), one an account."""
    trades = [trade for content in contents for trade in content["trades"]]
    figures = [content["figures"] for content in contents]
    value = _sum(figures, "value")
    return Totals(
        reasons=sorted({trade["reason"] for trade in trades}),
        account_count=sum(bool(content["trades"]) for content in contents),
        trade_count=len(trades),
        value=value,
        turnover=_sum(trades, "amount"),
        drift_before=_weighted(figures, "drift_before", value),
        drift_after=_weighted(figures, "drift_after", value),
        gain_short=_sum(figures, "gain_short"),
        gain_long=_sum(figures, "gain_long"),
        tax=_sum(figures, "tax"),
        cost=_sum(figures, "cost"),
        gap_bps=_gap_bps([content["certificate"] for content in contents], value),
    )


def second_look(found: Totals, limits: Mapping[str, Decimal | None]) -> tuple[bool, str]:
    """Whether a second approver must look, and which limit says so."""
    amounts = (found.turnover, found.gain_short + found.gain_long)
    for (name, words), amount in zip(FOUR_EYES, amounts, strict=True):
        limit = limits[name]
        if limit is not None and amount > limit:
            return True, f"{words} ${amount:,.0f}, above the limit of ${limit:,.0f}."
    return False, ""


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), ZERO)


def _weighted(figures: Sequence[Mapping[str, Any]], name: str, value: Decimal) -> Decimal:
    summed = sum((Decimal(one[name]) * Decimal(one["value"]) for one in figures), ZERO)
    return Decimal(f"{summed / (value or 1):.8f}")


def _gap_bps(certificates: Sequence[Mapping[str, Any]], value: Decimal) -> Decimal:
    """What better trades could save at most, in basis points of the value together."""
    gap = sum((max(Decimal(one["objective"]) - Decimal(one["bound"]), ZERO) for one in certificates), ZERO)
    return Decimal(f"{gap / (value or 1) * BPS:.4f}")
