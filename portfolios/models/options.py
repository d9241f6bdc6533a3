from __future__ import annotations

from django.db import models

from accounts.models import Account
from accounts.models.base import TenantModel
from portfolios.models.securities import Security
from portfolios.models.targets import TargetModel

_LOWEST = models.Q(lowest=None) | models.Q(lowest__gte=0)
_HIGHEST = models.Q(highest=None) | models.Q(highest__gte=0)
_ORDERED = models.Q(lowest=None) | models.Q(highest=None) | models.Q(lowest__lte=models.F("highest"))


class HoldRange(TenantModel):
    """How much of a security an account keeps: at least `lowest`, at most `highest`; None where there is no such end.

    Ends are shares, dollars, or fractions of the account's value. A holding outside its range may stay there, but no
    trade leads further away (`rebalancer.engine.hold_ranges`).
    """

    class Unit(models.TextChoices):
        SHARES = "SHARES", "Shares"
        DOLLARS = "DOLLARS", "Dollars"
        WEIGHT = "WEIGHT", "Percent of the account"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    unit = models.CharField(max_length=7, choices=Unit.choices)
    lowest = models.DecimalField(max_digits=15, decimal_places=6, null=True, blank=True)
    highest = models.DecimalField(max_digits=15, decimal_places=6, null=True, blank=True)
    reason = models.CharField(max_length=200)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "account", "security"), name="hold_range_once"),
            models.CheckConstraint(
                condition=models.Q(lowest__isnull=False) | models.Q(highest__isnull=False), name="hold_range_has_an_end"
            ),
            models.CheckConstraint(condition=_LOWEST & _HIGHEST & _ORDERED, name="hold_range_ends_in_order"),
            models.CheckConstraint(
                condition=~models.Q(unit="WEIGHT")
                | (
                    (models.Q(lowest=None) | models.Q(lowest__lte=1))
                    & (models.Q(highest=None) | models.Q(highest__lte=1))
                ),
                name="hold_range_weight_is_fraction",
            ),
        )

    def __str__(self) -> str:
        return f"{self.lowest} to {self.highest} {self.unit}"


class ModelAlternate(TenantModel):
    """What may be bought in place of a security of a model, by rank from 1; alternates of one rank are equally good.

    They are the model's, whatever its version in force, and hold wherever it is a part of another model that names
    none for the security (`rebalancer.engine.alternates`).
    """

    target_model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    alternate = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("firm", "target_model", "security", "alternate"), name="model_alternate_once"
            ),
            models.CheckConstraint(condition=models.Q(rank__gte=1), name="model_alternate_rank_from_one"),
            models.CheckConstraint(
                condition=~models.Q(alternate=models.F("security")), name="model_alternate_is_another"
            ),
        )

    def __str__(self) -> str:
        return f"{self.alternate_id} for {self.security_id}"
