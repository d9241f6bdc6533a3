"""A proposal's page, and the word of the people who decide on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.answers import answer
from accounts.views.asked import NOTE_LENGTH, id_of, text_of
from trading.selectors.proposals import proposal_page
from trading.selectors.run_story import run_of_proposal
from trading.selectors.runs import idle_sentence, left_out
from trading.services import approvals, approving, scenarios
from trading.tasks.orders import nudge_orders

OTHER = "OTHER"
"""Explains nothing by itself: a rejection for another reason says it in words."""
REJECT_REASONS = (
    ("CLIENT", "The client asked not to"),
    ("TAX", "Too much tax now"),
    ("TIMING", "Not the right time"),
    ("DATA", "The data look wrong"),
    (OTHER, "Another reason, in your words"),
)


@require_GET
@needs(Right.VIEW_BOOK)
def proposal(request: FirmRequest, pk: int) -> HttpResponse:
    return answer(request, "trading/proposal.html", _context(request, pk))


@require_POST
@needs(Right.APPROVE)
def approve(request: FirmRequest, pk: int) -> HttpResponse:
    note = text_of(request.POST, "note", length=NOTE_LENGTH)
    try:
        outcome = approving.approve(
            firm_id=request.member.firm_id,
            proposal_id=pk,
            by=request.member,
            at=timezone.now(),
            note=note,
            seen_sha256=text_of(request.POST, "seen"),
        )
    except approvals.ProposalNotFound:
        raise Http404 from None
    except approvals.ProposalIsStale as stale:
        return _answered(request, pk, status=409, stale=str(stale), typed_note=note)
    except approvals.REFUSALS as error:
        return _answered(request, pk, status=409, error=str(error), typed_note=note)
    nudge_orders(request.member.firm_id)
    return _answered(request, pk, status=200, outcome=outcome.sentence)


@require_POST
@needs(Right.APPROVE)
def choose(request: FirmRequest, pk: int) -> HttpResponse:
    """Let the proposal hold the trades of another scenario."""
    try:
        outcome = scenarios.choose_scenario(
            firm_id=request.member.firm_id,
            proposal_id=pk,
            scenario=text_of(request.POST, "scenario"),
            by=request.member,
            version=id_of(request.POST, "version") or 0,
            at=timezone.now(),
        )
    except approvals.ProposalNotFound:
        raise Http404 from None
    except approvals.ProposalIsStale as stale:
        return _answered(request, pk, status=409, stale=str(stale))
    except (*approvals.REFUSALS, *scenarios.REFUSALS) as error:
        return _answered(request, pk, status=409, error=str(error))
    return _answered(request, pk, status=200, outcome=outcome.sentence)


@require_POST
@needs(Right.APPROVE)
def reject(request: FirmRequest, pk: int) -> HttpResponse:
    typed = {name: text_of(request.POST, name, length=NOTE_LENGTH) for name in ("reason", "note")}
    label = dict(REJECT_REASONS).get(typed["reason"], "") if typed["reason"] != OTHER else ""
    try:
        outcome = approvals.reject(
            firm_id=request.member.firm_id,
            proposal_id=pk,
            by=request.member,
            at=timezone.now(),
            reason=": ".join(part for part in (label, typed["note"]) if part),
        )
    except approvals.ProposalNotFound:
        raise Http404 from None
    except approvals.ReasonNeeded as error:
        return _answered(request, pk, status=422, reject_form={**typed, "errors": [str(error)]})
    except approvals.AlreadyDecided as error:
        return _answered(request, pk, status=409, error=str(error), typed_note=typed["note"])
    return _answered(request, pk, status=200, outcome=outcome.sentence)


def _answered(request: FirmRequest, pk: int, *, status: int, **more: Any) -> HttpResponse:
    """All of the page's content with what came of it; without JavaScript, the whole page."""
    if not request.htmx and status == 200:
        messages.success(request, more["outcome"])
        return redirect("proposal", pk)
    part = "whole" if request.htmx else ""
    return answer(request, "trading/proposal.html", _context(request, pk) | more, part=part, status=status)


def _context(request: FirmRequest, pk: int) -> dict[str, Any]:
    page = proposal_page(request.member.firm_id, pk, reader=request.member)
    if page is None:
        raise Http404
    may_decide = request.member.may(Right.APPROVE)
    head = dict(page.proposal)
    head["can_approve"] = head["can_approve"] and may_decide
    head["can_reject"] = head["can_reject"] and may_decide
    head["can_choose"] = head["can_choose"] and may_decide
    if not may_decide:
        head["cannot_approve_because"] = None
    if head["status"] == "APPROVED":
        head["orders_url"] = f"{reverse('orders')}?proposal={pk}"
        head["run_id"] = run_of_proposal(request.member.firm_id, pk)
        head["left_out"] = left_out(request.member.firm_id, pk)
    else:
        head["idle_sentence"] = idle_sentence(request.member.firm_id, page.accounts, timezone.localdate())
    return {
        "proposal": head,
        "scenarios": page.scenarios,
        "accounts": page.accounts,
        "household_classes": page.household_classes,
        "reject_reasons": [{"value": value, "label": label} for value, label in REJECT_REASONS],
        "reject_form": None,
    }
