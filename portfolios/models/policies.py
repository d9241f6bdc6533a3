from __future__ import annotations

from django.db import models

from accounts.models import Account, Household
from accounts.models.base import TenantModel
from portfolios.models.targets import TargetModel


class Policy(TenantModel):
    """One parameter file (TOML) of one layer. Layers run firm, model, household, account: the nearest value wins."""

    class Level(models.TextChoices):
        FIRM = "FIRM", "Firm"
        MODEL = "MODEL", "Model"
        HOUSEHOLD = "HOUSEHOLD", "Household"
        ACCOUNT = "ACCOUNT", "Account"

    level = models.CharField(max_length=10, choices=Level.choices)
    target_model = models.ForeignKey(
        TargetModel, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    version = models.PositiveIntegerField()
    toml = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("firm", "level", "target_model", "household", "account", "version"),
                nulls_distinct=False,
                name="policy_version_once",
            ),
            models.CheckConstraint(
                condition=models.Q(level="FIRM", target_model=None, household=None, account=None)
                | models.Q(level="MODEL", target_model__isnull=False, household=None, account=None)
                | models.Q(level="HOUSEHOLD", target_model=None, household__isnull=False, account=None)
                | models.Q(level="ACCOUNT", target_model=None, household=None, account__isnull=False),
                name="policy_names_its_layer",
            ),
        )

    def __str__(self) -> str:
        return f"{self.level} v{self.version}"
