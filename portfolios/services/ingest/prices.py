"""Prices that a firm received: kept for that firm alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection

from accounts.services.upsert import Outcome, Table, upsert
from portfolios.feeds.records import PriceRecord
from portfolios.services.ingest.batch import BAD_VALUE, UNKNOWN_SECURITY, Applied, Batch, Result
from portfolios.services.ingest.lookups import Securities, Unknown
from portfolios.services.ingest.snapshots import DOLLARS

_PRICES = Table(
    "portfolios_firmprice",
    {"security_id": "bigint", "priced_on": "date"},
    {
        "close": "numeric(18,6)",
        "bid": "numeric(18,6)",
        "ask": "numeric(18,6)",
        "adv_shares": "bigint",
    },
    stamps={"source": "varchar"},
)
_NEWEST_VOLUME = """
SELECT DISTINCT ON (security_id) security_id, adv_shares FROM (
    SELECT security_id, priced_on, adv_shares, 1 AS own FROM portfolios_firmprice WHERE firm_id = %(firm)s
    UNION ALL SELECT security_id, priced_on, adv_shares, 0 FROM portfolios_price
) quote WHERE security_id = ANY(%(securities)s) AND priced_on <= %(as_of)s
ORDER BY security_id, priced_on DESC, own DESC
"""


def apply_prices(batch: Batch, records: Sequence[PriceRecord]) -> Result:
    """Set the firm's own quotes of the days they are of, in the caller's transaction.

    Without bid and ask the close stands for both; without a volume the newest one known does, or none: then no share of
    it can be traded.
    """
    securities = Securities(records)
    rows: dict[tuple[int, object], tuple[object, ...]] = {}
    written: list[PriceRecord] = []
    done: list[Applied] = []
    volumes = _volumes(batch, [found for record in records if isinstance(found := securities.find(record), int)])
    for record in records:
        security = securities.find(record)
        code, why = _fault(record, security)
        if isinstance(security, Unknown) or why:
            done.append(Applied(record.row_number, "", record.symbol, Outcome.REJECTED, code, why))
        elif (security, record.priced_on) in rows:
            why = f"{record.symbol} is priced twice on {record.priced_on}."
            done.append(Applied(record.row_number, "", record.symbol, Outcome.REJECTED, BAD_VALUE, why))
        else:
            rows[security, record.priced_on] = _row(batch, security, record, volumes.get(security, 0))
            written.append(record)
    outcomes = upsert(_PRICES, batch.firm_id, list(rows.values()))
    done += [
        Applied(record.row_number, "", record.symbol, outcome)
        for record, outcome in zip(written, outcomes, strict=True)
    ]
    return Result(tuple(sorted(done, key=lambda one: one.row_number)))


def _row(batch: Batch, security: int, record: PriceRecord, volume: int) -> tuple[object, ...]:
    return (
        security,
        record.priced_on,
        record.close,
        record.bid or record.close,
        record.ask or record.close,
        volume if record.adv_shares is None else record.adv_shares,
        batch.source,
    )


def _fault(record: PriceRecord, security: int | Unknown) -> tuple[str, str]:
    if record.currency != DOLLARS:
        return BAD_VALUE, f"{record.symbol} is priced in {record.currency}; only US dollars are kept here."
    if isinstance(security, Unknown):
        return UNKNOWN_SECURITY, security.sentence
    if record.close <= 0 or (record.bid or record.close) <= 0:
        return BAD_VALUE, f"The price of {record.symbol} is not more than zero."
    if record.bid is not None and record.ask is not None and record.ask < record.bid:
        return BAD_VALUE, f"{record.symbol} is asked at {record.ask}, which is less than its bid of {record.bid}."
    return "", ""


def _volumes(batch: Batch, securities: Collection[int]) -> Mapping[int, int]:
    values: dict[str, Any] = {"firm": batch.firm_id, "securities": sorted(securities), "as_of": batch.as_of}
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_VOLUME, values)
        return dict(cursor.fetchall())
