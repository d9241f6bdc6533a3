"""Where trading stands: halts in force and the lines to custodians."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from accounts.models import Account
from portfolios.models import Security
from trading.lifecycle import TERMINAL
from trading.models import BrokerConnection, Order, PreTradeCheck, TradingHalt

LIFTED_SHOWN = 10
TONES = {"CLOSED": "good", "OPEN": "bad", "HALF_OPEN": "warn", "ACTIVE": "good", "REDUCING": "warn", "HALTED": "bad"}


class NoSuchScope(LookupError):
    """Nothing in this firm is called so."""


def halts_in_force(firm_id: int) -> list[dict[str, Any]]:
    """The latest first."""
    rows = _halts(firm_id).filter(lifted_at=None).order_by("-raised_at", "-id")
    return [_halt(halt) for halt in rows]


def halts_lifted(firm_id: int) -> list[dict[str, Any]]:
    """The last few that were lifted, the latest first."""
    rows = _halts(firm_id).exclude(lifted_at=None).order_by("-lifted_at", "-id")
    return [_halt(halt) for halt in rows[:LIFTED_SHOWN]]


def halt_count(firm_id: int) -> int:
    return TradingHalt.objects.for_firm(firm_id).filter(lifted_at=None).count()


def connections_now(firm_id: int, now: datetime) -> list[dict[str, Any]]:
    """The firm's lines to custodians, by name, with what holds orders back on each."""
    waiting = dict(
        Order.objects.for_firm(firm_id)
        .exclude(status__in=TERMINAL)
        .order_by("connection_id")
        .values_list("connection_id")
        .annotate(orders=Count("id"))
    )
    rows = BrokerConnection.objects.for_firm(firm_id).select_related("custodian").order_by("custodian__name", "id")
    return [_connection(row, waiting.get(row.pk, 0), now) for row in rows]


def account_named(firm_id: int, text: str) -> int:
    """The id of the account with this number.

    :raises NoSuchScope: if there is none, or more than one
    """
    found = list(Account.objects.for_firm(firm_id).filter(number__iexact=text).order_by("id")[:2])
    if len(found) != 1:
        raise NoSuchScope(
            f"{len(found) or 'No'} accounts have the number {text!r}; write the whole number of one account."
        )
    return found[0].pk


def security_named(text: str) -> int:
    """The id of the security with this symbol.

    :raises NoSuchScope: if there is none
    """
    row = Security.objects.filter(symbol__iexact=text).order_by("id").first()
    if row is None:
        raise NoSuchScope(f"There is no security {text!r}; write its symbol, for instance VTI.")
    return row.pk


def notes_needed(firm_id: int, order_ids: Sequence[int]) -> list[PreTradeCheck]:
    """What was found about these orders that waits for a note, the oldest first."""
    waiting = Q(severity=PreTradeCheck.Severity.NEEDS_NOTE, passed=False, note="")
    return list(PreTradeCheck.objects.for_firm(firm_id).filter(waiting, order__in=order_ids).order_by("id"))


def _halts(firm_id: int) -> Any:
    related = TradingHalt.objects.for_firm(firm_id)
    return related.select_related("connection__custodian", "account", "security")


def _halt(halt: TradingHalt) -> dict[str, Any]:
    return {
        "id": halt.pk,
        "scope": _scope(halt),
        "level": halt.level,
        "level_label": halt.get_level_display(),
        "tone": TONES[halt.level],
        "reason": halt.reason,
        "by": halt.raised_by,
        "at": halt.raised_at,
        "is_automatic": halt.is_automatic,
        "asked_by": halt.lift_asked_by,
        "asked_at": halt.lift_asked_at,
        "lifted_by": halt.lifted_by,
        "lifted_at": halt.lifted_at,
    }


def _scope(halt: TradingHalt) -> str:
    parts = [
        halt.security.symbol if halt.security else "",
        f"in {halt.account}" if halt.account else "",
        f"at {halt.connection.custodian.name}" if halt.connection else "",
    ]
    return " ".join(part for part in parts if part) or "The whole firm"


def _connection(row: BrokerConnection, orders: int, now: datetime) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.custodian.name,
        "environment": row.environment,
        "breaker": row.breaker_state,
        "breaker_label": row.get_breaker_state_display(),
        "breaker_tone": TONES[row.breaker_state],
        "breaker_reason": row.breaker_reason,
        "breaker_opened_at": row.breaker_opened_at,
        "probe_at": row.probe_at if row.probe_at and row.probe_at > now else None,
        "state": row.trading_state,
        "state_label": row.get_trading_state_display(),
        "stream_lost_at": row.stream_lost_at,
        "needs_catch_up": row.needs_catch_up,
        "last_word_at": row.cursor_at,
        "open_orders": orders,
    }
