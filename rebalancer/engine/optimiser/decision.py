"""What the optimiser gives back: trades with their lots, non-trades with their reasons, and the figures around them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.fees import Side
from rebalancer.engine.lots import Pick


class TradeReason(StrEnum):
    """Why something is traded."""

    RAISE_CASH = "RAISE_CASH"
    OFF_MODEL = "OFF_MODEL"
    OVERWEIGHT = "OVERWEIGHT"
    UNDERWEIGHT = "UNDERWEIGHT"
    INVEST_CASH = "INVEST_CASH"
    HARVEST = "HARVEST"
    LIQUIDATION = "LIQUIDATION"


class SkipReason(StrEnum):
    """Why something is not traded, or not as far as its target."""

    NO_MODEL = "NO_MODEL"
    BLOCKED = "BLOCKED"
    DATA_PROBLEM = "DATA_PROBLEM"
    VALUE_INCOMPLETE = "VALUE_INCOMPLETE"
    NO_VALUE = "NO_VALUE"
    TRADES_TOO_SMALL = "TRADES_TOO_SMALL"
    CASH_NOT_RAISED = "CASH_NOT_RAISED"
    ON_TARGET = "ON_TARGET"
    WITHIN_BAND = "WITHIN_BAND"
    LESS_THAN_A_SHARE = "LESS_THAN_A_SHARE"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    UNPRICED = "UNPRICED"
    STALE_PRICE = "STALE_PRICE"
    NOT_TRADABLE = "NOT_TRADABLE"
    HELD = "HELD"
    NO_BUY = "NO_BUY"
    NO_SELL = "NO_SELL"
    BASIS_PENDING = "BASIS_PENDING"
    WASH_SALE_BUY = "WASH_SALE_BUY"
    WASH_SALE_LOSS = "WASH_SALE_LOSS"
    VOLUME_CAP = "VOLUME_CAP"
    NOTHING_TO_BUY = "NOTHING_TO_BUY"
    NOT_ENOUGH_CASH = "NOT_ENOUGH_CASH"
    CASH_ONLY = "CASH_ONLY"
    NOT_WORTH_TAX = "NOT_WORTH_TAX"
    WAITS_FOR_LONG_TERM = "WAITS_FOR_LONG_TERM"
    GAIN_BUDGET = "GAIN_BUDGET"
    EQUIVALENT = "EQUIVALENT"
    TAX_BUDGET = "TAX_BUDGET"
    HELD_RANGE = "HELD_RANGE"
    ALTERNATE = "ALTERNATE"


@dataclass(frozen=True, slots=True)
class Trade:
    """An order to be. Dollars; `price` is what it was decided at, `amount` is quantity times price to the cent.

    `cost` is half the spread, commission and fees, up to the next cent. `lots` of a sale sum to its quantity.
    """

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    amount: Decimal
    cost: Decimal
    lots: tuple[Pick, ...]
    reason: TradeReason
    sentence: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not traded, and why; `symbol` is None where it is about the whole account."""

    symbol: str | None
    reason: SkipReason
    sentence: str


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One asset class, or cash: weights before, after and wanted, the band (None: not looked at), and dollars."""

    name: str
    before_weight: float
    target_weight: float
    after_weight: float
    low_weight: float | None
    high_weight: float | None
    before_amount: Decimal
    after_amount: Decimal


@dataclass(frozen=True, slots=True)
class SecurityLine:
    """One security: quantities, and weights before, after and wanted."""

    symbol: str
    quantity_before: Decimal
    quantity_after: Decimal
    before_weight: float
    target_weight: float
    after_weight: float
    change_amount: Decimal


@dataclass(frozen=True, slots=True)
class Certificate:
    """How good a decision is. Dollars: `objective` is the price of the drift left, tax and costs together; no other
    decision under the same rules has less than `bound`. `gap_bps` is their difference in basis points of the value.
    """

    objective: float
    bound: float
    gap_bps: float
    proven: bool
    """The search ended: nothing is cheaper by more than its tolerance, 0.005 basis points at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdYear:
    """What the decisions on a household together leave of its year. Dollars; None where there is no limit."""

    gain_budget: Decimal | None
    """Net gain that it may realise over the whole year."""
    gain_left: Decimal | None
    """What it may still realise of that after these trades; below zero where cash had to be raised."""
    gain_price: float
    """Dollars that one more dollar of that budget would save."""
    tax_budget: Decimal | None
    tax_left: Decimal | None
    tax_price: float
    year_tax: Decimal | None
    """What these trades add to the tax of the year as Schedule D nets its gains; None where tax is that of each lot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All that is decided for one account. Dollars; weights are of the value before trades.

    `cash_before` and `cash_after` hold settled and unsettled cash and sweep funds, with withdrawals still in them;
    `cash_after` is `cash_before` plus sales less buys less costs, exactly. Gains and tax are of the sales in `trades`,
    and zero in accounts that are not taxed.
    """

    account_id: str
    mode: str
    trades: tuple[Trade, ...]
    skipped: tuple[Skipped, ...]
    value: Decimal
    cash_before: Decimal
    cash_after: Decimal
    drift_before: float
    drift_after: float
    gain_short: Decimal
    gain_long: Decimal
    tax: Decimal
    cost: Decimal
    classes: tuple[ClassLine, ...]
    securities: tuple[SecurityLine, ...]
    certificate: Certificate
    slider: float
    """0 least tax, 1 closest to the model."""
    distance: str
    """WEIGHTS or RISK."""
    year: HouseholdYear | None = None
    """None where the household has no budget and its tax is that of each lot."""
    leftover: tuple[tuple[str, float], ...] = ()
    """Drift that is left, by the code of what stands in its way, the largest first."""
    joint: bool = False
    """Drift, weights, classes and leftover are those of the household, which follows one target together."""

    @property
    def budget_left(self) -> Decimal | None:
        """Net gain that the household may still realise this year after these trades; None where there is no limit."""
        return self.year.gain_left if self.year else None

    @property
    def budget_price(self) -> float:
        """Dollars that one more dollar of that budget would save."""
        return self.year.gain_price if self.year else 0.0

    @property
    def turnover(self) -> Decimal:
        """Dollars bought and sold together."""
        return sum((trade.amount for trade in self.trades), Decimal(0))
