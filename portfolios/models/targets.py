from __future__ import annotations

from django.db import models

from accounts.models import Account, Household
from accounts.models.base import TenantModel
from portfolios.models.securities import Security


class TargetModel(TenantModel):
    """A model portfolio; what it holds is said by its versions."""

    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "code"), name="target_model_once"),)

    def __str__(self) -> str:
        return self.name


class ModelVersion(TenantModel):
    """A model's weights from a date. Published versions never change; weights of its nodes sum to one."""

    target_model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    number = models.PositiveIntegerField()
    effective_on = models.DateField()
    published_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "target_model", "number"), name="model_version_once"),)

    def __str__(self) -> str:
        return f"v{self.number}"


class ModelNode(TenantModel):
    """One part of a version: a security, another model, or cash. The weight is a fraction of the version."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    child = models.ForeignKey(
        TargetModel, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    is_cash = models.BooleanField(default=False)
    weight = models.DecimalField(max_digits=10, decimal_places=8)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "version", "security"), name="model_node_security_once"),
            models.UniqueConstraint(fields=("firm", "version", "child"), name="model_node_child_once"),
            models.UniqueConstraint(
                fields=("firm", "version"), condition=models.Q(is_cash=True), name="model_node_cash_once"
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=0, weight__lte=1), name="model_node_weight_is_fraction"
            ),
            models.CheckConstraint(
                condition=models.Q(security__isnull=False, child__isnull=True, is_cash=False)
                | models.Q(security__isnull=True, child__isnull=False, is_cash=False)
                | models.Q(security__isnull=True, child__isnull=True, is_cash=True),
                name="model_node_is_one_thing",
            ),
        )

    def __str__(self) -> str:
        return f"{self.weight}"


class ModelAssignment(TenantModel):
    """The model that a household, or one account of it, follows from a date; the account's own wins."""

    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    target_model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    assigned_on = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "household", "assigned_on"), name="assignment_household_once"),
            models.UniqueConstraint(fields=("firm", "account", "assigned_on"), name="assignment_account_once"),
            models.CheckConstraint(
                condition=models.Q(household__isnull=False, account__isnull=True)
                | models.Q(household__isnull=True, account__isnull=False),
                name="assignment_is_for_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.target_model_id} from {self.assigned_on}"
