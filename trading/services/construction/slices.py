"""A trade that is large against a day's volume leaves in parts, one a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.utils import timezone

from rebalancer.engine.calendars import is_session, next_session, session_hours
from trading.services.hours import AFTER_OPEN


def slices(trade: Mapping[str, Any], *, volume: int | None, most_weight: Decimal) -> list[Mapping[str, Any]]:
    """The trade as parts of whole shares, none above `most_weight` of `volume` shares a day; the last takes the rest.

    Its named lots go to the parts in their order. A trade in a security of unknown volume stays whole, as does one
    where a part would be less than a share.
    """
    quantity = Decimal(trade["quantity"])
    most = (volume * most_weight).quantize(Decimal(1), ROUND_DOWN) if volume else Decimal(0)
    if most < 1 or quantity <= most:
        return [trade]
    whole = int((quantity / most).quantize(Decimal(1), ROUND_DOWN))
    sizes = [most] * whole + ([quantity - whole * most] if quantity % most else [])
    lots = share_lots([(lot["lot_id"], Decimal(lot["quantity"])) for lot in trade["lots"]], sizes)
    return [
        {**trade, "quantity": f"{size:f}", "lots": [{"lot_id": lot, "quantity": f"{part:f}"} for lot, part in named]}
        for size, named in zip(sizes, lots, strict=True)
    ]


def session_of_part(session: int, at: datetime) -> datetime | None:
    """When a part may leave: that of the first session at once, each other one a session after the one before."""
    if session == 1:
        return None
    day = timezone.localdate(at)
    if not is_session(day) or at >= session_hours(day)[1]:
        day = next_session(day)
    for _ in range(session - 1):
        day = next_session(day)
    return session_hours(day)[0] + AFTER_OPEN


def share_lots(named: Sequence[tuple[Any, Decimal]], sizes: Sequence[Decimal]) -> list[list[tuple[Any, Decimal]]]:
    """The named lots for parts of these sizes, in order; what is named beyond them stays with the last.

    There it is found to be too much.
    """
    left = list(named)
    shared: list[list[tuple[Any, Decimal]]] = []
    for size in sizes[:-1]:
        taken: list[tuple[Any, Decimal]] = []
        open_size = size
        while open_size > 0 and left:
            lot, held = left.pop(0)
            part = min(held, open_size)
            open_size -= part
            taken.append((lot, part))
            if held > part:
                left.insert(0, (lot, held - part))
        shared.append(taken)
    return [*shared, left]
