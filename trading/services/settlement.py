"""Settling a firm's trades as of a moment."""

from __future__ import annotations

from datetime import date, datetime

from portfolios.services import settlement


def settle(*, firm_id: int, today: date, now: datetime) -> int:
    """Settle every trade that is due by today; how many. Running it again finds nothing."""
    return settlement.settle(firm_id=firm_id, today=today, at=now)
