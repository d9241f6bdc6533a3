"""Reads our own CSV files: our names in the header, rows of one day, a last line END,<number of rows>."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from portfolios.feeds import values
from portfolios.feeds.headers import Header, match_header, nearly
from portfolios.feeds.layout import Cell, Column, PlainLayout
from portfolios.feeds.problems import Problems
from portfolios.feeds.records import (
    AccountRecord,
    CashRecord,
    Code,
    LotRecord,
    ParsedFile,
    PriceRecord,
    Refused,
    TransactionRecord,
)
from portfolios.feeds.signatures import refuse_layout, what_is_it
from portfolios.feeds.text import Row
from portfolios.feeds.values import RowFault

_END = "END"


def parse_plain(layout: PlainLayout, rows: list[Row], file_name: str) -> ParsedFile:
    """:raises Refused: no header, two headers, no END line or one that does not count the rows, or several days"""
    columns = _columns(layout)
    header = _header(layout, columns, rows, file_name)
    body = _body(columns, rows, file_name)
    _check_accounts(header, body, file_name)
    as_of = _as_of(header, body, file_name)
    problems = Problems()
    records = _read_all(layout, header, body, as_of, problems)
    return ParsedFile(
        layout=layout.name,
        version=layout.version,
        file_name=file_name,
        as_of=as_of,
        row_count=len(body),
        problems=problems.in_order(),
        **{layout.collection: tuple(records)},
    )


def _columns(layout: PlainLayout) -> tuple[Column, ...]:
    cells = tuple(Column(cell.name, (cell.name,), required=not cell.is_optional) for cell in layout.cells)
    return (Column("as_of", ("as_of",)), *cells)


def _header(layout: PlainLayout, columns: tuple[Column, ...], rows: list[Row], file_name: str) -> Header:
    header = match_header(rows[0], columns)
    if header is None:
        missing = nearly(rows[:1], [columns]) if what_is_it(rows) in (None, (layout.title, rows[0].number)) else []
        raise refuse_layout(rows, file_name=file_name, title=layout.title, advice=layout.advice, missing=missing)
    known = {"as_of", *(cell.name for cell in layout.cells)}
    strange = [name for name in rows[0].cells if name and name.lower() not in known]
    if strange:
        sentence = f"{file_name} has the column {strange[0]!r}, which {layout.title} does not know; {layout.advice}."
        raise Refused(Code.WRONG_LAYOUT, sentence, rows[0].number)
    if len(header) != sum(1 for name in rows[0].cells if name):
        sentence = f"{file_name} names a column twice in its header; {layout.advice}."
        raise Refused(Code.WRONG_LAYOUT, sentence, rows[0].number)
    return header


def _body(columns: tuple[Column, ...], rows: list[Row], file_name: str) -> list[Row]:
    """The rows between the header and the END line.

    :raises Refused: when END is missing or counts another number of rows, or a second header stands among them
    """
    last, body = rows[-1], rows[1:-1]
    if last.first != _END or len(rows) == 1:
        sentence = (
            f"{file_name} has no last line {_END},<number of rows>, so it may be cut short; add it or send it again."
        )
        raise Refused(Code.TRUNCATED, sentence, last.number)
    for row in body:
        if row.first == _END or match_header(row, columns) is not None:
            sentence = f"{file_name} line {row.number} begins a second file; send each file by itself."
            raise Refused(Code.TWO_HEADERS, sentence, row.number)
    if last.cells[1:2] != (str(len(body)),):
        sentence = (
            f"{file_name} has {len(body)} rows, but its last line says {', '.join(last.cells[1:])}; send it again."
        )
        raise Refused(Code.TRUNCATED, sentence, last.number)
    if not body:
        sentence = (
            f"{file_name} has a header but no rows, which is not taken for empty accounts; send it with its rows."
        )
        raise Refused(Code.NO_RECORDS, sentence, last.number)
    return body


def _check_accounts(header: Header, body: list[Row], file_name: str) -> None:
    """:raises Refused: for a row without an account number, which might belong to any account"""
    for row in body:
        if "account_number" in header and not _text(row, header, "account_number"):
            sentence = (
                f"{file_name} line {row.number} names no account; fill in account_number and send the file again."
            )
            raise Refused(Code.NO_ACCOUNT, sentence, row.number)


def _as_of(header: Header, body: list[Row], file_name: str) -> date:
    """:raises Refused: when the rows are of several days, or the day cannot be read"""
    first = _text(body[0], header, "as_of")
    for row in body:
        if _text(row, header, "as_of") != first:
            sentence = (
                f"{file_name} line {row.number} is not of {first} as line {body[0].number} is; send one day a file."
            )
            raise Refused(Code.MIXED_DATES, sentence, row.number)
    try:
        return values.iso_day(first, "as_of")
    except RowFault as fault:
        sentence = f"{file_name} line {body[0].number}: {fault.sentence}; write it as 2026-01-31."
        raise Refused(fault.code, sentence, body[0].number) from None


def _read_all(layout: PlainLayout, header: Header, body: list[Row], as_of: date, problems: Problems) -> list[Any]:
    records: list[Any] = []
    seen: set[tuple[object, ...]] = set()
    for row in body:
        account = _text(row, header, "account_number") or None
        try:
            if any(row.cells[len(header) :]):
                raise RowFault(Code.BAD_ROW, "the row has more cells than the header")
            record = layout.record(row_number=row.number, **layout.fixed, **_values(layout.cells, row, header))
            _CHECKS[type(record)](record, as_of)
            key = tuple(getattr(record, name) for name in layout.key)
            if key in seen:
                raise RowFault(Code.DUPLICATE_ROW, f"{' '.join(str(part) for part in key if part)} stands twice")
        except RowFault as fault:
            problems.quarantine(fault, row.number, account)
            continue
        seen.add(key)
        records.append(record)
        _flag(record, problems)
    return records


def _values(cells: tuple[Cell, ...], row: Row, header: Header) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cell in cells:
        text = _text(row, header, cell.name)
        if text or not cell.is_optional:
            found[cell.name] = cell.read(text, cell.name)
    return found


def _text(row: Row, header: Header, name: str) -> str:
    index = header.get(name)
    return row.cells[index] if index is not None and index < len(row.cells) else ""


def _flag(record: object, problems: Problems) -> None:
    """What does not stop a row from being taken, but its account from being traded."""
    if isinstance(record, LotRecord) and record.cost_basis is None:
        problems.flag_basis(f"lot {record.lot_id} of {record.symbol}", record.row_number, record.account_number)
    if isinstance(record, LotRecord | CashRecord | AccountRecord | TransactionRecord) and record.currency != "USD":
        problems.flag_currency(record.currency, "the row", record.row_number, record.account_number)


def _check_lot(lot: LotRecord, as_of: date) -> None:
    name = f"lot {lot.lot_id} of {lot.symbol}"
    if lot.quantity <= 0:
        raise RowFault(Code.NEGATIVE_LOT, f"{name} has {lot.quantity} shares; a lot holds more than none")
    if lot.cost_basis is not None and lot.cost_basis < 0:
        raise RowFault(Code.BAD_NUMBER, f"the cost basis of {name} is negative")
    if lot.acquired_on > as_of:
        raise RowFault(Code.ACQUIRED_AFTER_AS_OF, f"{name} was acquired on {lot.acquired_on}, after {as_of}")


def _check_price(price: PriceRecord, as_of: date) -> None:
    if price.close <= 0:
        raise RowFault(Code.ZERO_PRICE, f"the close of {price.symbol} is {price.close}; a price is more than zero")
    if price.priced_on > as_of:
        raise RowFault(Code.FUTURE_DATE, f"{price.symbol} is priced on {price.priced_on}, after {as_of}")
    if (price.bid is None) != (price.ask is None):
        raise RowFault(Code.MISSING_VALUE, f"{price.symbol} has only one of bid and ask")
    if price.bid is not None and price.ask is not None and not 0 < price.bid <= price.ask:
        raise RowFault(Code.CROSSED_QUOTE, f"{price.symbol} is quoted {price.bid} bid, {price.ask} ask")


def _check_transaction(transaction: TransactionRecord, as_of: date) -> None:
    name = f"transaction {transaction.transaction_id}"
    if transaction.trade_on > as_of:
        raise RowFault(Code.FUTURE_DATE, f"{name} was traded on {transaction.trade_on}, after {as_of}")
    if transaction.settle_on < transaction.trade_on:
        raise RowFault(Code.BAD_DATE, f"{name} settles on {transaction.settle_on}, before it was traded")
    if transaction.fees < 0:
        raise RowFault(Code.BAD_NUMBER, f"the fees of {name} are negative")
    if transaction.kind in ("BUY", "SELL") and (not transaction.symbol or not transaction.quantity):
        raise RowFault(Code.MISSING_VALUE, f"{name} has no symbol or no quantity")
    if (transaction.kind == "SELL" and transaction.quantity > 0) or (
        transaction.kind == "BUY" and transaction.quantity < 0
    ):
        raise RowFault(Code.BAD_NUMBER, f"{name}: a buy adds shares and a sell takes them away (negative)")


def _nothing_more(record: object, as_of: date) -> None:
    """Accounts and cash: every value that can be read is possible."""


_CHECKS: Mapping[type, Callable[[Any, date], None]] = {
    AccountRecord: _nothing_more,
    CashRecord: _nothing_more,
    LotRecord: _check_lot,
    PriceRecord: _check_price,
    TransactionRecord: _check_transaction,
}
