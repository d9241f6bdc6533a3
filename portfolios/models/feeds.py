from __future__ import annotations

from django.db import models

from accounts.models import Account
from accounts.models.base import TenantModel


class FeedFile(TenantModel):
    """A custodian's file as it came in. The same content is taken once, and applied whole or not at all."""

    class Status(models.TextChoices):
        STAGED = "STAGED", "Staged"
        APPLIED = "APPLIED", "Applied"
        REFUSED = "REFUSED", "Refused"

    layout = models.CharField(max_length=40)
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    as_of = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices)
    refusal = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    quarantined_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("firm", "layout", "sha256"),
                condition=models.Q(status__in=("STAGED", "APPLIED")),
                name="feed_file_content_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


class FeedRow(TenantModel):
    """A row that was set aside, with where it stood and why, in a sentence."""

    file = models.ForeignKey(FeedFile, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    row_number = models.PositiveIntegerField(null=True, blank=True)
    account_number = models.CharField(max_length=32, blank=True)
    code = models.CharField(max_length=40)
    sentence = models.CharField(max_length=500)

    class Meta:
        indexes = (models.Index(fields=("firm", "file"), name="feed_row_by_file"),)

    def __str__(self) -> str:
        return self.sentence


class DataProblem(TenantModel):
    """What keeps an account from being traded until it is put right."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    file = models.ForeignKey(
        FeedFile, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    code = models.CharField(max_length=40)
    source = models.CharField(max_length=40)
    sentence = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("firm", "account"), condition=models.Q(resolved_at=None), name="data_problem_open"),
        )

    def __str__(self) -> str:
        return self.sentence
