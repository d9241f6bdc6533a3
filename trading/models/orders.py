from __future__ import annotations

from django.db import models

from accounts.models import Account, Custodian
from accounts.models.base import TenantModel
from portfolios.models import Lot, Security
from trading.lifecycle import OrderStatus
from trading.models.proposals import Proposal


class BrokerConnection(TenantModel):
    """A firm's line to a custodian: which adapter, which credentials, how far its event stream has been read.

    While it `needs_catch_up`, or its breaker is open, nothing is submitted on it; cancels and queries pass. An open
    breaker asks the custodian at `probe_at` whether it answers again; then one order is tried, and until `probe_at` no
    other. `silences` counts how often it fell behind: catching up on one does not hide the next. `failures` are the
    moments (ISO 8601) at which lately nothing certain was answered.
    """

    class TradingState(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        REDUCING = "REDUCING", "Sells and cancels only"
        HALTED = "HALTED", "Halted"

    class Breaker(models.TextChoices):
        CLOSED = "CLOSED", "Closed"
        OPEN = "OPEN", "Open"
        HALF_OPEN = "HALF_OPEN", "Trying again"

    custodian = models.ForeignKey(Custodian, on_delete=models.PROTECT, related_name="+")
    adapter = models.CharField(max_length=24)
    environment = models.CharField(max_length=24)
    credentials_ref = models.CharField(max_length=80)
    capabilities = models.JSONField(default=dict)
    trading_state = models.CharField(max_length=8, choices=TradingState.choices, default=TradingState.ACTIVE)
    breaker_state = models.CharField(max_length=10, choices=Breaker.choices, default=Breaker.CLOSED)
    breaker_reason = models.CharField(max_length=300, blank=True)
    breaker_cause = models.CharField(max_length=12, blank=True)
    breaker_tries = models.PositiveSmallIntegerField(default=0)
    breaker_opened_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    failures = models.JSONField(default=list)
    clock_skew_ms = models.IntegerField(null=True, blank=True)
    stream_lost_at = models.DateTimeField(null=True, blank=True)
    needs_catch_up = models.BooleanField(default=False)
    silences = models.PositiveIntegerField(default=0)
    caught_up_at = models.DateTimeField(null=True, blank=True)
    cursor = models.CharField(max_length=64, blank=True)
    cursor_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "custodian", "environment"), name="connection_once"),)

    def __str__(self) -> str:
        return f"{self.adapter} {self.environment}"


class RebalanceRun(TenantModel):
    """The orders that one approval set off.

    `skipped` holds what was approved and not ordered, or not in full: {symbol, side, quantity, account_id, reason}, and
    order_id where an order for the shares stands that ended here before it was sent.
    """

    class Settlement(models.TextChoices):
        SAME_DAY = "SAME_DAY", "Buys from filled sales"
        NEXT_SESSION = "NEXT_SESSION", "Buys from settled cash"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    content_sha256 = models.CharField(max_length=64)
    approved_by = models.CharField(max_length=254)
    settlement = models.CharField(max_length=12, choices=Settlement.choices, default=Settlement.SAME_DAY)
    haircut = models.DecimalField(max_digits=7, decimal_places=6, default=0)
    skipped = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "proposal"), name="run_once_a_proposal"),)

    def __str__(self) -> str:
        return f"run of {self.proposal_id}"


class NoHolder(RuntimeError):
    """A block's order to the street was asked for its account."""


class NoBlock(RuntimeError):
    """An order that goes alone was asked for its block."""


