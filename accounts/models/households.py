from __future__ import annotations

from django.db import models

from accounts.models.base import TenantModel


class FilingStatus(models.TextChoices):
    SINGLE = "SINGLE", "Single"
    MARRIED_JOINT = "MARRIED_JOINT", "Married filing jointly"
    MARRIED_SEPARATE = "MARRIED_SEPARATE", "Married filing separately"
    HEAD_OF_HOUSEHOLD = "HEAD_OF_HOUSEHOLD", "Head of household"


class Household(TenantModel):
    """The people and accounts that are taxed and rebalanced together, in one adviser's care."""

    name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=64)
    adviser = models.ForeignKey(
        "accounts.Membership", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "external_id"), name="household_once"),)

    def __str__(self) -> str:
        return self.name


class Client(TenantModel):
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "external_id"), name="client_once"),)

    def __str__(self) -> str:
        return self.name


class TaxProfile(TenantModel):
    """A household's marginal rates, as fractions, federal and state together, and what it has realised this year.

    Dollars. `gain_budget` is the net gain it may realise in the tax year and `tax_budget` the tax on gains it may come
    to; none where there is no limit. Gains up to `realised_on` are those stated here, later ones those of its
    transactions; without that day all are. With `netting` its tax is worked out over the year (Schedule D):
    `ordinary_rate` is what a deducted loss saves (the short rate where it is not stated), and `carried_worth` what a
    dollar of loss carried into later years is worth.
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    filing_status = models.CharField(max_length=20, choices=FilingStatus.choices, default=FilingStatus.MARRIED_JOINT)
    short_rate = models.DecimalField(max_digits=6, decimal_places=4)
    long_rate = models.DecimalField(max_digits=6, decimal_places=4)
    tax_year = models.PositiveSmallIntegerField()
    realised_short = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    realised_long = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    realised_on = models.DateField(null=True, blank=True)
    gain_budget = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    tax_budget = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    netting = models.BooleanField(default=False)
    ordinary_rate = models.DecimalField(max_digits=6, decimal_places=4, null=True, blank=True)
    carried_worth = models.DecimalField(max_digits=6, decimal_places=4, default=0)
    carryover_short = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    carryover_long = models.DecimalField(max_digits=20, decimal_places=2, default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "household"), name="tax_profile_once"),
            models.CheckConstraint(
                condition=models.Q(short_rate__gte=0, short_rate__lt=1, long_rate__gte=0, long_rate__lt=1),
                name="tax_profile_rates_are_fractions",
            ),
            models.CheckConstraint(
                condition=models.Q(gain_budget=None) | models.Q(gain_budget__gte=0),
                name="tax_profile_gain_budget_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(tax_budget=None) | models.Q(tax_budget__gte=0),
                name="tax_profile_tax_budget_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(ordinary_rate=None) | models.Q(ordinary_rate__gte=0, ordinary_rate__lt=1),
                name="tax_profile_ordinary_rate_is_fraction",
            ),
            models.CheckConstraint(
                condition=models.Q(carried_worth__gte=0, carried_worth__lt=1),
                name="tax_profile_carried_worth_is_fraction",
            ),
        )

    def __str__(self) -> str:
        return f"{self.filing_status} {self.tax_year}"
