from __future__ import annotations

from django.db import models

from accounts.models.base import TenantModel
from accounts.models.households import Client, Household


class TaxStatus(models.TextChoices):
    TAXABLE = "TAXABLE", "Taxable"
    DEFERRED = "DEFERRED", "Tax-deferred"
    EXEMPT = "EXEMPT", "Tax-exempt"


class Registration(models.TextChoices):
    INDIVIDUAL = "INDIVIDUAL", "Individual"
    JOINT = "JOINT", "Joint"
    TRUST = "TRUST", "Trust"
    TRADITIONAL_IRA = "TRADITIONAL_IRA", "Traditional IRA"
    ROTH_IRA = "ROTH_IRA", "Roth IRA"


TAX_STATUS_OF = {
    Registration.INDIVIDUAL: TaxStatus.TAXABLE,
    Registration.JOINT: TaxStatus.TAXABLE,
    Registration.TRUST: TaxStatus.TAXABLE,
    Registration.TRADITIONAL_IRA: TaxStatus.DEFERRED,
    Registration.ROTH_IRA: TaxStatus.EXEMPT,
}


class Custodian(models.Model):
    """A custodian of the installation: shared by all firms, written by its operator."""

    code = models.CharField(max_length=24, unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class Account(TenantModel):
    """One account at one custodian."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        FROZEN = "FROZEN", "Frozen"
        CLOSED = "CLOSED", "Closed"

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    custodian = models.ForeignKey(Custodian, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=32)
    name = models.CharField(max_length=120)
    registration = models.CharField(max_length=16, choices=Registration.choices)
    tax_status = models.CharField(max_length=8, choices=TaxStatus.choices)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    last_rebalanced_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "custodian", "number"), name="account_once"),
            models.CheckConstraint(
                condition=models.Q(tax_status__in=TaxStatus.values), name="account_tax_status_known"
            ),
        )
        indexes = (models.Index(fields=("firm", "household"), name="account_by_household"),)

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class CashReserve(TenantModel):
    """Cash an account keeps back; no sale is made to refill it while cash is above reserve minus threshold."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    name = models.CharField(max_length=80)
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    threshold = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "account", "name"), name="cash_reserve_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, threshold__gte=0, threshold__lte=models.F("amount")),
                name="cash_reserve_threshold_within_amount",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.amount}"


class ScheduledFlow(TenantModel):
    """Money that will leave (negative) or enter (positive) an account on a date."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    name = models.CharField(max_length=80)
    due_on = models.DateField()
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "account", "name", "due_on"), name="scheduled_flow_once"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.amount} on {self.due_on}"
