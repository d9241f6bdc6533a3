"""What the demonstration consists of, as values: securities, quotes, two firms with their accounts, and the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

ZERO = Decimal(0)

MARKET_NOTE = (
    "Prices come from a seeded market simulator calibrated to the volatilities and correlations of real funds. "
    "They are not market data."
)


@dataclass(frozen=True, slots=True)
class DemoAssetClass:
    code: str
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class DemoWashGroup:
    code: str
    name: str
    rationale: str


@dataclass(frozen=True, slots=True)
class DemoSecurity:
    """A real security. `cusip` is blank unless sure; `anchor` is about what a share cost in early 2026, dollars.

    `tracking_vol` is the yearly volatility against its asset class; `spread_bps` and `adv_shares` are typical.
    """

    symbol: str
    cusip: str
    name: str
    kind: str
    asset_class: str
    wash_group: str
    anchor: float
    tracking_vol: float
    spread_bps: float
    adv_shares: int

    @property
    def half_spread_bps(self) -> float:
        return self.spread_bps / 2


@dataclass(frozen=True, slots=True)
class DemoQuote:
    symbol: str
    priced_on: date
    close: Decimal
    bid: Decimal
    ask: Decimal
    adv_shares: int


@dataclass(frozen=True, slots=True)
class DemoNode:
    """One of symbol, child (a model's code) or cash; the weight is a fraction."""

    weight: Decimal
    symbol: str = ""
    child: str = ""
    is_cash: bool = False


@dataclass(frozen=True, slots=True)
class DemoModel:
    """`alternates` are symbols by rank that may be bought in place of one of the model's."""

    code: str
    name: str
    nodes: tuple[DemoNode, ...]
    alternates: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DemoAdviser:
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class DemoClient:
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class DemoLot:
    """`cost_basis` is the lot's total, dollars, or None where the custodian does not know it."""

    symbol: str
    lot_id: str
    acquired_on: date
    quantity: Decimal
    cost_basis: Decimal | None


@dataclass(frozen=True, slots=True)
class DemoTransaction:
    """`quantity` and `amount` are signed: a sale takes shares away and brings cash."""

    transaction_id: str
    kind: str
    trade_on: date
    settle_on: date
    amount: Decimal
    symbol: str = ""
    quantity: Decimal = ZERO
    price: Decimal | None = None
    fees: Decimal = ZERO
    realised_short: Decimal | None = None
    realised_long: Decimal | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class DemoRestriction:
    kind: str
    symbol: str
    reason: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class DemoRange:
    """Shares that are kept at least."""

    symbol: str
    lowest: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class DemoReserve:
    name: str
    amount: Decimal
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class DemoFlow:
    """Money that will leave (negative) or enter an account."""

    name: str
    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    number: str
    custodian: str
    name: str
    registration: str
    client_id: str
    cash_settled: Decimal
    cash_unsettled: Decimal = ZERO
    lots: tuple[DemoLot, ...] = ()
    transactions: tuple[DemoTransaction, ...] = ()
    restrictions: tuple[DemoRestriction, ...] = ()
    ranges: tuple[DemoRange, ...] = ()
    reserves: tuple[DemoReserve, ...] = ()
    flows: tuple[DemoFlow, ...] = ()
    situations: tuple[str, ...] = ()

    @property
    def is_taxable(self) -> bool:
        return self.registration in ("INDIVIDUAL", "JOINT", "TRUST")

    @property
    def cash(self) -> Decimal:
        return self.cash_settled + self.cash_unsettled

    def quantities(self) -> dict[str, Decimal]:
        """Shares by symbol, in the order of the lots."""
        held: dict[str, Decimal] = {}
        for lot in self.lots:
            held[lot.symbol] = held.get(lot.symbol, ZERO) + lot.quantity
        return held

    def basis(self, symbol: str) -> Decimal | None:
        """The total basis of a position, None when that of any of its lots is unknown."""
        bases = [lot.cost_basis for lot in self.lots if lot.symbol == symbol]
        known = [basis for basis in bases if basis is not None]
        return sum(known, ZERO) if len(known) == len(bases) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoHousehold:
    """Rates are fractions, federal and state together; gains are those realised this year, dollars.

    The budgets say how much of net gain, or of tax on gains, may be realised this year; None: no limit.
    """

    external_id: str
    name: str
    adviser_email: str
    model_code: str
    filing_status: str
    short_rate: Decimal
    long_rate: Decimal
    realised_short: Decimal
    realised_long: Decimal
    clients: tuple[DemoClient, ...]
    accounts: tuple[DemoAccount, ...]
    gain_budget: Decimal | None = None
    tax_budget: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFirm:
    slug: str
    name: str
    advisers: tuple[DemoAdviser, ...]
    models: tuple[DemoModel, ...]
    households: tuple[DemoHousehold, ...]

    @property
    def accounts(self) -> tuple[DemoAccount, ...]:
        return tuple(account for household in self.households for account in household.accounts)


@dataclass(frozen=True, slots=True)
class DemoFile:
    firm_slug: str
    layout: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBook:
    """`files` stand in the order in which they are to be read."""

    seed: int
    as_of: date
    asset_classes: tuple[DemoAssetClass, ...]
    wash_groups: tuple[DemoWashGroup, ...]
    securities: tuple[DemoSecurity, ...]
    quotes: tuple[DemoQuote, ...]
    firms: tuple[DemoFirm, ...]
    files: tuple[DemoFile, ...] = field(default=())
    market_note: str = MARKET_NOTE
