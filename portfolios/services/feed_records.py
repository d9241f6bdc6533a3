"""From what a file says to the books: which records are applied, in which order, and how their accounts are marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from accounts.services.upsert import Outcome
from portfolios.feeds.records import (
    UNSUPPORTED_KINDS,
    AccountRecord,
    Code,
    LotRecord,
    ParsedFile,
    PositionRecord,
    Record,
    Refused,
)
from portfolios.services import ingest
from portfolios.services.feed_rows import held_for, holdings_of
from portfolios.services.ingest.batch import OLDER_THAN_STORED, UNKNOWN_SECURITY, Applied, merged
from portfolios.services.ingest.lookups import Securities, Unknown, account_key, find_accounts
from portfolios.services.ingest.problems import Found, found_in

_R = TypeVar("_R", bound=Record)


def apply_parsed(batch: ingest.Batch, parsed: ParsedFile, *, open_accounts_in: str | None = None) -> ingest.Result:
    """Apply a file whole, mark its accounts and review them, in the caller's transaction.

    Of an account with a row that could not be read, or with a holding that nobody knows, nothing is applied: the rest
    would make a wrong snapshot of it.

    :raises Refused: if something newer was applied to all of its accounts
    """
    results = _apply(batch, parsed, open_accounts_in)
    if results.records and all(one.code == OLDER_THAN_STORED for one in results.records):
        sentence = f"{parsed.file_name} is of {batch.as_of}; something newer was applied to all of its accounts before."
        raise Refused(Code.MIXED_DATES, sentence)
    _flag(batch, parsed, results)
    ingest.review_accounts(firm_id=batch.firm_id, account_ids=results.account_ids, at=batch.at, file_id=batch.file_id)
    return results


def _apply(batch: ingest.Batch, parsed: ParsedFile, open_accounts_in: str | None) -> ingest.Result:
    unusable = _unusable(parsed)
    held = parsed.held_accounts | {one.account_number for one in unusable if one.code == UNKNOWN_SECURITY}
    silent = {p.account_number for p in parsed.problems if p.code is Code.NO_RECORDS and p.account_number}
    named = [account for account in parsed.accounts if account.account_number not in held | silent]
    left_out = {(one.account_number, one.subject) for one in unusable}
    positions = [one for one in _without(parsed.positions, held) if (one.account_number, one.symbol) not in left_out]
    lots = [one for one in _without(parsed.lots, held) if (one.account_number, one.symbol) not in left_out]
    results = [ingest.Result(records=tuple(unusable))]
    if _is_list_of_accounts(parsed):
        results.append(ingest.apply_accounts(batch, named))
    elif open_accounts_in is not None:
        _open_unknown(batch, parsed.accounts, open_accounts_in)
    if parsed.positions or (named and not _is_list_of_accounts(parsed)):
        results.append(ingest.apply_positions(batch, positions, accounts=named))
    if parsed.lots:
        results.append(ingest.apply_lots(batch, lots, accounts=named))
    results.append(ingest.apply_cash(batch, _without(parsed.cash_balances, held)))
    results.append(ingest.apply_prices(batch, parsed.prices))
    results.append(ingest.apply_transactions(batch, _without(parsed.transactions, held)))
    return merged(results)


def _without(records: Iterable[_R], held: Collection[str]) -> list[_R]:
    return [record for record in records if record.account_number not in held]


def _unusable(parsed: ParsedFile) -> list[Applied]:
    """Holdings of securities that are not in the master.

    Those of a kind that is never traded here (bonds, options), and their lots, say so: their accounts are marked, and
    the rest is applied.
    """
    holdings: list[PositionRecord | LotRecord] = [*parsed.positions, *parsed.lots]
    securities, untraded = Securities(holdings), _never_traded(parsed)
    # A position says more about itself than its lots do: they take its reason.
    reasons: dict[tuple[str, str], tuple[str, str]] = {}
    rejected = []
    for record in holdings:
        found, key = securities.find(record), (record.account_number, record.symbol)
        if isinstance(found, Unknown):
            said = untraded.get(key)
            reason = (Code.UNSUPPORTED_KIND.value, said) if said else (UNKNOWN_SECURITY, found.sentence)
            code, sentence = reasons.setdefault(key, reason)
            rejected.append(Applied(record.row_number, *key, Outcome.REJECTED, code, sentence))
    return rejected


def _never_traded(parsed: ParsedFile) -> dict[tuple[str, str], str]:
    """Account and symbol of holdings of a kind that is never traded here, with the parser's sentence."""
    said = {(p.account_number, p.row_number): p.sentence for p in parsed.problems if p.code is Code.UNSUPPORTED_KIND}
    return {
        (one.account_number, one.symbol): said[one.account_number, one.row_number]
        for one in parsed.positions
        if one.kind in UNSUPPORTED_KINDS and (one.account_number, one.row_number) in said
    }


def _is_list_of_accounts(parsed: ParsedFile) -> bool:
    return parsed.layout == "plain_accounts"


def _open_unknown(batch: ingest.Batch, accounts: Sequence[AccountRecord], household: str) -> None:
    """Open the accounts of a custodian's file that nobody knows; of those that are masked, none can be."""
    found = find_accounts(batch, accounts)
    unknown = [account for account in accounts if not isinstance(found[account_key(batch, account)], int)]
    ingest.apply_accounts(batch, unknown, household=household)


def _flag(batch: ingest.Batch, parsed: ParsedFile, results: ingest.Result) -> None:
    """Mark the accounts of which the file says that something is wrong, or that hold what nobody knows.

    What it says of an account replaces what the last file of its layout said; of an account that was reported since, it
    says nothing any more.
    """
    known = find_accounts(batch, [*parsed.accounts, *holdings_of(parsed)])
    older = {one.account_number for one in results.refused if one.code == OLDER_THAN_STORED}
    by_number = {number: pk for (_, number), pk in known.items() if isinstance(pk, int) and number not in older}
    found: list[Found] = []
    for problem in parsed.problems:
        account_id = by_number.get(problem.account_number or "")
        one = found_in(problem, account_id) if account_id else None
        if one:
            found.append(one)
    held = held_for(parsed, results.refused)
    for row in results.refused:
        account_id = by_number.get(row.account_number)
        if row.code == UNKNOWN_SECURITY and row.account_number in held and account_id:
            sentence = f"Nothing of this account was taken from the file. {row.sentence}"
            found.append(Found(account_id, row.code, sentence))
    ingest.flag_accounts(batch, found, read=results.account_ids | {one.account_id for one in found})
