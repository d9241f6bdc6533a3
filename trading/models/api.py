from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Custodian
from accounts.models.base import TenantModel


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
