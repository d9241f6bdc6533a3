from __future__ import annotations

from django.db import models

from accounts.models import Account, Household, Membership
from accounts.models.base import TenantModel
from portfolios.models import Scan
from trading.models.documents import DocumentField


class Proposal(TenantModel):
    """What a scan proposes for one household: the unit that people approve.

    `content_sha256` covers every trade and lot of its accounts; an approval names the hash it approved.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", "To review"
        AWAITING_SECOND = "AWAITING_SECOND", "Awaiting a second approver"
        APPROVED = "APPROVED", "Approved"
        REJECTED = "REJECTED", "Rejected"
        STALE = "STALE", "Out of date"
        SUPERSEDED = "SUPERSEDED", "Replaced by a newer scan"

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    scan = models.ForeignKey(Scan, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    version = models.PositiveIntegerField(default=1)
    as_of = models.DateField()
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    reasons = models.JSONField(default=list)
    account_count = models.PositiveIntegerField()
    trade_count = models.PositiveIntegerField()
    value = models.DecimalField(max_digits=20, decimal_places=2)
    turnover = models.DecimalField(max_digits=20, decimal_places=2)
    drift_before = models.DecimalField(max_digits=10, decimal_places=8)
    drift_after = models.DecimalField(max_digits=10, decimal_places=8)
    gain_short = models.DecimalField(max_digits=20, decimal_places=2)
    gain_long = models.DecimalField(max_digits=20, decimal_places=2)
    tax = models.DecimalField(max_digits=20, decimal_places=2)
    cost = models.DecimalField(max_digits=20, decimal_places=2)
    needs_two = models.BooleanField(default=False)
    two_reason = models.CharField(max_length=200, blank=True)
    engine_version = models.CharField(max_length=40)
    scenario = models.CharField(max_length=12, default="CLOSEST")
    """The scenario whose trades the proposal now holds: a name of `rebalancer.engine.optimiser.Scenario`, or POLICY."""
    gap_bps = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    """Objective less proven bound over all its accounts, in basis points of their value."""
    settings = models.JSONField(default=dict)
    """What the engine was asked: slider, distance, exact, and each account's mode."""
    book = models.BinaryField(null=True, editable=False)
    """The household's part of the book as the engine read it, packed; a replay needs nothing else."""
    inputs_sha256 = models.CharField(max_length=64)
    content_sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "scan", "household"), name="proposal_once_a_scan"),
            models.UniqueConstraint(
                fields=("firm", "household"),
                condition=models.Q(status__in=("PENDING", "AWAITING_SECOND")),
                name="proposal_one_open_a_household",
            ),
        )
        indexes = (models.Index(fields=("firm", "status", "-drift_before", "id"), name="proposal_worklist"),)

    def __str__(self) -> str:
        return f"{self.household_id} {self.status}"


class ProposalAccount(TenantModel):
    """One account of a proposal: its trades with lots, and before and after, packed as the engine gave them."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    model_version_id = models.BigIntegerField()
    trades = DocumentField()
    skipped = DocumentField()
    figures = DocumentField()
    inputs = DocumentField()
    certificate = DocumentField(default=dict)
    """Objective, bound and gap of the trades it holds."""
    scenarios = DocumentField(default=dict)
    """By scenario: trades, skipped, figures and certificate, packed like those the account holds now."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "proposal", "account"), name="proposal_account_once"),)

    def __str__(self) -> str:
        return f"{self.account_id}"


class Approval(TenantModel):
    """A person's word on a proposal, for exactly the content whose hash it names. Never changed, never deleted."""

    class Decision(models.TextChoices):
        APPROVE = "APPROVE", "Approved"
        REJECT = "REJECT", "Rejected"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    decision = models.CharField(max_length=8, choices=Decision.choices)
    reason = models.CharField(max_length=500, blank=True)
    content_sha256 = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "proposal", "member", "content_sha256"), name="approval_once"),
        )

    def __str__(self) -> str:
        return self.decision
