"""Deciding on several proposals in one act: each by itself, so that what one meets stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.selectors.members import Member
from trading.models import Proposal
from trading.services.approvals import Outcome, ProposalNotFound
from trading.services.approving import Refusal, approve_together


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one of them: the sentence that its own page would show."""

    proposal_id: int
    household: str
    done: bool
    sentence: str


TOGETHER = 50
"""Proposals that share a transaction: what is approved together is undone together if the machine fails."""


def approve_many(
    *, firm_id: int, wanted: Sequence[tuple[int, str]], by: Member, at: datetime, note: str = ""
) -> list[Decided]:
    """Approve proposals as they were seen, some to a transaction and each by itself, in the order given.

    :param wanted: each proposal with the hash of the trades that the approver saw
    """
    rows = Proposal.objects.for_firm(firm_id).filter(pk__in=[pk for pk, _ in wanted])
    names = dict(rows.values_list("id", "household__name"))
    found: dict[int, Outcome | Refusal] = {}
    for begin in range(0, len(wanted), TOGETHER):
        part = wanted[begin : begin + TOGETHER]
        found.update(approve_together(firm_id=firm_id, wanted=part, by=by, at=at, note=note))
    return [_decided(pk, names.get(pk, ""), found[pk]) for pk, _ in wanted]


def _decided(pk: int, household: str, outcome: Outcome | Refusal) -> Decided:
    if isinstance(outcome, ProposalNotFound):
        return Decided(pk, household, False, "There is no such proposal.")
    if isinstance(outcome, Outcome):
        return Decided(pk, household, True, outcome.sentence)
    return Decided(pk, household, False, str(outcome))
