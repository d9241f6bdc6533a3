"""The records of a batch, feed by feed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from portfolios.feeds.records import (
    AccountRecord,
    CashRecord,
    LotRecord,
    PositionRecord,
    PriceRecord,
    TransactionRecord,
)
from trading.api.serializers.fields import (
    AccountNumber,
    Basis,
    Cusip,
    Day,
    Fee,
    Identifier,
    Incoming,
    Line,
    Money,
    Price,
    Shares,
    SharesHeld,
    Symbol,
)


class AccountIn(Incoming):
    """An account, opened or changed; what is left out stays as it is."""

    account: AccountNumber
    name: Line = ""
    registration: Literal["INDIVIDUAL", "JOINT", "TRUST", "TRADITIONAL_IRA", "ROTH_IRA"] | None = None
    status: Literal["OPEN", "FROZEN", "CLOSED"] | None = None

    def record(self, number: int) -> AccountRecord:
        return AccountRecord(
            row_number=number,
            account_number=self.account,
            name=self.name,
            registration=self.registration or "",
            status=self.status or "",
        )


class PositionIn(Incoming):
    account: AccountNumber
    symbol: Symbol
    cusip: Cusip | None = None
    quantity: Shares
    price: Price | None = None
    market_value: Money
    cost_basis: Basis | None = None

    def record(self, number: int) -> PositionRecord:
        return PositionRecord(
            row_number=number,
            account_number=self.account,
            symbol=self.symbol,
            cusip=self.cusip or "",
            quantity=self.quantity,
            price=self.price,
            market_value=self.market_value,
            cost_basis=self.cost_basis,
        )


class LotIn(Incoming):
    """A tax lot; `cost_basis` is the total of what remains of it, null where it is not known."""

    account: AccountNumber
    symbol: Symbol
    cusip: Cusip | None = None
    custodian_lot_id: Identifier
    open_date: Day
    holding_start_date: Day | None = None
    quantity: SharesHeld
    cost_basis: Basis | None
    covered: bool | None = None

    def record(self, number: int) -> LotRecord:
        return LotRecord(
            row_number=number,
            account_number=self.account,
            symbol=self.symbol,
            cusip=self.cusip or "",
            lot_id=self.custodian_lot_id,
            acquired_on=self.open_date,
            holding_start_on=self.holding_start_date,
            quantity=self.quantity,
            cost_basis=self.cost_basis,
            is_covered=self.covered,
        )


class BalanceIn(Incoming):
    """Cash: what is settled, and what trades will bring (positive) or take (negative)."""

    account: AccountNumber
    settled: Money
    unsettled: Money

    def record(self, number: int) -> CashRecord:
        return CashRecord(
            row_number=number,
            account_number=self.account,
            settled=self.settled,
            unsettled=self.unsettled,
            is_split=True,
        )


class TransactionIn(Incoming):
    """A movement, for ever the same under its id. `quantity` and `amount` are signed: buys add shares and take cash."""

    account: AccountNumber
    custodian_transaction_id: Identifier
    kind: Literal[
        "BUY", "SELL", "DIVIDEND", "REINVESTMENT", "INTEREST", "FEE", "CONTRIBUTION", "WITHDRAWAL", "TRANSFER"
    ]
    trade_date: Day
    settle_date: Day
    symbol: Symbol | None = None
    cusip: Cusip | None = None
    description: Line = ""
    quantity: Shares = Decimal(0)
    price: Price | None = None
    amount: Money
    fees: Fee = Decimal(0)
    realised_short: Money | None = None
    realised_long: Money | None = None

    def record(self, number: int) -> TransactionRecord:
        return TransactionRecord(
            row_number=number,
            account_number=self.account,
            transaction_id=self.custodian_transaction_id,
            kind=self.kind,
            trade_on=self.trade_date,
            settle_on=self.settle_date,
            symbol=self.symbol or "",
            cusip=self.cusip or "",
            description=self.description,
            quantity=self.quantity,
            price=self.price,
            amount=self.amount,
            fees=self.fees,
            realised_short=self.realised_short,
            realised_long=self.realised_long,
        )


class PriceIn(Incoming):
    """A day's quote; `price_date` is the batch's day where it is left out."""

    symbol: Symbol
    cusip: Cusip | None = None
    price_date: Day | None = None
    close: Price
    bid: Price | None = None
    ask: Price | None = None
    average_daily_volume: Annotated[int, Field(ge=0, le=10**12)] | None = None

    def record(self, number: int, as_of: date) -> PriceRecord:
        return PriceRecord(
            row_number=number,
            symbol=self.symbol,
            cusip=self.cusip or "",
            priced_on=self.price_date or as_of,
            close=self.close,
            bid=self.bid,
            ask=self.ask,
            adv_shares=self.average_daily_volume,
        )


AnyRecord = AccountIn | PositionIn | LotIn | BalanceIn | TransactionIn | PriceIn
