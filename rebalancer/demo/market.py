"""A seeded market: ten years of daily closes with the volatilities and correlations that real asset classes have shown.

Each security follows its asset class, plus a small movement of its own. Paths end near real price levels of early 2026,
so that lots bought along the way have gains and losses of a believable size.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from rebalancer.demo.book import DemoQuote, DemoSecurity
from rebalancer.demo.securities import SECURITIES, STALE_SYMBOL
from rebalancer.engine import calendars

YEARS = 10
SESSIONS_A_YEAR = 252
STALE_SESSIONS = 6
_CENTS = 100
_LEVEL_VOL = 0.03

# Yearly growth of the price alone and yearly volatility, and correlations in the same order (monthly, about 2007-2025).
_CLASSES: tuple[tuple[str, float, float], ...] = (
    ("US_STOCK", 0.110, 0.175),
    ("US_SMALL", 0.070, 0.220),
    ("DEVELOPED", 0.050, 0.165),
    ("EMERGING", 0.040, 0.190),
    ("REAL_ESTATE", 0.010, 0.200),
    ("US_BOND", -0.009, 0.055),
    ("SHORT_BOND", -0.002, 0.022),
    ("TIPS", -0.003, 0.060),
    ("MUNI_BOND", -0.003, 0.052),
    ("INTL_BOND", -0.010, 0.042),
    ("HIGH_YIELD", -0.006, 0.082),
    ("GOLD", 0.105, 0.150),
    ("COMMODITY", 0.040, 0.170),
)

_CORRELATIONS: tuple[tuple[float, ...], ...] = (
    (1.00,),
    (0.90, 1.00),
    (0.86, 0.80, 1.00),
    (0.72, 0.67, 0.83, 1.00),
    (0.72, 0.72, 0.66, 0.55, 1.00),
    (0.14, 0.08, 0.18, 0.15, 0.32, 1.00),
    (0.05, 0.00, 0.12, 0.10, 0.20, 0.82, 1.00),
    (0.18, 0.12, 0.25, 0.24, 0.34, 0.76, 0.65, 1.00),
    (0.18, 0.15, 0.22, 0.20, 0.36, 0.66, 0.52, 0.50, 1.00),
    (0.14, 0.08, 0.15, 0.12, 0.30, 0.78, 0.66, 0.58, 0.54, 1.00),
    (0.76, 0.74, 0.74, 0.68, 0.70, 0.32, 0.20, 0.36, 0.36, 0.28, 1.00),
    (0.06, 0.05, 0.16, 0.26, 0.12, 0.34, 0.36, 0.44, 0.18, 0.24, 0.14, 1.00),
    (0.38, 0.38, 0.46, 0.46, 0.24, -0.08, -0.06, 0.18, -0.02, -0.06, 0.42, 0.26, 1.00),
)


@dataclass(frozen=True, slots=True)
class Market:
    """Closes in cents by session and security; the last session is the day of the book."""

    sessions: tuple[date, ...]
    symbols: tuple[str, ...]
    closes: NDArray[np.int64]
    columns: dict[str, int] = field(repr=False)

    @property
    def last(self) -> int:
        return len(self.sessions) - 1

    def close(self, symbol: str, session: int) -> Decimal:
        """The close of a session, counted from 0, dollars."""
        return Decimal(int(self.closes[session, self.columns[symbol]])).scaleb(-2)

    def price(self, symbol: str) -> Decimal:
        """What a share is worth in the book: the last close that is known."""
        return self.close(symbol, self.priced_at(symbol))

    def priced_at(self, symbol: str) -> int:
        return self.last - STALE_SESSIONS if symbol == STALE_SYMBOL else self.last

    def session_on(self, day: date) -> int:
        """The session of that day, or the last one before it."""
        return max(0, bisect_right(self.sessions, day) - 1)


def correlation_matrix() -> NDArray[np.float64]:
    """Of the asset classes' returns, symmetric and positive definite."""
    size = len(_CLASSES)
    matrix = np.eye(size)
    for row, values in enumerate(_CORRELATIONS):
        matrix[row, : len(values)] = values
        matrix[: len(values), row] = values
    return matrix


def make_market(seed: int, as_of: date) -> Market:
    """:raises ValueError: when the exchange was closed on that day"""
    if not calendars.is_session(as_of):
        raise ValueError(f"{as_of} is not a trading day; the book must end on one.")
    sessions = _sessions(as_of)
    rng = np.random.default_rng([seed, 1])
    moves = _class_moves(rng, len(sessions))
    levels = np.append(rng.normal(0, _LEVEL_VOL, len(_CLASSES)), 0.0)
    columns = {code: index for index, (code, _, _) in enumerate(_CLASSES)}
    closes = np.empty((len(sessions), len(SECURITIES)), dtype=np.int64)
    for index, security in enumerate(SECURITIES):
        own = _own_moves(rng, security, len(sessions))
        common = moves[:, columns[security.asset_class]] if security.asset_class in columns else np.zeros(len(sessions))
        path = np.cumsum(common + own)
        level = security.anchor * np.exp(levels[columns.get(security.asset_class, -1)])
        closes[:, index] = np.maximum(1, np.rint(level * np.exp(path - path[-1]) * _CENTS)).astype(np.int64)
    symbols = tuple(security.symbol for security in SECURITIES)
    return Market(tuple(sessions), symbols, closes, {symbol: index for index, symbol in enumerate(symbols)})


def _sessions(as_of: date) -> list[date]:
    start = as_of - timedelta(days=round(YEARS * 365.25))
    days = (start + timedelta(days=offset) for offset in range((as_of - start).days + 1))
    return [day for day in days if calendars.is_session(day)]


def _class_moves(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Daily log returns of the asset classes, with the mean over the ten years held at its yearly growth."""
    growth = np.array([mean for _, mean, _ in _CLASSES])
    volatility = np.array([vol for _, _, vol in _CLASSES])
    factor = np.linalg.cholesky(correlation_matrix())
    shocks = rng.standard_normal((count, len(_CLASSES))) @ factor.T
    shocks -= shocks.mean(axis=0)
    moves: NDArray[np.float64] = np.log1p(growth) / SESSIONS_A_YEAR + shocks * volatility / np.sqrt(SESSIONS_A_YEAR)
    return moves


def _own_moves(rng: np.random.Generator, security: DemoSecurity, count: int) -> NDArray[np.float64]:
    shocks = rng.standard_normal(count)
    moves: NDArray[np.float64] = (shocks - shocks.mean()) * security.tracking_vol / np.sqrt(SESSIONS_A_YEAR)
    return moves


def quotes(market: Market) -> tuple[DemoQuote, ...]:
    """The last known close of each security with a bid and an ask around it, a typical spread apart."""
    return tuple(_quote(market, security) for security in SECURITIES)


def _quote(market: Market, security: DemoSecurity) -> DemoQuote:
    at = market.priced_at(security.symbol)
    close = market.close(security.symbol, at)
    spread = 0
    if security.spread_bps:
        spread = max(1, round(float(close) * security.spread_bps / 100))
    bid = close - Decimal(spread // 2).scaleb(-2)
    return DemoQuote(
        symbol=security.symbol,
        priced_on=market.sessions[at],
        close=close,
        bid=bid,
        ask=bid + Decimal(spread).scaleb(-2),
        adv_shares=security.adv_shares,
    )
