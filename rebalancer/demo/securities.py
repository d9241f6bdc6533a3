"""The securities of the demonstration: real funds and a few stocks, and which of them count as substantially identical.

The law draws no bright line for funds. The groups follow the cautious reading that two funds on the same index, or on
the same bullion, are substantially identical (IRC 1091), and that funds on different indices are not.
"""

from __future__ import annotations

import csv
from pathlib import Path

from rebalancer.demo.book import DemoAssetClass, DemoSecurity, DemoWashGroup

ASSET_CLASSES: tuple[DemoAssetClass, ...] = tuple(
    DemoAssetClass(code, name, position)
    for position, (code, name) in enumerate(
        (
            ("US_STOCK", "US stocks"),
            ("US_SMALL", "US small and mid-cap stocks"),
            ("DEVELOPED", "Developed-market stocks"),
            ("EMERGING", "Emerging-market stocks"),
            ("REAL_ESTATE", "Real estate"),
            ("US_BOND", "US investment-grade bonds"),
            ("SHORT_BOND", "Short-term bonds"),
            ("TIPS", "Inflation-protected bonds"),
            ("MUNI_BOND", "Municipal bonds"),
            ("INTL_BOND", "International bonds"),
            ("HIGH_YIELD", "High-yield bonds"),
            ("GOLD", "Gold"),
            ("COMMODITY", "Commodities"),
            ("CASH", "Cash"),
        ),
        start=1,
    )
)

_SAME_INDEX = "These funds track the same index, so selling one at a loss and buying another is treated as a wash sale."
_OWN_INDEX = "No other fund of this list tracks this index; funds on other indices are not treated as identical."
_OWN_SWEEP = "Its price does not move, so it cannot be sold at a loss."
_OWN_STOCK = "Shares of one company; no other security of this list is substantially identical."

_SHARED_GROUPS: dict[str, tuple[str, str]] = {
    "SP_500": ("S&P 500 index", _SAME_INDEX),
    "US_AGGREGATE": (
        "Bloomberg US Aggregate index",
        "These funds track the same index or its float-adjusted form, which hold nearly the same bonds; out of caution "
        "they are treated as identical.",
    ),
    "GOLD_BULLION": (
        "Gold bullion",
        "These trusts hold nothing but gold bullion, so they are treated as identical.",
    ),
    "TREASURY_1_3": (
        "US Treasury bonds of 1 to 3 years",
        "The indices of these funds hold the same Treasury bonds; out of caution they are treated as identical.",
    ),
}


def _read() -> list[dict[str, str]]:
    """securities.csv beside this module: prices of early 2026, typical spreads and volumes, the index of each fund."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def _security(row: dict[str, str]) -> DemoSecurity:
    shared = row["index"] in _SHARED_GROUPS
    return DemoSecurity(
        symbol=row["symbol"],
        cusip=row["cusip"],
        name=row["name"],
        kind=row["kind"],
        asset_class=row["asset_class"],
        wash_group=row["index"] if shared else f"OWN_{row['symbol']}",
        anchor=float(row["anchor"]),
        tracking_vol=float(row["tracking_vol"]),
        spread_bps=float(row["spread_bps"]),
        adv_shares=int(row["adv_shares"]),
    )


def _own_group(row: dict[str, str]) -> DemoWashGroup:
    symbol = row["symbol"]
    name, rationale = {
        "ETF": (f"{symbol}: {row['index']} index", _OWN_INDEX),
        "STOCK": (f"{symbol}: shares of the company", _OWN_STOCK),
        "SWEEP": ("Money market fund", _OWN_SWEEP),
    }[row["kind"]]
    return DemoWashGroup(f"OWN_{symbol}", name, rationale)


_ROWS = _read()

SECURITIES: tuple[DemoSecurity, ...] = tuple(_security(row) for row in _ROWS)

WASH_GROUPS: tuple[DemoWashGroup, ...] = (
    *(DemoWashGroup(code, name, rationale) for code, (name, rationale) in _SHARED_GROUPS.items()),
    *(_own_group(row) for row in _ROWS if row["index"] not in _SHARED_GROUPS),
)

LEGACY_STOCKS: tuple[str, ...] = tuple(security.symbol for security in SECURITIES if security.kind == "STOCK")
STALE_SYMBOL = "RWX"
