"""The newest quote of a security as one firm sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

_NEWEST = """
SELECT DISTINCT ON (security_id) security_id, priced_on, close, bid, ask
FROM (
    SELECT security_id, priced_on, close, bid, ask, 1 AS own FROM portfolios_firmprice
    WHERE firm_id = %(firm)s AND security_id = ANY(%(securities)s)
    UNION ALL
    SELECT security_id, priced_on, close, bid, ask, 0 FROM portfolios_price WHERE security_id = ANY(%(securities)s)
) quote
ORDER BY security_id, priced_on DESC, own DESC
"""

_VOLUMES = """
SELECT DISTINCT ON (security_id) security_id, adv_shares
FROM portfolios_price WHERE security_id = ANY(%s) AND adv_shares > 0
ORDER BY security_id, priced_on DESC
"""


@dataclass(frozen=True, slots=True)
class Quote:
    """Dollars a share."""

    priced_on: date
    close: Decimal
    bid: Decimal
    ask: Decimal

    @property
    def is_usable(self) -> bool:
        """Are all three numbers above zero? A table may hold NaN, which compares as the largest of numbers there."""
        return all(number.is_finite() and number > 0 for number in (self.close, self.bid, self.ask))


def newest_quotes(firm_id: int, security_ids: Sequence[int]) -> Mapping[int, Quote]:
    """By security id; the firm's own price wins on the same day, and a security without any price is absent."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, {"firm": firm_id, "securities": list(security_ids)})
        return {security_id: Quote(*quote) for security_id, *quote in cursor.fetchall()}


def newest_volumes(security_ids: Sequence[int]) -> Mapping[int, int]:
    """Average daily volume in shares, by security id; a security of which it is not known is absent."""
    with connection.cursor() as cursor:
        cursor.execute(_VOLUMES, [list(security_ids)])
        return dict(cursor.fetchall())


def newest_price_on(firm_id: int) -> date | None:
    """The newest day of which the firm has any price."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest((SELECT max(priced_on) FROM portfolios_price),"
            " (SELECT max(priced_on) FROM portfolios_firmprice WHERE firm_id = %s))",
            [firm_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None
