from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Custodian
from accounts.models.base import TenantModel
from portfolios.models import FeedFile


class ApiCredential(models.Model):
    """A custodian's key to our API, bound to that custodian and to the firms it serves. Written by the operator.

    Only the SHA-256 of the secret is kept; the secret is random (256 bits), so a fast hash is enough.
    """

    key_id = models.CharField(max_length=32, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    custodian = models.ForeignKey(Custodian, on_delete=models.PROTECT, related_name="+")
    firm_slugs = ArrayField(models.SlugField())
    scopes = ArrayField(models.CharField(max_length=32))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key_id


class ApiRequest(TenantModel):
    """A POST that a custodian made, and the answer it got, kept so that a repeat gets the same answer."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        DONE = "DONE", "Done"

    credential = models.ForeignKey(ApiCredential, on_delete=models.PROTECT, related_name="+")
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=255)
    body_sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status.choices)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.JSONField(null=True, blank=True)
    requested_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("firm", "credential", "method", "path", "idempotency_key"), name="api_request_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ApiBatch(TenantModel):
    """Records that a custodian sent in one call and that were applied whole. `file` is its place among the feeds.

    A custodian numbers its batches of one feed and day; a number is taken once and never after a higher one.
    """

    public_id = models.CharField(max_length=32)
    credential = models.ForeignKey(ApiCredential, on_delete=models.PROTECT, related_name="+")
    custodian = models.ForeignKey(Custodian, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey(FeedFile, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    feed = models.CharField(max_length=16)
    mode = models.CharField(max_length=8)
    as_of = models.DateField()
    sequence = models.PositiveIntegerField()
    content_sha256 = models.CharField(max_length=64)
    record_count = models.PositiveIntegerField()
    control_totals = models.JSONField(default=dict)
    outcomes = models.JSONField(default=dict)
    applied_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "public_id"), name="api_batch_id_once"),
            models.UniqueConstraint(
                fields=("firm", "custodian", "feed", "as_of", "sequence"), name="api_batch_sequence_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.feed} {self.as_of} #{self.sequence}"
