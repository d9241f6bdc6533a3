from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import AuditEvent
from accounts.selectors.members import Member
from portfolios.models import CashBalance, FirmPrice, ModelVersion, Security
from portfolios.services.policies import publish_policy
from tests.trading.services.test_scans import proposal_of, scan
from tests.trading.worlds import make_connection
from tests.worlds import NOW, TODAY, Birch, Cedar, make_account, make_lot
from trading.models import Approval, Order, Proposal, RebalanceRun
from trading.services import approvals, approving

Status = Proposal.Status


def approve(world: Birch, proposal: Proposal, by: Member | None = None) -> approvals.Outcome:
    return approving.approve(firm_id=world.firm_id, proposal_id=proposal.pk, by=by or world.adviser, at=NOW)


def reject(world: Birch, proposal: Proposal, reason: str = "Client's wish") -> approvals.Outcome:
    return approvals.reject(firm_id=world.firm_id, proposal_id=proposal.pk, by=world.adviser, at=NOW, reason=reason)


@pytest.fixture
def proposal(birch: Birch) -> Proposal:
    make_connection(birch)
    scan(birch)
    return proposal_of(birch)


@pytest.fixture
def large(birch: Birch) -> Proposal:
    """A proposal above the firm's limit."""
    make_connection(birch)
    publish_policy(firm_id=birch.firm_id, toml="[approval]\nfour_eyes_turnover = 1000", at=NOW, by="t")
    scan(birch)
    return proposal_of(birch)


def test_an_approval_makes_the_orders_and_names_what_it_approved(birch: Birch, proposal: Proposal) -> None:
    assert approve(birch, proposal).status == Status.APPROVED
    run = RebalanceRun.objects.for_firm(birch.firm_id).get()
    assert (run.proposal_id, run.content_sha256) == (proposal.pk, proposal.content_sha256)
    assert Order.objects.for_firm(birch.firm_id).filter(run=run).count() == proposal.trade_count
    word = Approval.objects.for_firm(birch.firm_id).get()
    assert (word.decision, word.member_id, word.content_sha256) == (
        "APPROVE",
        birch.adviser.id,
        proposal.content_sha256,
    )


def test_an_approval_is_in_the_audit_trail(birch: Birch, proposal: Proposal) -> None:
    approve(birch, proposal)
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="PROPOSAL_APPROVED")
    assert (event.actor, event.subject_id, event.payload["content_sha256"]) == (
        birch.adviser.email,
        str(proposal.pk),
        proposal.content_sha256,
    )


def test_a_proposal_is_decided_once(birch: Birch, proposal: Proposal) -> None:
    approve(birch, proposal)
    with pytest.raises(approvals.AlreadyDecided, match="already approved"):
        approve(birch, proposal)
    with pytest.raises(approvals.AlreadyDecided):
        reject(birch, proposal)
    assert RebalanceRun.objects.for_firm(birch.firm_id).count() == 1


def test_a_rejection_keeps_its_reason_and_orders_nothing(birch: Birch, proposal: Proposal) -> None:
    assert reject(birch, proposal).status == Status.REJECTED
    assert Approval.objects.for_firm(birch.firm_id).get().reason == "Client's wish"
    assert not Order.objects.for_firm(birch.firm_id).exists()


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_rejection_without_a_reason_is_refused(birch: Birch, proposal: Proposal, reason: str) -> None:
    with pytest.raises(approvals.ReasonNeeded):
        reject(birch, proposal, reason)
    assert proposal_of(birch).pk == proposal.pk


def test_another_firms_proposal_does_not_exist(cedar: Cedar, birch: Birch, proposal: Proposal) -> None:
    with cedar.scope(), pytest.raises(approvals.ProposalNotFound):
        approve(cedar, proposal)


def test_a_large_proposal_waits_for_a_second_approver_and_orders_nothing_yet(birch: Birch, large: Proposal) -> None:
    assert approve(birch, large).status == Status.AWAITING_SECOND
    assert not Order.objects.for_firm(birch.firm_id).exists()


def test_nobody_is_both_pairs_of_eyes(birch: Birch, large: Proposal) -> None:
    approve(birch, large)
    with pytest.raises(approvals.SecondApproverNeeded):
        approve(birch, large)
    assert not Order.objects.for_firm(birch.firm_id).exists()


