"""What can be wrong with a decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BreachCode(StrEnum):
    """What can be wrong with a decision."""

    NOT_ALLOWED = "NOT_ALLOWED"
    NOT_TRADABLE = "NOT_TRADABLE"
    TWICE = "TWICE"
    PRICE = "PRICE"
    AMOUNT = "AMOUNT"
    COST = "COST"
    LOTS_DO_NOT_SUM = "LOTS_DO_NOT_SUM"
    LOT_UNKNOWN = "LOT_UNKNOWN"
    LOT_OVERSOLD = "LOT_OVERSOLD"
    LOT_FIGURES = "LOT_FIGURES"
    OVERSOLD = "OVERSOLD"
    CASH_DOES_NOT_CLOSE = "CASH_DOES_NOT_CLOSE"
    NEGATIVE_CASH = "NEGATIVE_CASH"
    RESERVE_SPENT = "RESERVE_SPENT"
    BANNED_BUY = "BANNED_BUY"
    BANNED_SALE = "BANNED_SALE"
    WASHED_LOSS = "WASHED_LOSS"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    FRACTIONAL = "FRACTIONAL"
    VOLUME_CAP = "VOLUME_CAP"
    CROSSES_TARGET = "CROSSES_TARGET"
    AWAY_FROM_TARGET = "AWAY_FROM_TARGET"
    TOTALS = "TOTALS"
    BUDGET = "BUDGET"
    HELD_RANGE = "HELD_RANGE"


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is wrong, with where and how much."""

    code: BreachCode
    sentence: str


def breach(code: BreachCode, subject: str, what: str) -> Breach:
    """Of an account or a symbol: `VTI is traded twice.`"""
    return Breach(code, f"{subject} {what}.")
