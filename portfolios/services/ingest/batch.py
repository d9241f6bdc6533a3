"""Where records come from, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.services.upsert import Outcome

UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
UNKNOWN_SECURITY = "UNKNOWN_SECURITY"
UNKNOWN_NAME = "UNKNOWN_NAME"
OLDER_THAN_STORED = "OLDER_THAN_STORED"
BAD_VALUE = "BAD_VALUE"
CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of one firm that came together: from a file, or through the custodians' API.

    `as_of` is the day they describe. `custodian` is the code for records that name none. `source` names the layout or
    the API, and is what the problems found are kept apart by. `masked` are account numbers of which only the end is
    printed.
    """

    firm_id: int
    as_of: date
    at: datetime
    source: str
    custodian: str = ""
    masked: frozenset[str] = frozenset()
    file_id: int | None = None
    actor: str = "system"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one record; a CONFLICT or REJECTED one was not stored, and `sentence` says why."""

    row_number: int
    account_number: str
    subject: str
    outcome: Outcome
    code: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of every record, which accounts were written, and how many stored rows the snapshot removed."""

    records: tuple[Applied, ...] = ()
    account_ids: frozenset[int] = frozenset()
    gone: int = 0

    @property
    def refused(self) -> tuple[Applied, ...]:
        return tuple(one for one in self.records if one.outcome in (Outcome.REJECTED, Outcome.CONFLICT))


def merged(results: Iterable[Result]) -> Result:
    """Several results as one, records in order."""
    parts = list(results)
    return Result(
        tuple(record for part in parts for record in part.records),
        frozenset(account for part in parts for account in part.account_ids),
        sum(part.gone for part in parts),
    )
