from __future__ import annotations

from django.db import models

from accounts.models.base import TenantModel
from trading.models.orders import BrokerConnection, Order


class InboundEvent(TenantModel):
    """The inbox: everything a custodian told us, one row a delivery, never changed but for its result."""

    class Result(models.TextChoices):
        APPLIED = "APPLIED", "Applied"
        DUPLICATE = "DUPLICATE", "Duplicate"
        STALE = "STALE", "Out of date"
        PARKED = "PARKED", "Waits for its order"
        UNMATCHED = "UNMATCHED", "No such order"
        CONFLICT = "CONFLICT", "Contradicts what is stored"

    connection = models.ForeignKey(
        BrokerConnection, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False, db_index=False
    )
    channel = models.CharField(max_length=16)
    source_event_id = models.CharField(max_length=96)
    kind = models.CharField(max_length=32)
    client_order_id = models.CharField(max_length=64, blank=True)
    broker_order_id = models.CharField(max_length=64, blank=True)
    execution_key = models.CharField(max_length=96, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    payload = models.JSONField()
    payload_sha256 = models.CharField(max_length=64)
    result = models.CharField(max_length=10, choices=Result.choices)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("firm", "connection", "channel", "source_event_id"), name="inbound_event_once"
            ),
        )
        indexes = (models.Index(fields=("firm", "order", "id"), name="inbound_event_by_order"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.source_event_id}"
