"""What keeps an account from being traded: opened when it is found, resolved when it is no longer so."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from portfolios.feeds.records import Code, RowProblem, Severity
from portfolios.models import DataProblem
from portfolios.services.ingest.batch import Batch

_SENTENCE = 500
_PLACE = re.compile(r"^\w+ \d+: ")

# What the lots and positions tell once they are stored, from whichever file: `review_accounts` judges it.
REVIEWED = frozenset({Code.MISSING_BASIS, Code.NO_LOTS, Code.LOTS_DO_NOT_SUM})


@dataclass(frozen=True, slots=True)
class Found:
    """A problem of an account, whole in its sentence."""

    account_id: int
    code: str
    sentence: str


def flag_accounts(batch: Batch, found: Iterable[Found], *, read: Collection[int]) -> None:
    """Open what was found in a batch. For accounts that were `read` in it, what an earlier one found is resolved."""
    sync_problems(
        firm_id=batch.firm_id,
        source=batch.source,
        found=found,
        settled=read,
        at=batch.at,
        file_id=batch.file_id,
    )


def found_in(problem: RowProblem, account_id: int) -> Found | None:
    """A problem of the parser's as one of its account; without the place, so that tomorrow's file finds the same."""
    if problem.severity is Severity.FLAG_ACCOUNT:
        if problem.code in REVIEWED:
            return None
        sentence = _PLACE.sub("", problem.sentence)
        return Found(account_id, problem.code.value, sentence[:1].upper() + sentence[1:])
    sentence = f"Nothing of this account was taken from the file because of one row. {problem.sentence}"
    return Found(account_id, problem.code.value, sentence)


def sync_problems(
    *,
    firm_id: int,
    source: str,
    found: Iterable[Found],
    settled: Collection[int],
    at: datetime,
    file_id: int | None = None,
) -> None:
    """Open what was found and is not open yet; of the `settled` accounts, resolve what of this source was not found."""
    standing = {(one.account_id, one.code, one.sentence[:_SENTENCE]) for one in found}
    problems = DataProblem.objects.for_firm(firm_id)
    concerned = {account_id for account_id, _, _ in standing} | set(settled)
    rows = problems.filter(source=source, resolved_at=None, account_id__in=concerned)
    known, over = set(), []
    for pk, *key in rows.order_by("id").values_list("id", "account_id", "code", "sentence"):
        if tuple(key) in standing:
            known.add(tuple(key))
        elif key[0] in settled:
            over.append(pk)
    problems.filter(pk__in=over).update(resolved_at=at)
    problems.bulk_create(
        [
            DataProblem(
                account_id=account_id, code=code, sentence=sentence, source=source, opened_at=at, file_id=file_id
            )
            for account_id, code, sentence in sorted(standing - known)
        ]
    )
