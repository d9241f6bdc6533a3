"""A circuit breaker for each line to a custodian: while it is open nothing is submitted; cancels and queries pass.

It opens on answers that leave the outcome open, a lost stream, refused credentials, a clock that is off, or too many
breaks. Then the custodian is asked for its clock; if that goes well one order is tried, and if that goes well, all go.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.services import audit
from accounts.tenancy import firm_scope
from portfolios.selectors.guards import guard_limits
from trading.connections import CUSTODIAN_API, Line, open_line
from trading.custodians.protocol import (
    Accepted,
    Ambiguous,
    AmbiguousReason,
    NotSent,
    NotSentReason,
    QueryFailed,
    RefusalReason,
    Refused,
)
from trading.models import BrokerConnection, OrderCommand, ReconBreak
from trading.selectors.breaks import SEEN_ONCE
from trading.services.lines import line_of, lines_of

logger = logging.getLogger(__name__)

FAILURES, WINDOW = 5, timedelta(seconds=60)
STREAM_GRACE = timedelta(seconds=30)
CLOCK_LIMIT = timedelta(seconds=10)
PAUSE_SECONDS = settings.BREAKER_PAUSE_SECONDS
TRIAL = PROBE = timedelta(seconds=60)
"""How long one order is tried, or one probe made, before another worker may."""
CLOSED, OPEN, HALF_OPEN = (BrokerConnection.Breaker(name) for name in ("CLOSED", "OPEN", "HALF_OPEN"))
SUBMIT = OrderCommand.Kind.SUBMIT


class Cause(StrEnum):
    OUTCOMES = "OUTCOMES"
    STREAM = "STREAM"
    CREDENTIALS = "CREDENTIALS"
    CLOCK = "CLOCK"
    BREAKS = "BREAKS"


STREAM_LOST = "The custodian's stream is lost: fills would not be heard of."
MENDED_BY_STREAM = (Cause.STREAM, Cause.CREDENTIALS, "")


class Said(Protocol):
    """What the breaker needs to know of a command that was answered."""

    @property
    def kind(self) -> str: ...
    @property
    def line(self) -> Line: ...


def hear(*, firm_id: int, answers: Iterable[tuple[Said, object]], at: datetime) -> None:
    """Count answers: failures towards opening, and what was certain about a tried order towards closing."""
    failed: Counter[int] = Counter()
    unreached, well = set(), set()
    for held, answer in answers:
        failed[held.line.connection_id] += _is_failure(answer)
        if held.kind == SUBMIT and _is_certain(answer):
            well.add(held.line.connection_id)
        elif held.kind == SUBMIT and _is_unreached(answer):
            unreached.add(held.line.connection_id)
    with firm_scope(firm_id):
        for connection_id in sorted(unreached | {one for one, count in failed.items() if count}):
            _count(firm_id, connection_id, failed[connection_id], at)
        if well:
            _close(firm_id, Q(pk__in=well, breaker_state=HALF_OPEN), "A tried order was answered.", at)


def refuse_credentials(*, firm_id: int, connection_id: int, text: str, at: datetime) -> None:
    """The custodian does not take our credentials, in the caller's transaction."""
    row = _locked(firm_id, connection_id)
    if row.breaker_state != OPEN:
        _open(row, Cause.CREDENTIALS, f"The custodian refuses our credentials: {text}", at)


def stream_accepted(*, firm_id: int, connection_id: int) -> None:
    """The custodian took our credentials and speaks to us: what was stopped for want of that goes on."""
    with firm_scope(firm_id):
        mended = Q(pk=connection_id, breaker_state=OPEN, breaker_cause__in=MENDED_BY_STREAM)
        _close(firm_id, mended, "The custodian's stream was accepted.", timezone.now())


