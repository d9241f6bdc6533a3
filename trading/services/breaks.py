"""Differences that a person should look at: opened once, given to somebody, and closed with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from accounts.selectors.members import email_of_member
from accounts.services import audit
from accounts.tenancy import firm_scope
from trading.models import Order, ReconBreak
from trading.selectors.breaks import STANDING

TEXT_LENGTH = 300


class BreakNotFound(LookupError):
    """The firm has no such break."""


class AlreadyClosed(RuntimeError):
    """Somebody closed it first."""


class StillThere(RuntimeError):
    """A difference that is compared every day closes by itself when it is gone, and not before."""


class ReasonNeeded(ValueError):
    """What is closed by hand is closed for a reason."""


class NotAMember(LookupError):
    """Whoever should look after it does not work for the firm."""


REFUSALS = (AlreadyClosed, StillThere, ReasonNeeded, NotAMember)


def open_break(
    *,
    firm_id: int,
    kind: str,
    subject: str,
    sentence: str,
    at: datetime,
    order: Order | None = None,
    account_id: int | None = None,
    connection_id: int | None = None,
) -> None:
    """Open a break, in the caller's transaction, unless one for the same stands open."""
    account_id = account_id if order is None else order.account_id
    rows = ReconBreak.objects.for_firm(firm_id)
    place = Q(account=None) if account_id is None else Q(account_id=account_id)
    if rows.filter(place, kind=kind, subject=subject[:96], closed_at=None).exists():
        return
    rows.create(
        kind=kind,
        subject=subject[:96],
        sentence=sentence[:500],
        ours="",
        theirs="",
        order=order,
        account_id=account_id,
        connection_id=connection_id if order is None else order.connection_id,
        opened_at=at,
        seen_at=at,
    )


def assign_break(*, firm_id: int, break_id: int, member_id: int | None, by: str, at: datetime) -> None:
    """Give a break to a member of the firm, or to nobody.

    :raises BreakNotFound: if the firm has no such break
    :raises AlreadyClosed: if it is closed
    :raises NotAMember: if that is no active member
    """
    with firm_scope(firm_id):
        row = _open(firm_id, break_id)
        row.assignee = _name(firm_id, member_id)
        row.save(update_fields=["assignee"])
        _record(row, "BREAK_ASSIGNED", by, at, to=row.assignee)


def close_break(*, firm_id: int, break_id: int, reason: str, by: str, at: datetime) -> None:
    """Close a break that no comparison closes by itself.

    :raises BreakNotFound: if the firm has no such break
    :raises AlreadyClosed: if it is closed
    :raises StillThere: if the next comparison would open it again
    :raises ReasonNeeded: if no reason is given
    """
    with firm_scope(firm_id):
        row = _open(firm_id, break_id)
        if row.kind in STANDING:
            raise StillThere("This difference still stands. It closes by itself once both sides agree.")
        if not reason.strip():
            raise ReasonNeeded("Say what came of it: the reason is kept with the break.")
        row.resolution, row.closed_by, row.closed_at = reason.strip()[:TEXT_LENGTH], by, at
        row.save(update_fields=["resolution", "closed_by", "closed_at"])
        _record(row, "BREAK_CLOSED", by, at, resolution=row.resolution)


def close_gone(*, firm_id: int, break_ids: Sequence[int], at: datetime) -> None:
    """Close breaks that a comparison no longer found, in the caller's transaction."""
    rows = ReconBreak.objects.for_firm(firm_id).filter(pk__in=break_ids, closed_at=None)
    rows.update(closed_at=at, closed_by="system", resolution="Both sides agree again.")


def _open(firm_id: int, break_id: int) -> ReconBreak:
    row = ReconBreak.objects.for_firm(firm_id).select_for_update().filter(pk=break_id).first()
    if row is None:
        raise BreakNotFound(break_id)
    if row.closed_at is not None:
        raise AlreadyClosed(f"{row.closed_by} closed this already.")
    return row


def _name(firm_id: int, member_id: int | None) -> str:
    if member_id is None:
        return ""
    email = email_of_member(firm_id, member_id)
    if email is None:
        raise NotAMember("Choose somebody who works for the firm.")
    return email


def _record(row: ReconBreak, action: str, by: str, at: datetime, **more: object) -> None:
    audit.record(
        firm_id=row.firm_id, at=at, actor=by, action=action, subject="break", subject_id=row.pk, kind=row.kind, **more
    )
