"""Was it approved: by whom, when, and exactly this?"""

from __future__ import annotations

from datetime import timedelta

from accounts.models import Account
from trading.models import Order, Proposal
from trading.services.pretrade import Facts
from trading.services.rules.findings import Finding
from trading.services.stops import halted_because


def account_open(order: Order, _facts: Facts) -> Finding:
    status = Account.Status(order.holder.status)
    sentence = f"{order.holder} is {status.label.lower()}."
    return Finding("ACCOUNT_OPEN", status == Account.Status.OPEN, sentence, {"status": status})


def proposal_approved(order: Order, facts: Facts) -> Finding:
    """The proposal stands approved, and by people who saw exactly this content."""
    if order.run is None:
        return Finding("PROPOSAL_APPROVED", False, "The order comes from no approved proposal.", {})
    proposal, run = order.run.proposal, order.run
    needed = 2 if proposal.needs_two else 1
    given = facts.approvals.get(proposal.pk, 0)
    unchanged = proposal.content_sha256 == run.content_sha256
    numbers = {"approvals": str(given), "needed": str(needed), "approved": run.content_sha256[:16]}
    if not unchanged:
        sentence = "The proposal changed after it was approved."
    elif given < needed:
        sentence = f"The proposal has {given} of {needed} approvals of this content."
    else:
        sentence = f"Approved by {run.approved_by}; the content is unchanged."
    passed = unchanged and given >= needed and proposal.status == Proposal.Status.APPROVED
    return Finding("PROPOSAL_APPROVED", passed, sentence, numbers)


def approval_young(order: Order, facts: Facts) -> Finding:
    """What was approved long ago was approved for another market."""
    limit = timedelta(hours=facts.limits.order_approval_hours)
    since = order.run.created_at if order.run else order.created_at
    age = facts.now - since
    hours = int(age.total_seconds() // 3600)
    sentence = f"It was approved {hours} hours ago; after {facts.limits.order_approval_hours} it must be scanned again."
    numbers = {"age_hours": str(hours), "limit": str(facts.limits.order_approval_hours)}
    return Finding("APPROVAL_AGE", age <= limit, sentence, numbers)


def run_as_approved(order: Order, facts: Facts) -> Finding:
    """All orders of the run, and what it left out with a reason, are the approved trades to the share and the cent."""
    found = facts.totals.get(order.run_id or 0, "")
    sentence = found or "The run's orders are the approved trades, to the share and the cent."
    return Finding("RUN_TOTALS", not found, sentence, {"run": str(order.run_id or "")})


def not_halted(order: Order, facts: Facts) -> Finding:
    why = halted_because(order, facts.stops)
    return Finding("TRADING_HALT", not why, why or "No halt is in force.", {"halts": str(len(facts.stops.halts))})
