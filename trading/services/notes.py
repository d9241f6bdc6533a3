"""What a person says about an order that its checks held."""

from __future__ import annotations

from datetime import datetime

from accounts.services import audit
from accounts.tenancy import firm_scope
from trading.models import Order, PreTradeCheck

NOTE_LENGTH = 300


class OrderNotFound(LookupError):
    """The firm has no such order."""


class NothingToNote(RuntimeError):
    """No finding about the order waits for a note."""


class NoteNeeded(ValueError):
    """The note is empty."""


def write_note(*, firm_id: int, order_id: int, check_id: int, note: str, by: str, at: datetime) -> None:
    """Say why an order may go although a check held it; it is checked again before it leaves.

    The note stands for that rule and that order alone.

    :raises OrderNotFound: if the firm has no such order
    :raises NothingToNote: if that finding does not wait for a note
    :raises NoteNeeded: if the note is empty
    """
    with firm_scope(firm_id):
        if not Order.objects.for_firm(firm_id).filter(pk=order_id).exists():
            raise OrderNotFound(order_id)
        rows = PreTradeCheck.objects.for_firm(firm_id).filter(pk=check_id, order_id=order_id, passed=False, note="")
        check = rows.filter(severity=PreTradeCheck.Severity.NEEDS_NOTE).select_for_update().first()
        if check is None:
            raise NothingToNote("This finding waits for no note: somebody wrote one, or the order was checked again.")
        if not note.strip():
            raise NoteNeeded("Say why the order may go: the note is kept with it.")
        check.note, check.noted_by, check.noted_at = note.strip()[:NOTE_LENGTH], by, at
        check.save(update_fields=["note", "noted_by", "noted_at"])
        audit.record(
            firm_id=firm_id,
            at=at,
            actor=by,
            action="CHECK_NOTED",
            subject="order",
            subject_id=order_id,
            rule=check.rule,
            finding=check.sentence,
            note=check.note,
        )
