"""Which day the book is looked at as of."""

from __future__ import annotations

from datetime import date

from rebalancer.engine.calendars import is_session, previous_session


def book_day(today: date) -> date:
    """The newest session that has begun by `today` (a New York date)."""
    return today if is_session(today) else previous_session(today)
