"""Approving proposals: several in one transaction, each by itself, the orders of all of them made together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.selectors.members import Member
from accounts.services import audit
from trading.models import Approval, Proposal, ProposalAccount
from trading.packing import content_digest
from trading.selectors.staleness import why_each_is_stale
from trading.services.approvals import (
    OPEN,
    AlreadyDecided,
    ContentDiffers,
    OrdersRefused,
    OtherContent,
    Outcome,
    ProposalIsStale,
    ProposalNotFound,
    SecondApproverNeeded,
    record_difference,
)
from trading.services.orders import draft_orders, stage_drafts

Refusal = (
    ProposalNotFound
    | AlreadyDecided
    | ProposalIsStale
    | OtherContent
    | ContentDiffers
    | SecondApproverNeeded
    | OrdersRefused
)
Wanted = tuple[int, str | None]
"""A proposal's id, and the hash of the trades that the approver saw; None for one who approves whatever it holds."""

DIFFERS = (
    "The trades of this proposal were changed after it was made, so nothing was approved and nothing is sent. "
    "Scan the household again, and tell whoever runs this installation."
)


def approve(
    *, firm_id: int, proposal_id: int, by: Member, at: datetime, note: str = "", seen_sha256: str | None = None
) -> Outcome:
    """Approve a proposal; the last approval that it needs makes its orders, in the same transaction.

    :param seen_sha256: the content that the approver looked at; None for one who approves whatever it holds
    :raises ProposalNotFound: if the firm has no such proposal
    :raises AlreadyDecided: if it is no longer open
    :raises ProposalIsStale: if prices, holdings or the model changed since; the proposal is marked so
    :raises SecondApproverNeeded: if this member approved it already
    :raises OtherContent: if somebody switched it to other trades than those seen
    :raises ContentDiffers: if its trades are not those it was made with; the audit trail says so
    :raises OrdersRefused: if its orders cannot be made; nothing is stored then
    """
    found = approve_together(firm_id=firm_id, wanted=[(proposal_id, seen_sha256)], by=by, at=at, note=note)
    outcome = found[proposal_id]
    if isinstance(outcome, Outcome):
        return outcome
    raise outcome


@dataclass(slots=True)
class _Act:
    """One person's word on some proposals, under way. What is refused is in no later step."""

    firm_id: int
    by: Member
    at: datetime
    note: str
    proposals: dict[int, Proposal]
    found: dict[int, Outcome | Refusal] = field(default_factory=dict)

    @property
    def left(self) -> list[Proposal]:
        return [proposal for pk, proposal in self.proposals.items() if pk not in self.found]

    def refuse(self, proposal_id: int, why: Refusal) -> None:
        self.found.setdefault(proposal_id, why)


@transaction.atomic
def approve_together(
    *, firm_id: int, wanted: Sequence[Wanted], by: Member, at: datetime, note: str = ""
) -> Mapping[int, Outcome | Refusal]:
    """Approve proposals in one transaction; what one meets stops no other.

    Gives, by proposal, what became of it or why it was refused. What a refusal leaves behind (a proposal marked as out
    of date, a line in the audit trail) is stored.
    """
    rows = Proposal.objects.for_firm(firm_id).filter(pk__in=[pk for pk, _ in wanted]).defer("book")
    act = _Act(firm_id, by, at, note, {row.pk: row for row in rows.select_for_update().order_by("id")})
    _refuse_unknown(act, wanted)
    _refuse_stale(act)
    _refuse_other_content(act, wanted)
    _refuse_second_word(act)
    _write(act)
    return act.found


def _refuse_unknown(act: _Act, wanted: Sequence[Wanted]) -> None:
    for pk, _ in wanted:
        proposal = act.proposals.get(pk)
        if proposal is None:
            act.refuse(pk, ProposalNotFound(pk))
        elif proposal.status not in OPEN:
            label = Proposal.Status(proposal.status).label.lower()
            act.refuse(pk, AlreadyDecided(f"This proposal is already {label}; nothing was changed."))


