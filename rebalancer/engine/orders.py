"""Prices and sizes an order may have: minimum price increments and round lots, by date."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rebalancer.engine.fees import Side
from rebalancer.engine.money import EXACT

DOLLAR = Decimal(1)
PENNY, HALF_PENNY, SUB_DOLLAR = Decimal("0.01"), Decimal("0.005"), Decimal("0.0001")

HALF_PENNY_SINCE = date(2026, 11, 2)
"""First day of half-penny ticks for assigned stocks (SEC order of 31 October 2025 on Rule 612)."""

ROUND_LOT_TIERS_SINCE = date(2025, 11, 3)
ROUND_LOT_TIERS = ((Decimal(250), 100), (Decimal(1000), 40), (Decimal(10000), 10))
"""Up to this average close of the prior month, this many shares; above the last tier one share (Rule 600(b)(93))."""


def tick(price: Decimal, *, half_penny_assigned: bool, on: date | None = None) -> Decimal:
    """The smallest price step of an order at this price (Reg NMS Rule 612).

    Below a dollar $0.0001; from a dollar on $0.01, or $0.005 for a stock assigned to it. Assignments are data per
    symbol and date; with a date before they took effect the penny applies.
    """
    if price < DOLLAR:
        return SUB_DOLLAR
    in_effect = on is None or on >= HALF_PENNY_SINCE
    return HALF_PENNY if half_penny_assigned and in_effect else PENNY


def on_tick(price: Decimal, *, half_penny_assigned: bool, on: date | None = None) -> bool:
    """May a limit order carry this price? Zero and negative prices may not."""
    if not price.is_finite() or price <= 0:
        return False
    return EXACT.remainder(price, tick(price, half_penny_assigned=half_penny_assigned, on=on)) == 0


def to_tick(price: Decimal, side: Side, *, half_penny_assigned: bool, on: date | None = None) -> Decimal:
    """The nearest allowed limit that is no worse for the client: a buy rounds down, a sale up.

    :raises ValueError: when no positive price is left
    """
    step = tick(price, half_penny_assigned=half_penny_assigned, on=on)
    return _to_step(price, side, step)


def to_increment(price: Decimal, side: Side, increment: Decimal | None) -> Decimal:
    """The nearest allowed limit that is no worse for the client, where an increment from a dollar on is assigned.

    None stands for the penny. Below a dollar the step is $0.0001 whatever is assigned (Rule 612(b)(3)).

    :raises ValueError: when no positive price is left
    """
    return _to_step(price, side, SUB_DOLLAR if price < DOLLAR else increment or PENNY)


def _to_step(price: Decimal, side: Side, step: Decimal) -> Decimal:
    steps = (price / step).to_integral_value(ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)
    if steps <= 0:
        raise ValueError(f"There is no allowed limit price at {price}.")
    return steps * step


def round_lot(prior_month_average_close: Decimal, *, on: date | None = None) -> int:
    """Shares in a round lot; 100 for every stock before the tiers of November 2025."""
    if on is not None and on < ROUND_LOT_TIERS_SINCE:
        return 100
    for up_to, shares in ROUND_LOT_TIERS:
        if prior_month_average_close <= up_to:
            return shares
    return 1
