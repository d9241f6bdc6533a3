"""Mutual funds: purchases in dollars, a cut-off, and the next day's price for whoever is later.

A fund sells and redeems at the price that is struck next after the order arrived (Rule 22c-1 under the Investment
Company Act): there is no limit, nothing trades during the day, and what comes after the cut-off gets the next day's
price. The shares are told when the price is known, usually the next morning.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from django.utils import timezone

from portfolios.models import SecurityKind
from portfolios.selectors.market_rules import Terms, fund_terms, terms_at
from rebalancer.engine.calendars import CLOSES, early_close, is_session, next_session, session_hours
from trading.models import Order

SMALLEST = Decimal("0.000001")
ENDED_WORDS = frozenset({"fill", "filled"})


class Said(Protocol):
    """What a custodian said: its word, and its own count of shares."""

    @property
    def word(self) -> str: ...

    @property
    def cum_quantity(self) -> Decimal | None: ...


def cut_off(terms: Terms, now: datetime) -> datetime:
    """The last moment of the session of `now` for an order of the fund; the same time before the close on a half day.

    :raises ValueError: if the day is no session
    """
    closes_at = session_hours(timezone.localdate(now))[1]
    at = terms.cut_off_at
    return closes_at - timedelta(hours=CLOSES.hour - at.hour, minutes=CLOSES.minute - at.minute)


def too_late_because(symbol: str, terms: Terms, now: datetime) -> str:
    """Why an order of the fund gets no price of this day; empty until the cut-off of a session."""
    today = timezone.localdate(now)
    following = f"{next_session(today):%A, %d %B}"
    if not is_session(today):
        return f"{symbol} is priced on trading days only; the order goes for the price of {following}."
    at = cut_off(terms, now)
    if now <= at:
        return ""
    when = f"{timezone.localtime(at):%H:%M}" + (" on this half day" if early_close(today) else "")
    return f"The cut-off of {symbol} was at {when}; the order goes for the price of {following}."


def settle_days(order: Order) -> int | None:
    """Business days from the trade to settlement, by the terms of a mutual fund; None for the usual cycle."""
    if order.kind != Order.Kind.MARKET or order.security.kind != SecurityKind.MUTUAL_FUND:
        return None
    terms = fund_terms([order.security_id])
    return terms_at(terms, order.security_id, order.connection.custodian_id).settle_days if terms else None


def shares_wanted(order: Order, said: Iterable[Said], filled: Decimal) -> Decimal:
    """How many shares fill the order; of one in dollars that is known once its custodian says that it is filled.

    Until then it is more than were filled, so that no execution ends the order.
    """
    if order.notional is None:
        return order.quantity
    counts = [one.cum_quantity for one in said if one.word in ENDED_WORDS]
    if counts:
        return max((count for count in counts if count), default=filled or order.quantity)
    return max(order.quantity, filled + SMALLEST)
