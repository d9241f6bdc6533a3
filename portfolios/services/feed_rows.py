"""The rows of a file that were set aside: which, how many, and why, as the screens and the command line tell it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from portfolios.feeds.records import Code, LotRecord, ParsedFile, PositionRecord, Record, Severity
from portfolios.services.ingest.batch import OLDER_THAN_STORED, UNKNOWN_ACCOUNT, UNKNOWN_SECURITY, Applied

FOR_WHOLE_ACCOUNT = (UNKNOWN_ACCOUNT, OLDER_THAN_STORED)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows that were not applied: the first one's number, how many, and why."""

    row_number: int | None
    account_number: str
    code: str
    sentence: str
    row_count: int = 1


def all_set_aside(parsed: ParsedFile, refused: Iterable[Applied]) -> tuple[SetAside, ...]:
    """Rows that could not be read, that were held back with them, or that were not applied, in order of the file."""
    unread = [problem for problem in parsed.problems if problem.severity is Severity.QUARANTINE_ROW]
    rows = [SetAside(p.row_number, p.account_number or "", p.code.value, p.sentence) for p in unread]
    refused = list(refused)
    rows += _held_back(parsed, refused)
    rows += _not_applied(refused)
    return tuple(sorted(rows, key=lambda row: (row.row_number or 0, row.code)))


def _held_back(parsed: ParsedFile, refused: Sequence[Applied]) -> Iterator[SetAside]:
    """The good rows of accounts with a bad one: each account once."""
    told = {
        (one.account_number, one.subject)
        for one in refused
        if one.code in (UNKNOWN_SECURITY, Code.UNSUPPORTED_KIND.value)
    }
    held = parsed.held_accounts | held_for(parsed, refused)
    good = [record for record in holdings_of(parsed) if record.account_number in held and not _is_told(record, told)]
    good.sort(key=lambda record: (record.account_number, record.row_number))
    for number, group in groupby(good, key=lambda record: record.account_number):
        rows = [record.row_number for record in group]
        sentence = (
            f"{_rows(len(rows))} of account {number} could be read, but nothing of the account was taken, "
            "because another row of it could not be."
        )
        yield SetAside(rows[0], number, "HELD_BACK", sentence, len(rows))


def _is_told(record: Record, told: Collection[tuple[str, str]]) -> bool:
    """Is it a holding whose security is itself the reason?"""
    return isinstance(record, PositionRecord | LotRecord) and (record.account_number, record.symbol) in told


def holdings_of(parsed: ParsedFile) -> list[Record]:
    return [*parsed.positions, *parsed.lots, *parsed.cash_balances, *parsed.transactions]


def _not_applied(refused: Sequence[Applied]) -> Iterator[SetAside]:
    """What the service did not take; where the whole account is the reason, once an account."""
    for one in refused:
        if one.code not in FOR_WHOLE_ACCOUNT:
            yield SetAside(one.row_number, one.account_number, one.code, one.sentence)
    whole = sorted(
        (one for one in refused if one.code in FOR_WHOLE_ACCOUNT), key=lambda one: (one.account_number, one.code)
    )
    for (number, code), group in groupby(whole, key=lambda one: (one.account_number, one.code)):
        ones = list(group)
        first = min(one.row_number for one in ones)
        yield SetAside(first, number, code, f"{ones[0].sentence} {_rows(len(ones))} set aside.", len(ones))


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def held_for(parsed: ParsedFile, refused: Iterable[Applied]) -> set[str]:
    """Accounts of which nothing was taken because of a security that nobody knows."""
    holdings = {(one.account_number, one.symbol) for one in parsed.positions}
    holdings |= {(one.account_number, one.symbol) for one in parsed.lots}
    unknown = {(one.account_number, one.subject) for one in refused if one.code == UNKNOWN_SECURITY}
    return {number for number, _ in holdings & unknown}
