from __future__ import annotations

from django.db import models

from accounts.models.base import TenantModel
from portfolios.models.securities import Security

_PRICED = models.Q(close__gt=0, bid__gt=0) & models.Q(ask__gte=models.F("bid")) & models.Q(adv_shares__gte=0)


class Quote(models.Model):
    """A day's close, the last bid and ask (dollars a share) and average daily volume (shares)."""

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    priced_on = models.DateField()
    close = models.DecimalField(max_digits=18, decimal_places=6)
    bid = models.DecimalField(max_digits=18, decimal_places=6)
    ask = models.DecimalField(max_digits=18, decimal_places=6)
    adv_shares = models.BigIntegerField()
    source = models.CharField(max_length=40)

    class Meta:
        abstract = True


class Price(Quote):
    """The installation's market data, shared by all firms."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("security", "priced_on"), name="price_once"),
            models.CheckConstraint(condition=_PRICED, name="price_is_a_quote"),
        )

    def __str__(self) -> str:
        return f"{self.security_id} {self.priced_on} {self.close}"


class FirmPrice(Quote, TenantModel):
    """A price that one firm received from its custodian. Seen by that firm alone; on the same day it wins."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "security", "priced_on"), name="firm_price_once"),
            models.CheckConstraint(condition=_PRICED, name="firm_price_is_a_quote"),
        )

    def __str__(self) -> str:
        return f"{self.security_id} {self.priced_on} {self.close}"
