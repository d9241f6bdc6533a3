"""Batches: one form for each feed, told apart by `feed`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from trading.api.serializers.fields import AccountNumber, Day, Incoming, Number, Outgoing, Timestamp, Total
from trading.api.serializers.records import (
    AccountIn,
    AnyRecord,
    BalanceIn,
    LotIn,
    PositionIn,
    PriceIn,
    TransactionIn,
)
from trading.services.custodian_api.batches import Submission, account_name

MAX_RECORDS = 50_000
SequenceNumber = Annotated[int, Field(ge=1, le=999_999_999)]


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

    as_of: Day
    sequence: SequenceNumber | None = None
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
