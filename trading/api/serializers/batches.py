"""Batches: one form for each feed, told apart by `feed`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, RootModel

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
    Number,
    Outgoing,
    Price,
    Shares,
    SharesHeld,
    Symbol,
    Timestamp,
    Total,
)
from trading.services.custodian_api.batches import Submission, account_name

MAX_RECORDS = 50_000
Sequence_ = Annotated[int, Field(ge=1, le=999_999_999)]


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


class NoTotals(Incoming):
    pass


class PositionTotals(Incoming):
    quantity: Total
    market_value: Total


class LotTotals(Incoming):
    quantity: Total
    cost_basis: Total


class BalanceTotals(Incoming):
    """`amount` is settled and unsettled together."""

    amount: Total


class TransactionTotals(Incoming):
    quantity: Total
    amount: Total


class _Batch(Incoming):
    """Batches of a feed and day are numbered by the custodian, or by us where it gives no number."""

    is_snapshot: ClassVar[bool] = False

    as_of: Day
    sequence: Sequence_ | None = None
    record_count: Annotated[int, Field(ge=0, le=MAX_RECORDS)]


class AccountsBatch(_Batch):
    feed: Literal["accounts"]
    mode: Literal["delta"]
    control_totals: NoTotals = NoTotals()
    records: Annotated[list[AccountIn], Field(min_length=1, max_length=MAX_RECORDS)]


class PositionsBatch(_Batch):
    """Replaces the positions of every account in `records` or `accounts`; what is not listed is no longer held."""

    feed: Literal["positions"]
    mode: Literal["snapshot"]
    control_totals: PositionTotals
    accounts: Annotated[list[AccountNumber], Field(max_length=MAX_RECORDS)] = []
    records: Annotated[list[PositionIn], Field(max_length=MAX_RECORDS)]


class LotsBatch(_Batch):
    """Replaces the tax lots of every account in `records` or `accounts`."""

    feed: Literal["lots"]
    mode: Literal["snapshot"]
    control_totals: LotTotals
    accounts: Annotated[list[AccountNumber], Field(max_length=MAX_RECORDS)] = []
    records: Annotated[list[LotIn], Field(max_length=MAX_RECORDS)]


class BalancesBatch(_Batch):
    """Replaces the cash of every account in `records`."""

    feed: Literal["balances"]
    mode: Literal["snapshot"]
    control_totals: BalanceTotals
    records: Annotated[list[BalanceIn], Field(min_length=1, max_length=MAX_RECORDS)]


class TransactionsBatch(_Batch):
    feed: Literal["transactions"]
    mode: Literal["delta"]
    control_totals: TransactionTotals
    records: Annotated[list[TransactionIn], Field(min_length=1, max_length=MAX_RECORDS)]


class PricesBatch(_Batch):
    feed: Literal["prices"]
    mode: Literal["delta"]
    control_totals: NoTotals = NoTotals()
    records: Annotated[list[PriceIn], Field(min_length=1, max_length=MAX_RECORDS)]


AnyRecord = AccountIn | PositionIn | LotIn | BalanceIn | TransactionIn | PriceIn
AnyBatch = AccountsBatch | PositionsBatch | LotsBatch | BalancesBatch | TransactionsBatch | PricesBatch


class BatchIn(RootModel[Annotated[AnyBatch, Field(discriminator="feed")]]):
    """A batch of records, applied whole or not at all. `feed` tells its form."""

    def submission(self, size: int) -> Submission:
        """The batch as the service takes it; `size` is the length of the body it came in."""
        sent = self.root
        return Submission(
            feed=sent.feed,
            mode=sent.mode,
            as_of=sent.as_of,
            sequence=sent.sequence,
            record_count=sent.record_count,
            control_totals=dict(sent.control_totals),
            records=list(_records(sent)),
            accounts=[account_name(name, place) for place, name in enumerate(_accounts(sent))],
            content_sha256=hashlib.sha256(sent.model_dump_json(exclude={"sequence"}).encode()).hexdigest(),
            size=size,
        )


def _records(sent: AnyBatch) -> Iterator[Any]:
    rows: Sequence[AnyRecord] = sent.records
    for number, row in enumerate(rows, 1):
        yield row.record(number, sent.as_of) if isinstance(row, PriceIn) else row.record(number)


def _accounts(sent: AnyBatch) -> Sequence[str]:
    return sent.accounts if isinstance(sent, PositionsBatch | LotsBatch) else ()


class BatchOutcomes(Outgoing):
    """What became of the records, and how many rows that were stored before are gone."""

    created: int
    updated: int
    unchanged: int
    removed: int


class BatchOut(Outgoing):
    id: str
    feed: Literal["accounts", "positions", "lots", "balances", "transactions", "prices"]
    mode: Literal["snapshot", "delta"]
    as_of: str
    sequence: int
    status: Literal["applied"]
    record_count: int
    control_totals: dict[str, Number]
    outcomes: BatchOutcomes
    applied_at: Timestamp