def watch(*, firm_id: int, now: datetime) -> None:
    """Open the breakers of lines whose stream is lost or that have too many breaks, and probe those that are due."""
    with firm_scope(firm_id):
        breaks = _breaks(firm_id)
        rows = _lines(firm_id).exclude(breaker_state=OPEN).select_for_update().order_by("id")
        lost = Q(stream_lost_at__lt=now - STREAM_GRACE)
        for row in rows.filter(lost | Q(pk__in=breaks)):
            if row.pk in breaks:
                _open(row, Cause.BREAKS, breaks[row.pk], now)
            else:
                _open(row, Cause.STREAM, STREAM_LOST, now)
        due = Q(breaker_state=OPEN) & (Q(probe_at=None) | Q(probe_at__lte=now))
        mine = list(_lines(firm_id).filter(due).select_for_update(skip_locked=True).order_by("id"))
        _lines(firm_id).filter(pk__in=[row.pk for row in mine]).update(probe_at=now + PROBE)
    for row in mine:
        skew = read_skew(line_of(row))
        with firm_scope(firm_id):
            _judge(firm_id, row.pk, skew, now)


def read_clocks(*, firm_id: int, now: datetime) -> None:
    """Compare our clock with each custodian's, and open the breakers of those that are too far off."""
    found = [(line.connection_id, read_skew(line)) for line in lines_of(firm_id)]
    with firm_scope(firm_id):
        for connection_id, skew in found:
            if not isinstance(skew, timedelta):
                continue
            row = _locked(firm_id, connection_id)
            row.clock_skew_ms = _ms(skew)
            row.save(update_fields=["clock_skew_ms"])
            if row.breaker_state == CLOSED and _is_off(row, skew):
                _open(row, Cause.CLOCK, _off(skew), now)


def read_skew(line: Line) -> timedelta | QueryFailed:
    """How far the custodian's clock is ahead of ours, or why it could not be read. Not within a transaction.

    :raises NoAdapter: if the connection cannot be spoken to
    """
    with closing(open_line(line)) as custodian:
        before = timezone.now()
        try:
            clock = custodian.clock()
        except QueryFailed as why:
            return why
        return clock.at - before - (timezone.now() - before) / 2


def thinned(*, firm_id: int, commands: Sequence[OrderCommand], now: datetime) -> list[OrderCommand]:
    """Without the submits on half-open lines, but for one on each that this worker is the first to try."""
    half_open = {one.order.connection_id for one in commands if one.order.connection.breaker_state == HALF_OPEN}
    if not half_open:
        return list(commands)
    trials = {connection_id for connection_id in half_open if _begin_trial(firm_id, connection_id, now)}
    kept = []
    for command in commands:
        connection_id = command.order.connection_id
        if command.kind == SUBMIT and connection_id in half_open:
            if connection_id not in trials:
                continue
            trials.discard(connection_id)
        kept.append(command)
    return kept


def _begin_trial(firm_id: int, connection_id: int, now: datetime) -> bool:
    free = Q(breaker_state=HALF_OPEN) & (Q(probe_at=None) | Q(probe_at__lte=now))
    return _lines(firm_id).filter(free, pk=connection_id).update(probe_at=now + TRIAL) == 1


def _is_failure(answer: object) -> bool:
    """An outcome that is not known. Another order under our id is certain, and nothing of the line."""
    if isinstance(answer, Ambiguous):
        return answer.reason is not AmbiguousReason.DIFFERENT_ORDER
    return isinstance(answer, QueryFailed)


def _is_certain(answer: object) -> bool:
    return isinstance(answer, Accepted) or (
        isinstance(answer, Refused) and answer.reason is not RefusalReason.AUTHENTICATION
    )


def _is_unreached(answer: object) -> bool:
    return isinstance(answer, NotSent) and answer.reason is NotSentReason.UNREACHABLE


def _count(firm_id: int, connection_id: int, failures: int, at: datetime) -> None:
    row = _locked(firm_id, connection_id)
    recent = [moment for moment in row.failures if datetime.fromisoformat(moment) > at - WINDOW]
    row.failures = [*recent, *[at.isoformat()] * failures][-FAILURES:]
    row.save(update_fields=["failures"])
    if row.breaker_state == HALF_OPEN:
        _open(row, Cause.OUTCOMES, "The order that was tried came to nothing certain.", at)
    elif row.breaker_state == CLOSED and len(row.failures) >= FAILURES:
        reason = f"{FAILURES} answers within {WINDOW.seconds} seconds left open what came of them."
        _open(row, Cause.OUTCOMES, reason, at)