def test_the_second_approver_lets_the_orders_go(birch: Birch, large: Proposal) -> None:
    approve(birch, large)
    assert approve(birch, large, birch.members["COMPLIANCE"]).status == Status.APPROVED
    assert Order.objects.for_firm(birch.firm_id).count() == large.trade_count


def price_moves(world: Birch) -> None:
    FirmPrice.objects.for_firm(world.firm_id).create(
        security=Security.objects.get(symbol="VTI"),
        priced_on=TODAY,
        close=Decimal(309),
        bid=Decimal("308.99"),
        ask=Decimal("309.01"),
        adv_shares=1_000_000,
        source="TEST",
    )


def cash_moves(world: Birch) -> None:
    CashBalance.objects.for_firm(world.firm_id).update(settled=Decimal("1999.99"))


def model_changes(world: Birch) -> None:
    ModelVersion.objects.for_firm(world.firm_id).create(
        target_model=world.model, number=2, effective_on=TODAY, published_at=NOW
    )


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        pytest.param(price_moves, r"VTI moved from \$300.00 to \$309.00", id="a price moves by more than two percent"),
        pytest.param(cash_moves, "Holdings or cash of .* changed", id="cash moves by a cent"),
        pytest.param(model_changes, "The target model of .* changed", id="the model has a new version"),
    ],
)
def test_what_was_made_from_other_facts_cannot_be_approved(birch: Birch, proposal, happens, sentence) -> None:
    happens(birch)
    with pytest.raises(approvals.ProposalIsStale, match=sentence):
        approve(birch, proposal)
    assert Proposal.objects.for_firm(birch.firm_id).get(pk=proposal.pk).status == Status.STALE
    assert not Order.objects.for_firm(birch.firm_id).exists()


CHANGES = {
    "a quantity": "UPDATE trading_proposalaccount SET trades = jsonb_set(trades, '{0,quantity}', '\"1\"')",
    "a lot of a sale": "UPDATE trading_proposalaccount SET trades = jsonb_set(trades, '{0,lots}', '[]')",
    "a trade is taken away": "UPDATE trading_proposalaccount SET trades = trades - 0",
    "an account is taken away": "DELETE FROM trading_proposalaccount",
    "the hash itself": "UPDATE trading_proposal SET content_sha256 = repeat('0', 64)",
}


def tampered(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_content_changed_behind_our_back_is_not_approved(birch: Birch, proposal: Proposal, statement: str) -> None:
    tampered(statement)
    with pytest.raises(approvals.ContentDiffers, match="were changed after it was made"):
        approve(birch, proposal)
    assert proposal_of(birch).pk == proposal.pk
    assert not Approval.objects.for_firm(birch.firm_id).exists()
    assert not Order.objects.for_firm(birch.firm_id).exists()
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="PROPOSAL_CONTENT_DIFFERS")
    assert (event.actor, event.subject_id) == (birch.adviser.email, str(proposal.pk))


def test_content_changed_between_two_approvals_is_not_ordered(birch: Birch, large: Proposal) -> None:
    approve(birch, large)
    tampered(CHANGES["a quantity"])
    with pytest.raises(approvals.ContentDiffers):
        approve(birch, large, birch.members["COMPLIANCE"])
    assert Approval.objects.for_firm(birch.firm_id).count() == 1
    assert not Order.objects.for_firm(birch.firm_id).exists()


def test_content_of_several_accounts_is_compared_as_it_was_stored(birch: Birch) -> None:
    for number in ("1002", "1003"):
        second = make_account(birch.firm_id, birch.household, number=number, registration="ROTH_IRA")
        make_lot(birch.firm_id, second, "VTI", "100", basis="20000")
    make_connection(birch)
    scan(birch)
    assert proposal_of(birch).account_count == 3
    assert approve(birch, proposal_of(birch)).status == Status.APPROVED


def test_without_a_line_to_the_custodian_nothing_is_approved(birch: Birch) -> None:
    scan(birch)
    with pytest.raises(approvals.OrdersRefused, match="Schwab"):
        approve(birch, proposal_of(birch))
    assert not Approval.objects.for_firm(birch.firm_id).exists()
