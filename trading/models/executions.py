from __future__ import annotations

from django.db import models

from accounts.models import Account, Custodian
from accounts.models.base import TenantModel
from portfolios.models import Security
from trading.models.orders import BrokerConnection, Order


class Execution(TenantModel):
    """A fill, a correction or a bust: the only truth about what was traded. Unique by connection, day and id.

    `ref_exec_id` is the custodian's id of what a correction or a bust is about, which may arrive after it. `gross` is
    what the custodian booked for the shares, where it says so; else the shares times the price, in cents.
    """

    class Kind(models.TextChoices):
        NEW = "NEW", "Fill"
        CORRECT = "CORRECT", "Correction"
        BUST = "BUST", "Bust"

    connection = models.ForeignKey(
        BrokerConnection, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    exec_id = models.CharField(max_length=96)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.NEW)
    refers_to = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    ref_exec_id = models.CharField(max_length=96, blank=True)
    is_live = models.BooleanField(default=True)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    price = models.DecimalField(max_digits=18, decimal_places=6)
    gross = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    fees = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    trade_on = models.DateField()
    settle_on = models.DateField()
    executed_at = models.DateTimeField()
    content_sha256 = models.CharField(max_length=64)
    posted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "connection", "trade_on", "exec_id"), name="execution_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0, price__gt=0) | models.Q(kind="BUST"), name="execution_is_a_fill"
            ),
        )
        indexes = (
            models.Index(fields=("firm", "order"), name="execution_by_order"),
            models.Index(fields=("firm", "id"), condition=models.Q(posted_at=None), name="execution_unposted"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} @ {self.price}"


class Block(TenantModel):
    """One order to the street for several accounts, with the allocation statement written before it is sent.

    `statement` is the exact text whose hash is `statement_sha256`: who takes part with how many shares, and how a
    partial fill is shared out. Shares are only given out otherwise for a reason that compliance approved.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", "In the market"
        ALLOCATING = "ALLOCATING", "Being allocated"
        ALLOCATED = "ALLOCATED", "Allocated"
        ENDED = "ENDED", "Ended without a fill"
        DISSOLVED = "DISSOLVED", "Taken apart before it was sent"

    connection = models.ForeignKey(BrokerConnection, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    custodian = models.ForeignKey(Custodian, on_delete=models.PROTECT, related_name="+")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=4, choices=Order.Side.choices)
    window = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    statement = models.TextField()
    statement_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    allocated_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    affirmed_at = models.DateTimeField(null=True, blank=True)
    deviation = models.JSONField(default=dict)
    deviation_reason = models.CharField(max_length=300, blank=True)
    deviation_asked_by = models.CharField(max_length=254, blank=True)
    deviation_approved_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "connection", "security", "side", "window"), name="block_once"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.window}"


class Allocation(TenantModel):
    """An account's share of a block: its order, the shares it asked for, and the shares and dollars that it got."""

    block = models.ForeignKey(Block, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    requested_quantity = models.DecimalField(max_digits=20, decimal_places=6)
    allocated_quantity = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    amount = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "block", "account"), name="allocation_once"),)

    def __str__(self) -> str:
        return f"{self.allocated_quantity} of {self.requested_quantity}"


class AllocationInstruction(TenantModel):
    """What a custodian is told about who gets what of a block. A later revision takes the place of the earlier ones.

    `shares` is the exact text whose hash is `shares_sha256`: shares and dollars by account, at the average price of
    the executions that made `cum_quantity` shares for `gross` dollars. It never changes; only the moments at which it
    was sent, and taken or refused, are added.
    """

    block = models.ForeignKey(Block, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    revision = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=300)
    cum_quantity = models.DecimalField(max_digits=20, decimal_places=6)
    gross = models.DecimalField(max_digits=20, decimal_places=2)
    average_price = models.DecimalField(max_digits=18, decimal_places=6)
    shares = models.TextField()
    shares_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "block", "revision"), name="allocation_instruction_once"),
        )

    def __str__(self) -> str:
        return f"revision {self.revision} of {self.block_id}"
