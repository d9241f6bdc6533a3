"""Writing the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from accounts.models import AuditEvent


def record(
    *, firm_id: int, at: datetime, actor: str, action: str, subject: str, subject_id: object, **payload: object
) -> None:
    """Append an event to the firm's chain, in the caller's transaction: what it tells of happened, or neither did."""
    AuditEvent.objects.for_firm(firm_id).create(
        at=at, actor=actor, action=action, subject=subject, subject_id=str(subject_id), payload=_plain(payload)
    )


def record_each(
    *,
    firm_id: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    payloads: Mapping[object, Mapping[str, object]],
) -> None:
    """Append one event for each of many subjects, by id and in that order, as `record` does."""
    AuditEvent.objects.for_firm(firm_id).bulk_create(
        [
            AuditEvent(at=at, actor=actor, action=action, subject=subject, subject_id=str(key), payload=_plain(payload))
            for key, payload in payloads.items()
        ],
        batch_size=1000,
    )


def _plain(payload: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value if isinstance(value, str | int | bool | list | dict | None) else str(value)
        for name, value in payload.items()
    }
