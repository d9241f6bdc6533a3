from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account, Household
from accounts.models.base import TenantModel


class Scan(TenantModel):
    """One look at a firm's whole book."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    as_of = models.DateField()
    requested_by = models.CharField(max_length=254)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    accounts_total = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm",), condition=models.Q(status="RUNNING"), name="scan_one_at_a_time"),
        )
        indexes = (models.Index(fields=("firm", "-started_at"), name="scan_newest"),)

    def __str__(self) -> str:
        return f"{self.as_of} {self.status}"


class ScanShard(TenantModel):
    """A part of a scan that one worker does; whole households, so that their accounts are looked at together."""

    class Status(models.TextChoices):
        QUEUED = "QUEUED", "Queued"
        RUNNING = "RUNNING", "Running"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    scan = models.ForeignKey(Scan, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    number = models.PositiveIntegerField()
    household_ids = ArrayField(models.BigIntegerField())
    accounts_total = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    accounts_scanned = models.PositiveIntegerField(default=0)
    accounts_flagged = models.PositiveIntegerField(default=0)
    proposals_made = models.PositiveIntegerField(default=0)
    failure = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "scan", "number"), name="scan_shard_once"),)
        indexes = (
            models.Index(fields=("firm", "scan"), condition=~models.Q(status="DONE"), name="scan_shard_unfinished"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.status}"


class AccountSignal(TenantModel):
    """What a scan found in an account that calls for somebody's attention, and the figures behind it."""

    scan = models.ForeignKey(Scan, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    reasons = ArrayField(models.CharField(max_length=24))
    is_breached = models.BooleanField()
    value = models.DecimalField(max_digits=20, decimal_places=2)
    cash = models.DecimalField(max_digits=20, decimal_places=2)
    drift_weight = models.DecimalField(max_digits=10, decimal_places=8)
    largest_deviation_weight = models.DecimalField(max_digits=10, decimal_places=8)
    outcome = models.CharField(max_length=40)
    sentence = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "scan", "account"), name="account_signal_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.reasons}"
