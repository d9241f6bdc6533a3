"""What trading moves the price by: the law of Almgren, Thum, Hauptmann and Li, "Direct estimation of equity market
impact", Risk 18 (2005). Floats, as fractions of the price before the order."""

from __future__ import annotations

from dataclasses import dataclass

PERMANENT = 0.314
TEMPORARY = 0.142
TURNOVER_POWER = 0.25
RATE_POWER = 0.6


@dataclass(frozen=True, slots=True)
class Impact:
    """Permanent I and temporary K as fractions of the price."""

    permanent: float
    temporary: float

    @property
    def realised(self) -> float:
        """J = I/2 + K: what the order itself pays on average against the price before it."""
        return self.permanent / 2 + self.temporary


def market_impact(*, part_of_volume: float, days: float, turnover_days: float, sigma: float) -> Impact:
    """I = 0.314 σ (X/V)(Θ/V)^¼ and K = 0.142 σ (X/(VT))^⅗.

    `part_of_volume` is X/V, the order over the average daily volume; `days` is T, the trading days it is worked for;
    `turnover_days` is Θ/V, the days in which all shares outstanding change hands; `sigma` is the volatility of a day.
    Impact opposes the order: for a sale, both lower the price.

    :raises ValueError: when something is negative, or days or turnover_days is not above zero
    """
    if not (part_of_volume >= 0 and sigma >= 0 and days > 0 and turnover_days > 0):
        raise ValueError("Impact needs an order and a volatility of zero or more, and times above zero.")
    permanent = PERMANENT * sigma * part_of_volume * turnover_days**TURNOVER_POWER
    return Impact(permanent, TEMPORARY * sigma * (part_of_volume / days) ** RATE_POWER)
