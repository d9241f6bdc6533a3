"""Records as a parser or the API makes them, for the account that the tests' firms have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.feeds.records import (
    AccountRecord,
    CashRecord,
    LotRecord,
    PositionRecord,
    PriceRecord,
    TransactionRecord,
)
from portfolios.services.ingest import Batch
from tests.worlds import NOW, TODAY, World


def make_batch(world: World, **changes: Any) -> Batch:
    values = {"firm_id": world.firm_id, "as_of": TODAY, "at": NOW, "source": "test", "custodian": "schwab"}
    return Batch(**{**values, **changes})


def make_account_record(**changes: Any) -> AccountRecord:
    values = {
        "row_number": 1,
        "account_number": "2002",
        "name": "Ann's own",
        "registration": "INDIVIDUAL",
        "household_id": "H-2",
        "household_name": "Two",
        "client_id": "H-2-1",
        "client_name": "Ann Two",
    }
    return AccountRecord(**{**values, **changes})


def make_position_record(symbol: str = "VTI", quantity: str = "10", **changes: Any) -> PositionRecord:
    values = {
        "row_number": 1,
        "account_number": "1001",
        "price": None,
        "market_value": Decimal(0),
        "cost_basis": None,
    }
    return PositionRecord(symbol=symbol, quantity=Decimal(quantity), **{**values, **changes})


def make_lot_record(symbol: str = "VTI", quantity: str = "10", basis: str | None = "1500", **changes: Any) -> LotRecord:
    values = {"row_number": 1, "account_number": "1001", "lot_id": "L1", "acquired_on": date(2021, 3, 3)}
    cost = None if basis is None else Decimal(basis)
    return LotRecord(symbol=symbol, quantity=Decimal(quantity), cost_basis=cost, **{**values, **changes})


def make_cash_record(settled: str, unsettled: str = "0", **changes: Any) -> CashRecord:
    values = {"row_number": 1, "account_number": "1001", "is_split": True}
    return CashRecord(settled=Decimal(settled), unsettled=Decimal(unsettled), **{**values, **changes})


def make_price_record(close: str = "301", **changes: Any) -> PriceRecord:
    return PriceRecord(**{"row_number": 1, "symbol": "VTI", "priced_on": TODAY, "close": Decimal(close), **changes})


def make_transaction_record(**changes: Any) -> TransactionRecord:
    values = {
        "row_number": 1,
        "account_number": "1001",
        "transaction_id": "T1",
        "kind": "SELL",
        "trade_on": date(2026, 11, 18),
        "settle_on": date(2026, 11, 19),
        "symbol": "VTI",
        "quantity": Decimal(-5),
        "price": Decimal(300),
        "amount": Decimal(1500),
    }
    return TransactionRecord(**{**values, **changes})
