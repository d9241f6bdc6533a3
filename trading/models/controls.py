from __future__ import annotations

from django.db import models

from accounts.models import Account, Firm
from accounts.models.base import TenantModel
from portfolios.models import Security
from trading.models.orders import BrokerConnection, Order


class PreTradeCheck(TenantModel):
    """What a rule found about an order before it was sent, with the numbers it looked at.

    A finding that needs a note holds the order until somebody who may approve wrote one.
    """

    class Severity(models.TextChoices):
        BLOCK = "BLOCK", "Block"
        NEEDS_NOTE = "NEEDS_NOTE", "Needs a note"
        INFO = "INFO", "Information"

    # The link to the order carries the firm, so the database need not look it up a second time for each finding.
    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    rule = models.CharField(max_length=40)
    passed = models.BooleanField()
    severity = models.CharField(max_length=10, choices=Severity.choices)
    sentence = models.CharField(max_length=300)
    numbers = models.JSONField(default=dict)
    checked_at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)
    noted_by = models.CharField(max_length=254, blank=True)
    noted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("firm", "order"), name="pre_trade_check_by_order"),)

    def __str__(self) -> str:
        return f"{self.rule} {'passed' if self.passed else 'failed'}"


class TradingHalt(TenantModel):
    """A stop on trading, in a scope, until it is lifted: one person asks for that, another one agrees."""

    class Level(models.TextChoices):
        REDUCING = "REDUCING", "Sells and cancels only"
        HALTED = "HALTED", "Halted"

    connection = models.ForeignKey(
        BrokerConnection, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    level = models.CharField(max_length=8, choices=Level.choices)
    reason = models.CharField(max_length=300)
    raised_by = models.CharField(max_length=254)
    raised_at = models.DateTimeField()
    is_automatic = models.BooleanField(default=False)
    lift_asked_by = models.CharField(max_length=254, blank=True)
    lift_asked_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=254, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("firm",), condition=models.Q(lifted_at=None), name="trading_halt_in_force"),)

    def __str__(self) -> str:
        return f"{self.level}: {self.reason}"


class ReconBreak(TenantModel):
    """A difference between our books and a custodian's."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    connection = models.ForeignKey(
        BrokerConnection, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=96)
    ours = models.CharField(max_length=64)
    theirs = models.CharField(max_length=64)
    sentence = models.CharField(max_length=500)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    assignee = models.CharField(max_length=254, blank=True)
    resolution = models.CharField(max_length=300, blank=True)
    closed_by = models.CharField(max_length=254, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("firm", "account", "kind", "subject"),
                condition=models.Q(closed_at=None),
                name="recon_break_open_once",
            ),
        )

    def __str__(self) -> str:
        return self.sentence
