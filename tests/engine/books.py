"""Small books for the tests of the engine: round numbers, four securities, one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from rebalancer.engine.book import Book
from rebalancer.engine.book_rows import (
    AccountRow,
    LotRow,
    ModelRow,
    PositionRow,
    SecurityRow,
    WashRow,
    from_rows,
)
from rebalancer.engine.optimiser import Decision, solve
from rebalancer.engine.policy import Policy, Preset

TODAY = date(2026, 11, 20)
OLD = date(2021, 3, 3)
THIS_YEAR = date(2026, 3, 2)
RECENT = date(2026, 11, 10)
FULL = Policy(trigger=Preset.THRESHOLD)
"""A policy under which no minimum of all trades together applies."""


def make_security(symbol: str, price: str | None = "100", **changes: Any) -> SecurityRow:
    half = Decimal("0.01")
    row = SecurityRow(
        symbol=symbol,
        price=None if price is None else Decimal(price),
        bid=None if price is None else Decimal(price) - half,
        ask=None if price is None else Decimal(price) + half,
        adv_shares=1_000_000,
    )
    return replace(row, **changes)


def make_securities(**changed: SecurityRow) -> list[SecurityRow]:
    rows = {
        "VTI": make_security("VTI", "100", asset_class="US equity"),
        "ITOT": make_security("ITOT", "50", asset_class="US equity"),
        "VEA": make_security("VEA", "50", asset_class="International equity"),
        "BND": make_security("BND", "80", asset_class="US bonds"),
        "OLD": make_security("OLD", "20", asset_class="Other"),
        "SPAXX": make_security("SPAXX", "1", asset_class="Cash", kind=3, bid=Decimal(1), ask=Decimal(1)),
    }
    return list((rows | changed).values())


def make_model(weights: Mapping[str, str] | None = None, cash: str = "0.02", **nodes: str) -> ModelRow:
    weights = weights or {"VTI": "0.50", "VEA": "0.18", "BND": "0.30"}
    return ModelRow(
        model_id="GROWTH",
        weights={symbol: Decimal(weight) for symbol, weight in weights.items()},
        cash_weight=Decimal(cash),
        nodes=nodes,
    )


def make_position(symbol: str, *lots: tuple[str, str, date] | LotRow, **flags: Any) -> PositionRow:
    """Lots are (quantity, basis a share, acquired on)."""
    rows = [
        lot
        if isinstance(lot, LotRow)
        else LotRow(f"{symbol}-{place}", lot[2], Decimal(lot[0]), Decimal(lot[0]) * Decimal(lot[1]))
        for place, lot in enumerate(lots, start=1)
    ]
    quantity = sum((row.quantity for row in rows), Decimal(0))
    return PositionRow(symbol=symbol, quantity=quantity, lots=tuple(rows), **flags)


def make_account(
    *positions: PositionRow, cash: str | Decimal = "0", account_id: str = "A1", **changes: Any
) -> AccountRow:
    row = AccountRow(account_id=account_id, positions=positions, cash=Decimal(cash), model_id="GROWTH", policy=FULL)
    return replace(row, **changes)


def make_book(
    *accounts: AccountRow,
    securities: Sequence[SecurityRow] = (),
    model: ModelRow | None = None,
    wash: Sequence[WashRow] = (),
) -> Book:
    return from_rows(
        as_of=TODAY,
        securities=securities or make_securities(),
        models=[model or make_model()],
        accounts=accounts,
        wash=wash,
    )


def on_target(**changes: Any) -> AccountRow:
    """100,000 dollars exactly on the model: 500 VTI, 360 VEA, 375 BND, 2,000 in cash."""
    return make_account(
        make_position("VTI", ("500", "60", OLD)),
        make_position("VEA", ("360", "40", OLD)),
        make_position("BND", ("375", "70", OLD)),
        **({"cash": "2000"} | changes),
    )


def overweight_equity(**changes: Any) -> AccountRow:
    """100,000 dollars with 66 % in VTI against 50 %: 660 VTI in three lots, 180 VEA, 275 BND, 3,000 in cash."""
    return make_account(
        make_position("VTI", ("400", "60", OLD), ("200", "95", THIS_YEAR), ("60", "120", OLD)),
        make_position("VEA", ("180", "40", OLD)),
        make_position("BND", ("275", "70", OLD)),
        **({"cash": "3000"} | changes),
    )


def decide(*accounts: AccountRow, **book: Any) -> Decision:
    """The decision for the first account."""
    return solve(make_book(*accounts, **book))[0]


def trades(decision: Decision) -> dict[str, int]:
    """Signed shares by symbol."""
    return {trade.symbol: (1 if trade.side == "BUY" else -1) * int(trade.quantity) for trade in decision.trades}


def reasons(decision: Decision) -> dict[str | None, str]:
    """Reason by symbol of what was not traded."""
    return {skipped.symbol: skipped.reason for skipped in decision.skipped}
