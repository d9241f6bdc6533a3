"""The worklist: households that the newest scan has something to say about, those that need a decision first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

PAGE = 50

# One row a household of the newest scan. Reasons are the union over its accounts.
_HOUSEHOLDS = """
WITH newest AS (
    SELECT id FROM portfolios_scan WHERE firm_id = %(firm)s ORDER BY started_at DESC, id DESC LIMIT 1
), seen AS (
    SELECT signal.household_id, count(*) AS accounts, sum(signal.value) AS value, sum(signal.cash) AS cash,
        max(signal.drift_weight) AS drift,
        (SELECT array_agg(DISTINCT reason ORDER BY reason)
            FROM unnest(string_to_array(string_agg(array_to_string(signal.reasons, ','), ','), ',')) reason) AS reasons,
        max(signal.sentence) FILTER (WHERE signal.outcome <> 'PROPOSED') AS blocked,
        CASE WHEN bool_and(signal.outcome = 'NOT_DUE') THEN 'NOT_DUE' ELSE 'BLOCKED' END AS without
    FROM portfolios_accountsignal signal
    WHERE signal.firm_id = %(firm)s AND signal.scan_id = (SELECT id FROM newest)
    GROUP BY signal.household_id
), listed AS (
    SELECT seen.*, household.name, adviser.id AS adviser_id, person.name AS adviser,
        proposal.id AS proposal_id, coalesce(proposal.status, seen.without) AS status,
        proposal.drift_before, proposal.drift_after, proposal.gain_short, proposal.gain_long, proposal.tax,
        coalesce(proposal.drift_before, seen.drift) AS sort_drift,
        CASE coalesce(proposal.status, seen.without)
            WHEN 'PENDING' THEN 0 WHEN 'AWAITING_SECOND' THEN 0 WHEN 'STALE' THEN 1 WHEN 'BLOCKED' THEN 1
            WHEN 'NOT_DUE' THEN 2 ELSE 3
        END AS place
    FROM seen
    JOIN accounts_household household ON household.firm_id = %(firm)s AND household.id = seen.household_id
    LEFT JOIN accounts_membership adviser ON adviser.firm_id = %(firm)s AND adviser.id = household.adviser_id
    LEFT JOIN accounts_user person ON person.id = adviser.user_id
    LEFT JOIN trading_proposal proposal ON proposal.firm_id = %(firm)s
        AND proposal.scan_id = (SELECT id FROM newest) AND proposal.household_id = seen.household_id
), wanted AS (
    SELECT * FROM listed
    WHERE reasons @> %(reasons)s
      AND (%(adviser)s::bigint IS NULL OR adviser_id = %(adviser)s)
      AND (%(status)s = '' OR status = %(status)s)
      AND (%(search)s = '' OR name ILIKE '%%' || %(search)s || '%%' OR EXISTS (
        SELECT FROM accounts_account account
        WHERE account.firm_id = %(firm)s AND account.household_id = listed.household_id
          AND (account.name ILIKE '%%' || %(search)s || '%%' OR account.number ILIKE '%%' || %(search)s || '%%')))
)
"""

_ROWS = (
    _HOUSEHOLDS
    + """
SELECT * FROM wanted
WHERE %(after_id)s = 0
    OR (place, -sort_drift, household_id) > (%(after_place)s, -%(after_drift)s::numeric, %(after_id)s)
ORDER BY place, -sort_drift, household_id LIMIT %(limit)s
"""
)

_COUNTS = (
    _HOUSEHOLDS
    + """
SELECT reason, count(*) FROM wanted, unnest(reasons) reason GROUP BY reason
UNION ALL SELECT '', count(*) FROM wanted
"""
)


_OPEN = (
    _HOUSEHOLDS
    + """
SELECT proposal_id FROM wanted WHERE status IN ('PENDING', 'AWAITING_SECOND')
ORDER BY place, -sort_drift, household_id LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in the list: decisions first, then what is blocked, what rests, and what is decided."""

    rank: int = 0
    drift: Decimal = Decimal(0)
    household_id: int = 0


TOP = Place()


@dataclass(frozen=True, slots=True)
class Filters:
    """What the worklist is narrowed to; reasons combine with AND. `after` is the last row of the page before."""

    reasons: tuple[str, ...] = ()
    adviser_id: int | None = None
    status: str = ""
    search: str = ""
    after: Place = TOP

    def parameters(self, firm_id: int) -> dict[str, Any]:
        return {
            "firm": firm_id,
            "reasons": list(self.reasons),
            "adviser": self.adviser_id,
            "status": self.status,
            "search": self.search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_"),
            "after_place": self.after.rank,
            "after_drift": self.after.drift,
            "after_id": self.after.household_id,
        }


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Mapping[str, Any]]
    after: Place | None


def worklist_page(firm_id: int, filters: Filters) -> Page:
    """A page of households, of each kind the most drifted first, and where the next page begins (None: the last)."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {**filters.parameters(firm_id), "limit": PAGE + 1})
        names = [column.name for column in cursor.description or ()]
        rows: list[Mapping[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Page(rows[:PAGE], Place(last["place"], last["sort_drift"], last["household_id"]) if last else None)


def open_proposals(firm_id: int, filters: Filters, *, limit: int) -> list[int]:
    """The proposals that wait for a decision among all that match, wherever the page ends."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {**filters.parameters(firm_id), "limit": limit})
        return [proposal_id for (proposal_id,) in cursor.fetchall()]


def worklist_counts(firm_id: int, filters: Filters) -> Mapping[str, int]:
    """How many households remain if a reason is added to the filters; `''` counts those that remain now."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, filters.parameters(firm_id))
        return dict(cursor.fetchall())
