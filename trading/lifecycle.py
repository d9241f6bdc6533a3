"""The states of an order as one table: what each may become."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models


class OrderStatus(models.TextChoices):
    STAGED = "STAGED", "Staged"
    HELD = "HELD", "Held"
    READY = "READY", "Ready to send"
    SUBMITTING = "SUBMITTING", "Sending"
    UNKNOWN = "UNKNOWN", "Outcome unknown"
    SUBMITTED = "SUBMITTED", "At the custodian"
    WORKING = "WORKING", "Working"
    PARTIALLY_FILLED = "PARTIALLY_FILLED", "Partly filled"
    FILLED = "FILLED", "Filled"
    CANCELED = "CANCELED", "Cancelled"
    EXPIRED = "EXPIRED", "Expired"
    REPLACED = "REPLACED", "Replaced"
    REJECTED = "REJECTED", "Refused by the custodian"
    DENIED = "DENIED", "Stopped by our checks"


_S = OrderStatus
_ENDED_LIVE = {_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REPLACED}
_LATE_FILL = frozenset({_S.PARTIALLY_FILLED, _S.FILLED})

MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    _S.STAGED: frozenset({_S.DENIED, _S.HELD, _S.READY, _S.CANCELED}),
    _S.HELD: frozenset({_S.READY, _S.DENIED, _S.CANCELED, _S.EXPIRED}),
    _S.READY: frozenset({_S.SUBMITTING, _S.HELD, _S.CANCELED}),
    _S.SUBMITTING: frozenset(
        {_S.SUBMITTED, _S.WORKING, _S.REJECTED, _S.READY, _S.UNKNOWN, _S.PARTIALLY_FILLED} | _ENDED_LIVE
    ),
    _S.UNKNOWN: frozenset({_S.SUBMITTED, _S.WORKING, _S.PARTIALLY_FILLED, _S.REJECTED, _S.READY} | _ENDED_LIVE),
    _S.SUBMITTED: frozenset({_S.WORKING, _S.PARTIALLY_FILLED, _S.REJECTED} | _ENDED_LIVE),
    _S.WORKING: frozenset({_S.PARTIALLY_FILLED, _S.REJECTED} | _ENDED_LIVE),
    _S.PARTIALLY_FILLED: frozenset({_S.WORKING} | _ENDED_LIVE),
    _S.FILLED: frozenset({_S.PARTIALLY_FILLED, _S.WORKING, _S.CANCELED}),
    _S.CANCELED: _LATE_FILL,
    _S.EXPIRED: _LATE_FILL,
    _S.REPLACED: _LATE_FILL,
    _S.REJECTED: _LATE_FILL,
    _S.DENIED: frozenset(),
}

TERMINAL = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REPLACED, _S.REJECTED, _S.DENIED})
AT_CUSTODIAN = frozenset({_S.SUBMITTING, _S.UNKNOWN, _S.SUBMITTED, _S.WORKING, _S.PARTIALLY_FILLED})


class ForbiddenMove(RuntimeError):
    """The table has no such move."""


def check(current: str, to: str) -> None:
    """:raises ForbiddenMove: if an order in `current` cannot become `to`"""
    if OrderStatus(to) not in MOVES[OrderStatus(current)]:
        raise ForbiddenMove(f"an order that is {current} cannot become {to}")
