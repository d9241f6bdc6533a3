from __future__ import annotations

from django.db import models

from accounts.models.base import TenantModel


class AuditEvent(TenantModel):
    """One thing that happened in a firm.

    A trigger numbers each event within its firm and chains it to the one before by SHA-256; another refuses every
    change and deletion. `sequence`, `previous_hash` and `hash` are written by the database alone.
    """

    sequence = models.BigIntegerField(default=0, editable=False)
    at = models.DateTimeField()
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    previous_hash = models.BinaryField(max_length=32, default=b"", editable=False)
    hash = models.BinaryField(max_length=32, default=b"", editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "sequence"), name="audit_event_sequence_once"),)
        indexes = (models.Index(fields=("firm", "subject", "subject_id"), name="audit_event_by_subject"),)

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"
