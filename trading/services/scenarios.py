"""Switching an open proposal to the trades of another scenario that was found for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from accounts.selectors.members import Member
from accounts.services import audit
from portfolios.selectors.policies import approval_limits, policies_in_force
from trading.models import Approval, Proposal, ProposalAccount
from trading.packing import content_digest
from trading.services.approvals import (
    ContentDiffers,
    Outcome,
    ProposalIsStale,
    locked,
    mark_if_stale,
    record_difference,
)
from trading.services.totals import second_look, totals

CONTENT = ("trades", "skipped", "figures", "certificate")


class ScenarioUnknown(LookupError):
    """Nothing was found, or nothing that foots, for such a scenario."""


class NothingToTrade(RuntimeError):
    """The scenario trades nothing: that is what a rejection is for."""


class ApprovedAlready(RuntimeError):
    """Somebody approved what the proposal holds; the second approver must look at the same."""


class ProposalMoved(RuntimeError):
    """Somebody else changed the proposal since it was looked at."""


REFUSALS = (ScenarioUnknown, NothingToTrade, ApprovedAlready, ProposalMoved)


def choose_scenario(
    *, firm_id: int, proposal_id: int, scenario: str, by: Member, version: int, at: datetime
) -> Outcome:
    """Let an open proposal hold the trades of another of its scenarios, in all its accounts at once.

    Its sums, whether it needs two approvers, its content hash and its version follow; the audit trail says who chose.

    :param version: of the proposal as it was looked at
    :raises ProposalNotFound: if the firm has no such proposal
    :raises AlreadyDecided: if it is no longer open
    :raises ProposalIsStale: if prices, holdings or the model changed since; the proposal is marked so
    :raises ProposalMoved: if it has another version by now
    :raises ApprovedAlready: if somebody approved it
    :raises ScenarioUnknown: if it has no such scenario
    :raises NothingToTrade: if the scenario has no trades
    :raises ContentDiffers: if the trades kept for the scenario are not those it was made with
    """
    stale = mark_if_stale(firm_id=firm_id, proposal_id=proposal_id, at=at)
    if stale:
        raise ProposalIsStale(stale)
    try:
        return _choose(firm_id, proposal_id, scenario, by, version, at)
    except ContentDiffers as differs:
        record_difference(firm_id=firm_id, proposal_id=proposal_id, by=by, at=at, why=str(differs))
        raise


@transaction.atomic
def _choose(firm_id: int, proposal_id: int, scenario: str, by: Member, version: int, at: datetime) -> Outcome:
    proposal = locked(firm_id, proposal_id)
    _check(proposal, version)
    if scenario == proposal.scenario:
        return Outcome(proposal.status, "The proposal holds these trades already.")
    parts = list(ProposalAccount.objects.for_firm(firm_id).filter(proposal=proposal).order_by("id").select_for_update())
    _check_scenario(proposal, parts, scenario)
    before, held = proposal.content_sha256, proposal.scenario
    _swap(proposal, parts, scenario)
    audit.record(
        firm_id=firm_id,
        at=at,
        actor=by.email,
        action="PROPOSAL_SCENARIO_CHOSEN",
        subject="proposal",
        subject_id=proposal.pk,
        was=held,
        scenario=scenario,
        content_sha256=proposal.content_sha256,
        content_sha256_before=before,
    )
    return Outcome(proposal.status, "The proposal now holds these trades. Nothing is sent before it is approved.")


def _check(proposal: Proposal, version: int) -> None:
    if proposal.version != version:
        raise ProposalMoved("Somebody changed this proposal while you looked at it. Look at it again, then choose.")
    approvals = Approval.objects.for_firm(proposal.firm_id).filter(proposal=proposal)
    if proposal.status != Proposal.Status.PENDING or approvals.exists():
        raise ApprovedAlready(
            "Somebody approved these trades already, and the second approver must look at the same ones. "
            "Reject the proposal and scan again to choose others."
        )


def _check_scenario(proposal: Proposal, parts: Sequence[ProposalAccount], scenario: str) -> None:
    if not parts or any(scenario not in part.scenarios for part in parts):
        raise ScenarioUnknown("This scenario was not found for the proposal; nothing was changed.")
    found = [(part.account_id, part.scenarios[scenario]["trades"]) for part in parts]
    if content_digest(found) != proposal.settings.get("contents", {}).get(scenario):
        raise ContentDiffers(
            "The trades kept for this scenario were changed after they were found, so nothing was changed. "
            "Scan the household again, and tell whoever runs this installation."
        )
    if not any(trades for _, trades in found):
        raise NothingToTrade("This scenario trades nothing. To leave the accounts as they are, reject the proposal.")


def _swap(proposal: Proposal, parts: Sequence[ProposalAccount], scenario: str) -> None:
    """Put the scenario's content in place, and the proposal's head with it."""
    for part in parts:
        for name in CONTENT:
            setattr(part, name, part.scenarios[scenario][name])
    ProposalAccount.objects.for_firm(proposal.firm_id).bulk_update(parts, CONTENT)
    found = totals([part.scenarios[scenario] for part in parts])
    limits = approval_limits(policies_in_force(proposal.firm_id), proposal.household_id)
    proposal.needs_two, proposal.two_reason = second_look(found, limits)
    fields = asdict(found)
    for name, value in fields.items():
        setattr(proposal, name, value)
    proposal.scenario = scenario
    proposal.content_sha256 = content_digest((part.account_id, part.trades) for part in parts)
    proposal.version += 1
    proposal.save(update_fields=[*fields, "needs_two", "two_reason", "scenario", "content_sha256", "version"])