def _refuse_stale(act: _Act) -> None:
    stale = why_each_is_stale(act.firm_id, act.left)
    for pk, sentence in stale.items():
        act.refuse(pk, ProposalIsStale(sentence))
    if stale:
        rows = Proposal.objects.for_firm(act.firm_id).filter(pk__in=stale)
        rows.update(status=Proposal.Status.STALE, decided_at=act.at)
        audit.record_each(
            firm_id=act.firm_id,
            at=act.at,
            actor="system",
            action="PROPOSAL_STALE",
            subject="proposal",
            payloads={pk: {"why": sentence} for pk, sentence in stale.items()},
        )


def _refuse_other_content(act: _Act, wanted: Sequence[Wanted]) -> None:
    """Read the trades again and compare them with the hash that is approved; nobody changes them until this is done."""
    seen = dict(wanted)
    for proposal in act.left:
        if seen[proposal.pk] not in {None, proposal.content_sha256}:
            told = "The proposal now holds other trades than you looked at. Look at these, then decide."
            act.refuse(proposal.pk, OtherContent(told))
    rows = ProposalAccount.objects.for_firm(act.firm_id).filter(proposal__in=act.left).order_by("proposal_id", "id")
    parts = defaultdict(list)
    for proposal_id, account_id, trades in rows.select_for_update().values_list("proposal_id", "account_id", "trades"):
        parts[proposal_id].append((account_id, trades))
    for proposal in act.left:
        if content_digest(parts[proposal.pk]) != proposal.content_sha256:
            act.refuse(proposal.pk, ContentDiffers(DIFFERS))
            record_difference(firm_id=act.firm_id, proposal_id=proposal.pk, by=act.by, at=act.at, why=DIFFERS)


def _refuse_second_word(act: _Act) -> None:
    rows = Approval.objects.for_firm(act.firm_id).filter(proposal__in=act.left, member_id=act.by.id)
    for pk in rows.filter(decision=Approval.Decision.APPROVE).values_list("proposal_id", flat=True):
        told = "You approved this proposal already; another approver must look at it too."
        act.refuse(pk, SecondApproverNeeded(told))


def _write(act: _Act) -> None:
    """Store the approvals of what is left, and the orders of those that need no other."""
    first = [one for one in act.left if one.needs_two and one.status == Proposal.Status.PENDING]
    last = [one for one in act.left if one not in first]
    drafts = draft_orders(firm_id=act.firm_id, proposals=last)
    for pk, why in drafts.refused.items():
        act.refuse(pk, OrdersRefused(str(why)))
    last = [one for one in last if one.pk not in drafts.refused]
    Approval.objects.for_firm(act.firm_id).bulk_create(
        Approval(
            proposal=proposal,
            member_id=act.by.id,
            decision=Approval.Decision.APPROVE,
            reason=act.note,
            content_sha256=proposal.content_sha256,
            decided_at=act.at,
        )
        for proposal in act.left
    )
    _move(act, first, Proposal.Status.AWAITING_SECOND)
    _move(act, last, Proposal.Status.APPROVED)
    if last:
        stage_drafts(firm_id=act.firm_id, proposals=last, drafts=drafts, approved_by=act.by.email, at=act.at)
    for one in first:
        told = f"Approved by you. A second approver is needed: {one.two_reason}"
        act.found[one.pk] = Outcome(Proposal.Status.AWAITING_SECOND, told)
    for one in last:
        act.found[one.pk] = Outcome(Proposal.Status.APPROVED, f"Approved. {one.trade_count} orders are on their way.")


def _move(act: _Act, proposals: Iterable[Proposal], to: Proposal.Status) -> None:
    moved = list(proposals)
    if not moved:
        return
    audit.record_each(
        firm_id=act.firm_id,
        at=act.at,
        actor=act.by.email,
        action=f"PROPOSAL_{to}",
        subject="proposal",
        payloads={one.pk: {"content_sha256": one.content_sha256, "note": act.note} for one in moved},
    )
    rows = Proposal.objects.for_firm(act.firm_id).filter(pk__in=[one.pk for one in moved])
    rows.update(status=to, decided_at=act.at, version=F("version") + 1)
