"""Deciding on several proposals in one act: each by itself, so that what one meets stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.selectors.members import Member
from trading.models import Proposal
from trading.services import approvals


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one of them: the sentence that its own page would show."""

    proposal_id: int
    household: str
    done: bool
    sentence: str


def approve_many(
    *, firm_id: int, wanted: Sequence[tuple[int, str]], by: Member, at: datetime, note: str = ""
) -> list[Decided]:
    """Approve proposals as they were seen, one transaction each, in the order given.

    :param wanted: each proposal with the hash of the trades that the approver saw
    """
    rows = Proposal.objects.for_firm(firm_id).filter(pk__in=[pk for pk, _ in wanted])
    names = dict(rows.values_list("id", "household__name"))
    return [_approve(firm_id, pk, names.get(pk, ""), seen, by, at, note) for pk, seen in wanted]


def _approve(firm_id: int, pk: int, household: str, seen: str, by: Member, at: datetime, note: str) -> Decided:
    try:
        outcome = approvals.approve(firm_id=firm_id, proposal_id=pk, by=by, at=at, note=note, seen_sha256=seen)
    except approvals.ProposalNotFound:
        return Decided(pk, household, False, "There is no such proposal.")
    except (approvals.ProposalIsStale, *approvals.REFUSALS) as why:
        return Decided(pk, household, False, str(why))
    return Decided(pk, household, True, outcome.sentence)
