from __future__ import annotations

from django.db import models

from accounts.models import Account
from accounts.models.base import TenantModel
from portfolios.models.securities import Security


class Position(TenantModel):
    """Shares of a security in an account: the custodian's figure moved on by our executions."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    reported_on = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "account", "security"), name="position_once"),)

    def __str__(self) -> str:
        return f"{self.quantity}"


class Lot(TenantModel):
    """A tax lot. `cost_basis` is the total basis of what remains, dollars; absent where the custodian gave none."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    lot_key = models.CharField(max_length=64)
    acquired_on = models.DateField()
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    cost_basis = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    is_covered = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "account", "security", "lot_key"), name="lot_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="lot_quantity_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.lot_key} {self.quantity}"


class CashBalance(TenantModel):
    """An account's cash in dollars: what is settled, and what trades will bring (positive) or take (negative)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    settled = models.DecimalField(max_digits=20, decimal_places=2)
    unsettled = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    reported_on = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "account"), name="cash_balance_once"),)

    def __str__(self) -> str:
        return f"{self.settled} + {self.unsettled}"


class Transaction(TenantModel):
    """Something that moved shares or cash. `key` makes each movement post once: a custodian's id, or an execution's."""

    class Kind(models.TextChoices):
        BUY = "BUY", "Buy"
        SELL = "SELL", "Sell"
        DIVIDEND = "DIVIDEND", "Dividend"
        REINVESTMENT = "REINVESTMENT", "Dividend reinvested"
        INTEREST = "INTEREST", "Interest"
        FEE = "FEE", "Fee"
        CONTRIBUTION = "CONTRIBUTION", "Contribution"
        WITHDRAWAL = "WITHDRAWAL", "Withdrawal"
        TRANSFER = "TRANSFER", "Transfer"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    key = models.CharField(max_length=96)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    trade_on = models.DateField()
    settle_on = models.DateField()
    quantity = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    price = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    fees = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    realised_short = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    realised_long = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "account", "key"), name="transaction_once"),)
        indexes = (
            models.Index(fields=("firm", "account", "trade_on"), name="transaction_by_day"),
            models.Index(
                fields=("firm", "settle_on"), condition=models.Q(settled_at=None), name="transaction_unsettled"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Disposal(TenantModel):
    """The part of a lot that a sale used, with its gain: what a tax return is made from.

    Basis and gain are absent where the lot's basis is. A bust appends the same with the opposite sign.
    """

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    proceeds = models.DecimalField(max_digits=20, decimal_places=6)
    cost_basis = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    gain = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    term = models.CharField(max_length=5)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("firm", "transaction", "lot"), name="disposal_once"),
            models.CheckConstraint(condition=~models.Q(quantity=0), name="disposal_quantity_not_zero"),
            models.CheckConstraint(
                condition=models.Q(gain=models.F("proceeds") - models.F("cost_basis")), name="disposal_gain_foots"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} {self.term}"


class ReportedDay(TenantModel):
    """The newest day of which a custodian's snapshot of an account was applied; an older one is refused."""

    class Subject(models.TextChoices):
        POSITIONS = "POSITIONS", "Positions"
        LOTS = "LOTS", "Lots"
        CASH = "CASH", "Cash"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    subject = models.CharField(max_length=9, choices=Subject.choices)
    reported_on = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("firm", "account", "subject"), name="reported_day_once"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.reported_on}"
