"""What a taxpayer's family bought and sold, and what the wash sale rule makes of it (IRC 1091)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.lots import Term
from rebalancer.engine.money import minus, to_micros, total


class AccountKind(StrEnum):
    """Whose account it is, as the rule sees it.

    A spouse and a controlled corporation count as the taxpayer (Publication 550), also when filing separately. SPOUSE
    is a spouse's taxable account; a spouse's plan is a plan.
    """

    TAXABLE = "TAXABLE"
    SPOUSE = "SPOUSE"
    CORPORATION = "CORPORATION"
    IRA = "IRA"
    ROTH_IRA = "ROTH_IRA"
    HSA = "HSA"
    WORKPLACE_PLAN = "WORKPLACE_PLAN"


RULED_PLANS = frozenset({AccountKind.IRA, AccountKind.ROTH_IRA})
"""Rev. Rul. 2008-5 names these: the loss is gone for good."""
UNRULED_PLANS = frozenset({AccountKind.HSA, AccountKind.WORKPLACE_PLAN})
"""No ruling names these."""
PLANS = RULED_PLANS | UNRULED_PLANS
RELATED = frozenset({AccountKind.SPOUSE, AccountKind.CORPORATION})


class Origin(StrEnum):
    """How shares came in. Gifts, inheritances and transfers are no acquisitions by purchase or taxable exchange."""

    PURCHASE = "PURCHASE"
    REINVESTMENT = "REINVESTMENT"
    AUTOMATIC_PLAN = "AUTOMATIC_PLAN"
    VESTING = "VESTING"
    CONTRACT = "CONTRACT"
    GIFT = "GIFT"
    INHERITANCE = "INHERITANCE"
    TRANSFER = "TRANSFER"


NOT_ACQUIRED = frozenset({Origin.GIFT, Origin.INHERITANCE, Origin.TRANSFER})


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the family; `linked` when its purchases and sales are known here."""

    account_id: str
    kind: AccountKind
    linked: bool = True


@dataclass(frozen=True, slots=True)
class Purchase:
    """A lot that came in: `cost` is of the whole lot, in dollars; both amounts with at most six decimals.

    `order_id` joins lots bought by one order: they never wash each other (Rev. Rul. 56-602). `sequence` orders a day
    where its order is known. `covered` lots are those whose basis the broker reports. `held_since` is the day the
    holding period begins to count from, where that is not the day of purchase.

    :raises ValueError: unless quantity > 0 and cost >= 0
    """

    lot_id: str
    account_id: str
    security: str
    bought_on: date
    quantity: Decimal
    cost: Decimal
    origin: Origin = Origin.PURCHASE
    order_id: str = ""
    sequence: int = 0
    covered: bool = True
    held_since: date | None = None

    def __post_init__(self) -> None:
        if to_micros(self.quantity) <= 0 or to_micros(self.cost) < 0:
            raise ValueError(f"Lot {self.lot_id} needs a positive quantity and no negative cost.")

    @property
    def block(self) -> str:
        """What was bought together."""
        return self.order_id or self.lot_id


@dataclass(frozen=True, slots=True)
class Sale:
    """Shares sold, lot by lot; `proceeds` is of the whole sale, net of fees, and shared by quantity.

    :raises ValueError: unless every lot gives a positive quantity and proceeds >= 0
    """

    sale_id: str
    sold_on: date
    lots: tuple[tuple[str, Decimal], ...]
    proceeds: Decimal
    sequence: int = 0

    def __post_init__(self) -> None:
        if not self.lots or any(to_micros(quantity) <= 0 for _, quantity in self.lots):
            raise ValueError(f"Sale {self.sale_id} needs lots, each with a positive quantity.")
        if to_micros(self.proceeds) < 0:
            raise ValueError(f"Sale {self.sale_id} cannot have negative proceeds.")


@dataclass(frozen=True, slots=True)
class WashPolicy:
    """What a firm decides where the law is open; the defaults disallow more rather than less.

    :param earlier_shares_wash: retained shares that were bought before the shares sold, but within 30 days of the
        sale, replace them (the letter of the regulation); False is the view that they cannot
    :param same_day_sales_wash: shares sold on the day of the loss may replace those sold before them that day
    :param related_basis_moves: a spouse's or corporation's replacement takes the loss into its basis; otherwise the
        loss is gone
    :param unruled_plans_wash: health savings accounts and workplace plans are treated as IRAs are
    """

    earlier_shares_wash: bool = True
    same_day_sales_wash: bool = False
    related_basis_moves: bool = True
    unruled_plans_wash: bool = True


@dataclass(frozen=True, slots=True)
class Replacement:
    """Shares of a lot that replace shares sold at a loss, and the loss they take; `lost` when no basis takes it."""

    lot_id: str
    quantity: Decimal
    disallowed: Decimal
    lost: bool


@dataclass(frozen=True, slots=True)
class Disposal:
    """Shares of one lot, with one basis and one date, that were sold; amounts in dollars.

    gain = proceeds - cost_basis before the rule; `acquired_on` is the day the holding period counts from; `replaces`
    names the lot whose loss is in the basis already, or is empty.
    """

    sale_id: str
    lot_id: str
    sold_on: date
    acquired_on: date
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    term: Term
    replacements: tuple[Replacement, ...]
    replaces: str

    @property
    def gain(self) -> Decimal:
        return minus(self.proceeds, self.cost_basis)

    @property
    def disallowed(self) -> Decimal:
        """Not negative, and never more than the loss."""
        return total([replacement.disallowed for replacement in self.replacements])

    @property
    def permanently_lost(self) -> Decimal:
        return total([replacement.disallowed for replacement in self.replacements if replacement.lost])

    @property
    def recognised(self) -> Decimal:
        return total([self.gain, self.disallowed])


@dataclass(frozen=True, slots=True)
class OpenLot:
    """Shares of one lot, with one basis and one date, that are still held; a lot is split where it was matched."""

    lot_id: str
    quantity: Decimal
    cost_basis: Decimal
    acquired_on: date
    replaces: str


@dataclass(frozen=True, slots=True)
class Washed:
    """All sales in order of disposition, and all lots still held in order of acquisition."""

    disposals: tuple[Disposal, ...]
    open_lots: tuple[OpenLot, ...]

    def disallowed(self, sale_id: str | None = None) -> Decimal:
        """Of one sale, or of all."""
        return total([d.disallowed for d in self._of(sale_id)])

    def permanently_lost(self, sale_id: str | None = None) -> Decimal:
        return total([d.permanently_lost for d in self._of(sale_id)])

    def recognised(self, sale_id: str | None = None) -> Decimal:
        return total([d.recognised for d in self._of(sale_id)])

    def _of(self, sale_id: str | None) -> Sequence[Disposal]:
        return [d for d in self.disposals if sale_id in (None, d.sale_id)]
