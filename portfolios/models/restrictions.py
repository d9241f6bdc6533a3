from __future__ import annotations

from django.db import models

from accounts.models import Account, Household
from accounts.models.base import TenantModel
from portfolios.models.securities import AssetClass, Security


class Restriction(TenantModel):
    """Something that may not be bought, sold or traded: by security or class, for a firm, household or account."""

    class Kind(models.TextChoices):
        NO_BUY = "NO_BUY", "No buying"
        NO_SELL = "NO_SELL", "No selling"
        NO_TRADE = "NO_TRADE", "No trading"

    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    asset_class = models.ForeignKey(AssetClass, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reason = models.CharField(max_length=200)
    expires_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(security__isnull=False, asset_class=None)
                | models.Q(security=None, asset_class__isnull=False),
                name="restriction_names_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(household=None) | models.Q(account=None), name="restriction_has_one_scope"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"