class Order(TenantModel):
    """An order to a custodian. `cum_quantity` and `average_price` are sums over its live executions, never copied.

    A block's order to the street has no account: it stands for the orders of the accounts that share the block. An
    external order was placed by somebody else and is only watched. An order for `notional` dollars of a fund carries
    its expected shares as `quantity`. One trade may leave in several `parts`, a tier after a tier, none before
    `not_before`.
    """

    class Role(models.TextChoices):
        ACCOUNT = "ACCOUNT", "For an account"
        BLOCK = "BLOCK", "For a block"
        EXTERNAL = "EXTERNAL", "Placed elsewhere"

    class Side(models.TextChoices):
        BUY = "BUY", "Buy"
        SELL = "SELL", "Sell"

    class Kind(models.TextChoices):
        MARKET = "MARKET", "Market"
        LIMIT = "LIMIT", "Limit"

    class TimeInForce(models.TextChoices):
        DAY = "DAY", "Day"

    run = models.ForeignKey(
        RebalanceRun,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    connection = models.ForeignKey(
        BrokerConnection, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.ACCOUNT)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    block = models.ForeignKey(
        "trading.Block", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_constraint=False
    )
    client_order_id = models.CharField(max_length=32)
    broker_order_id = models.CharField(max_length=64, blank=True)
    custodian_order_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=Side.choices)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    time_in_force = models.CharField(max_length=3, choices=TimeInForce.choices, default=TimeInForce.DAY)
    limit_price = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    reference_price = models.DecimalField(max_digits=18, decimal_places=6)
    notional = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    wave = models.PositiveSmallIntegerField()
    tier = models.PositiveSmallIntegerField(default=1)
    part = models.PositiveSmallIntegerField(default=1)
    parts = models.PositiveSmallIntegerField(default=1)
    not_before = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=OrderStatus.choices, default=OrderStatus.STAGED)
    sub_status = models.CharField(max_length=40, blank=True)
    status_reason = models.CharField(max_length=300, blank=True)
    needs_review = models.BooleanField(default=False)
    cum_quantity = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    average_price = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "client_order_id"), name="order_client_id_once"),
            models.UniqueConstraint(
                fields=("firm", "connection", "broker_order_id"),
                condition=~models.Q(broker_order_id=""),
                name="order_broker_id_once",
            ),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(condition=models.Q(cum_quantity__gte=0), name="order_cum_not_negative"),
            models.CheckConstraint(
                condition=models.Q(kind="MARKET", limit_price=None) | models.Q(kind="LIMIT", limit_price__gt=0),
                name="order_limit_has_price",
            ),
            models.CheckConstraint(
                condition=models.Q(role="BLOCK", account=None) | (~models.Q(role="BLOCK") & ~models.Q(account=None)),
                name="order_block_has_no_account",
            ),
            models.CheckConstraint(
                condition=models.Q(notional=None) | models.Q(notional__gt=0), name="order_notional_positive"
            ),
        )
        indexes = (
            models.Index(fields=("firm", "-created_at", "-id"), name="order_blotter"),
            models.Index(fields=("firm", "status"), name="order_by_status"),
            models.Index(fields=("firm", "run", "wave"), name="order_by_wave"),
            models.Index(fields=("firm", "account"), name="order_by_account"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.client_order_id}"

    @property
    def holder(self) -> Account:
        """The account that the order is for.

        :raises NoHolder: if it is a block's order to the street
        """
        if self.account is None:
            raise NoHolder(f"{self} is for a block")
        return self.account

    @property
    def holder_id(self) -> int:
        """The id of the account that the order is for, without reading the account.

        :raises NoHolder: if it is a block's order to the street
        """
        if self.account_id is None:
            raise NoHolder(f"{self} is for a block")
        return self.account_id

    @property
    def block_key(self) -> int:
        """The id of the block that the order belongs to.

        :raises NoBlock: if it goes alone
        """
        if self.block_id is None:
            raise NoBlock(f"{self} is in no block")
        return self.block_id


class OrderLot(TenantModel):
    """A lot that a sell names: identification travels with the order (Reg. 1.1012-1(c))."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    position = models.PositiveSmallIntegerField()
    quantity = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "order", "lot"), name="order_lot_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="order_lot_quantity_positive"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of {self.lot_id}"


class OrderCommand(TenantModel):
    """The outbox: something to say to a custodian about an order. Workers carry out rows, not messages."""

    class Kind(models.TextChoices):
        SUBMIT = "SUBMIT", "Submit"
        CANCEL = "CANCEL", "Cancel"
        QUERY = "QUERY", "Query"
        ALLOCATE = "ALLOCATE", "Allocate"

    class Status(models.TextChoices):
        READY = "READY", "Ready"
        LEASED = "LEASED", "Being carried out"
        DONE = "DONE", "Done"
        REFUSED = "REFUSED", "Refused"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.READY)
    priority = models.PositiveSmallIntegerField(default=5)
    not_before = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=64)
    request_sha256 = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "idempotency_key", "kind"), name="order_command_once"),)
        indexes = (
            models.Index(
                fields=("firm", "priority", "not_before", "id"),
                condition=models.Q(status__in=("READY", "LEASED")),
                name="order_command_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class OrderTransition(TenantModel):
    """That an order moved, when, and what moved it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    from_status = models.CharField(max_length=16)
    to_status = models.CharField(max_length=16)
    at = models.DateTimeField()
    cause = models.CharField(max_length=300)
    event = models.ForeignKey(
        "trading.InboundEvent",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        indexes = (models.Index(fields=("firm", "order", "id"), name="order_transition_story"),)

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"
