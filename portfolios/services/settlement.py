"""Settlement: on its day, what a trade brought or took becomes settled cash."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection

from accounts.tenancy import firm_scope

# Only our own postings: a custodian's transactions come with cash balances that count them already.
_SETTLE = """
WITH due AS (
    UPDATE portfolios_transaction SET settled_at = %(at)s
    WHERE firm_id = %(firm)s AND settled_at IS NULL AND settle_on <= %(today)s AND key LIKE 'exec:%%'
    RETURNING account_id, amount
), sums AS (
    SELECT account_id, sum(amount) AS amount, count(*) AS settled FROM due GROUP BY account_id
), moved AS (
    UPDATE portfolios_cashbalance cash
    SET settled = cash.settled + sums.amount, unsettled = cash.unsettled - sums.amount
    FROM sums WHERE cash.firm_id = %(firm)s AND cash.account_id = sums.account_id
    RETURNING sums.settled
)
SELECT coalesce(sum(settled), 0)::int FROM moved
"""


def settle(*, firm_id: int, today: date, at: datetime) -> int:
    """Settle every trade that is due by today; how many. Running it again finds nothing."""
    with firm_scope(firm_id), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('settle', %s))", [firm_id])
        cursor.execute(_SETTLE, {"firm": firm_id, "today": today, "at": at})
        return int(cursor.fetchone()[0])
