"""What markets and funds ask of orders: shared by all firms, written by the installation's operator."""

from __future__ import annotations

from django.db import models

from accounts.models import Custodian
from portfolios.models.securities import Security


class TickSize(models.Model):
    """The smallest step of a price from a dollar on, dollars a share (Reg NMS Rule 612).

    In force from `starts_on` until the day before `ends_on`, without `ends_on` until another begins. Of several in
    force the one that began last counts; a security without any has the penny.
    """

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    increment = models.DecimalField(max_digits=7, decimal_places=6)
    source = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("security", "starts_on"), name="tick_size_once"),
            models.CheckConstraint(
                condition=models.Q(increment__gt=0)
                & (models.Q(ends_on=None) | models.Q(ends_on__gt=models.F("starts_on"))),
                name="tick_size_holds_for_days",
            ),
        )

    def __str__(self) -> str:
        return f"{self.security_id} {self.increment} from {self.starts_on}"


class FundTerms(models.Model):
    """Until when a custodian takes orders of a mutual fund, New York time of a full day, and when they settle.

    Terms without a custodian are those of every custodian that has none of its own for the fund.
    """

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    custodian = models.ForeignKey(Custodian, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    cut_off_at = models.TimeField()
    settle_days = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("security", "custodian"), name="fund_terms_once", nulls_distinct=False),
        )

    def __str__(self) -> str:
        return f"{self.security_id} until {self.cut_off_at}"