def _judge(firm_id: int, connection_id: int, skew: timedelta | QueryFailed, now: datetime) -> None:
    row = _locked(firm_id, connection_id)
    if row.breaker_state != OPEN:
        return
    if isinstance(skew, timedelta):
        row.clock_skew_ms = _ms(skew)
    why = _still(row, skew)
    if why:
        _open(row, Cause(row.breaker_cause or Cause.OUTCOMES), why, now)
    else:
        row.breaker_state, row.probe_at, row.failures = HALF_OPEN, None, []
        row.save(update_fields=["breaker_state", "probe_at", "failures", "clock_skew_ms"])
        _record(row, "BREAKER_HALF_OPEN", "It answers again; one order is tried.", now)


def _still(row: BrokerConnection, skew: timedelta | QueryFailed) -> str:
    """Why it must stay open; empty if it need not."""
    if isinstance(skew, QueryFailed):
        return f"The custodian does not answer: {skew}"
    if _is_off(row, skew):
        return _off(skew)
    if row.breaker_cause == Cause.STREAM and row.stream_lost_at is not None:
        return STREAM_LOST
    return _breaks(row.firm_id).get(row.pk, "") if row.breaker_cause == Cause.BREAKS else ""


def _is_off(row: BrokerConnection, skew: timedelta) -> bool:
    limit = row.capabilities.get("clock_limit_seconds", CLOCK_LIMIT.total_seconds())
    return abs(skew.total_seconds()) > float(limit)


def _off(skew: timedelta) -> str:
    return f"The custodian's clock and ours are {abs(skew.total_seconds()):.1f} seconds apart."


def _breaks(firm_id: int) -> dict[int, str]:
    """The lines with more open breaks than the firm allows.

    What every comparison finds anew counts once two comparisons found it: the first may have met positions of before.
    """
    most = guard_limits(firm_id).breaks_maximum
    if most is None:
        return {}
    rows = ReconBreak.objects.for_firm(firm_id).filter(~SEEN_ONCE, closed_at=None).exclude(connection=None)
    counts = rows.values_list("connection_id").annotate(count=Count("id")).filter(count__gt=most)
    return {
        connection_id: f"{count} differences to the custodian's books are open; {most} are allowed."
        for connection_id, count in counts.order_by("connection_id")
    }


def _open(row: BrokerConnection, cause: Cause, reason: str, at: datetime) -> None:
    row.breaker_opened_at = row.breaker_opened_at if row.breaker_state != CLOSED else at
    row.breaker_state, row.breaker_cause, row.breaker_reason = OPEN, cause, reason[:300]
    pause = PAUSE_SECONDS[min(row.breaker_tries, len(PAUSE_SECONDS) - 1)]
    row.breaker_tries = min(row.breaker_tries + 1, 1000)
    row.probe_at = at + timedelta(seconds=pause)
    row.save(
        update_fields=[
            "breaker_state", "breaker_cause", "breaker_reason", "breaker_opened_at", "breaker_tries", "probe_at",
            "clock_skew_ms",
        ]
    )  # fmt: skip
    logger.warning("connection %s: nothing is sent: %s", row.pk, reason)
    if row.breaker_tries == 1:
        _record(row, "BREAKER_OPENED", reason, at)


def _close(firm_id: int, which: Q, why: str, at: datetime) -> None:
    for row in _lines(firm_id).filter(which).select_for_update().order_by("id"):
        row.breaker_state, row.breaker_cause, row.breaker_reason = CLOSED, "", ""
        row.breaker_opened_at, row.probe_at, row.breaker_tries, row.failures = None, None, 0, []
        row.save()
        _record(row, "BREAKER_CLOSED", why, at)


def _record(row: BrokerConnection, action: str, why: str, at: datetime) -> None:
    audit.record(
        firm_id=row.firm_id, at=at, actor="system", action=action, subject="connection", subject_id=row.pk, why=why
    )


def _lines(firm_id: int) -> QuerySet[BrokerConnection]:
    return BrokerConnection.objects.for_firm(firm_id).exclude(adapter=CUSTODIAN_API)


def _locked(firm_id: int, connection_id: int) -> BrokerConnection:
    return BrokerConnection.objects.for_firm(firm_id).select_for_update().get(pk=connection_id)


def _ms(skew: timedelta) -> int:
    return round(skew / timedelta(milliseconds=1))
