"""People's word on proposals: what it may meet, and saying no. Saying yes is in `approving`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.selectors.members import Member
from accounts.services import audit
from trading.models import Approval, Proposal
from trading.selectors.staleness import why_stale

OPEN = (Proposal.Status.PENDING, Proposal.Status.AWAITING_SECOND)


class ProposalNotFound(LookupError):
    """The firm has no such proposal."""


class AlreadyDecided(RuntimeError):
    """Somebody decided on it first."""


class ProposalIsStale(RuntimeError):
    """What it was made from has changed; it can no longer be approved."""


class SecondApproverNeeded(RuntimeError):
    """The same person cannot be both pairs of eyes."""


class OrdersRefused(RuntimeError):
    """The orders of an approved proposal could not be made; the approval did not happen either."""


class ContentDiffers(OrdersRefused):
    """The trades on record are no longer those whose hash the proposal names."""


class OtherContent(RuntimeError):
    """The proposal now holds other trades than those that the approver looked at."""


class ReasonNeeded(ValueError):
    """A rejection says why."""


REFUSALS = (AlreadyDecided, SecondApproverNeeded, OtherContent, OrdersRefused)
"""What a decision meets that nobody could foresee from the page; each says in a sentence what to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the proposal, in a sentence for the one who decided."""

    status: str
    sentence: str


def record_difference(*, firm_id: int, proposal_id: int, by: Member, at: datetime, why: str) -> None:
    """Write into the audit trail that trades on record are not those that were made."""
    audit.record(
        firm_id=firm_id,
        at=at,
        actor=by.email,
        action="PROPOSAL_CONTENT_DIFFERS",
        subject="proposal",
        subject_id=proposal_id,
        why=why,
    )


@transaction.atomic
def reject(*, firm_id: int, proposal_id: int, by: Member, at: datetime, reason: str) -> Outcome:
    """Reject a proposal and say why.

    :raises ReasonNeeded: if no reason is given
    :raises ProposalNotFound: if the firm has no such proposal
    :raises AlreadyDecided: if it is no longer open
    """
    if not reason.strip():
        raise ReasonNeeded("Say why you reject this proposal: the reason is kept with it.")
    proposal = locked(firm_id, proposal_id)
    _record(proposal, by, Approval.Decision.REJECT, reason.strip(), at)
    _move(proposal, Proposal.Status.REJECTED, by, at, note=reason.strip())
    return Outcome(proposal.status, "Rejected. The reason is kept with the proposal.")


def locked(firm_id: int, proposal_id: int) -> Proposal:
    """An open proposal that nobody else changes before the caller's transaction ends.

    :raises ProposalNotFound: if the firm has no such proposal
    :raises AlreadyDecided: if it is no longer open
    """
    try:
        proposal = Proposal.objects.for_firm(firm_id).defer("book").select_for_update().get(pk=proposal_id)
    except Proposal.DoesNotExist:
        raise ProposalNotFound(proposal_id) from None
    if proposal.status not in OPEN:
        label = Proposal.Status(proposal.status).label.lower()
        raise AlreadyDecided(f"This proposal is already {label}; nothing was changed.")
    return proposal


@transaction.atomic
def mark_if_stale(*, firm_id: int, proposal_id: int, at: datetime) -> str:
    """The sentence that says why the proposal is out of date, after marking it so; empty if it is fresh.

    :raises ProposalNotFound: if the firm has no such proposal
    :raises AlreadyDecided: if it is no longer open
    """
    proposal = locked(firm_id, proposal_id)
    sentence = why_stale(firm_id, proposal)
    if sentence:
        proposal.status = Proposal.Status.STALE
        proposal.decided_at = at
        proposal.save(update_fields=["status", "decided_at"])
        audit.record(
            firm_id=firm_id,
            at=at,
            actor="system",
            action="PROPOSAL_STALE",
            subject="proposal",
            subject_id=proposal.pk,
            why=sentence,
        )
    return sentence


def _record(proposal: Proposal, by: Member, decision: str, reason: str, at: datetime) -> None:
    Approval.objects.for_firm(proposal.firm_id).create(
        proposal=proposal,
        member_id=by.id,
        decision=decision,
        reason=reason,
        content_sha256=proposal.content_sha256,
        decided_at=at,
    )


def _move(proposal: Proposal, to: str, by: Member, at: datetime, *, note: str) -> None:
    audit.record(
        firm_id=proposal.firm_id,
        at=at,
        actor=by.email,
        action=f"PROPOSAL_{to}",
        subject="proposal",
        subject_id=proposal.pk,
        content_sha256=proposal.content_sha256,
        note=note,
    )
    proposal.status = to
    proposal.decided_at = at
    proposal.version += 1
    proposal.save(update_fields=["status", "decided_at", "version"])
