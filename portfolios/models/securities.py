"""The security master: shared by all firms, written by the installation's operator."""

from __future__ import annotations

from django.db import models


class SecurityKind(models.TextChoices):
    ETF = "ETF", "Exchange-traded fund"
    STOCK = "STOCK", "Stock"
    MUTUAL_FUND = "MUTUAL_FUND", "Mutual fund"
    SWEEP = "SWEEP", "Cash sweep fund"


class AssetClass(models.Model):
    code = models.CharField(max_length=24, unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position", "code")

    def __str__(self) -> str:
        return self.name


class WashGroup(models.Model):
    """Securities treated as substantially identical under the wash-sale rule (IRC 1091), and why."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    rationale = models.CharField(max_length=400)

    def __str__(self) -> str:
        return self.name


class Security(models.Model):
    symbol = models.CharField(max_length=16, unique=True)
    cusip = models.CharField(max_length=9, blank=True)
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=16, choices=SecurityKind.choices)
    asset_class = models.ForeignKey(AssetClass, on_delete=models.PROTECT, related_name="+")
    wash_group = models.ForeignKey(WashGroup, on_delete=models.PROTECT, related_name="+")
    is_fractionable = models.BooleanField(default=False)
    round_lot = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("cusip",), condition=~models.Q(cusip=""), name="security_cusip_once"),
        )

    def __str__(self) -> str:
        return self.symbol
