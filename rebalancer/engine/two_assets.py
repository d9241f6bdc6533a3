"""Two assets over one period, solved by hand: what a solver for many must agree with.

The account minimises ½λHσ²x²V + cost, where x is the first asset's weight above target, σ² the variance per year of
the first asset against the second, and H the years the drift would otherwise last. A dollar moved at drift x gains
λHσ²x, so trading stops where that falls to what the dollar costs. Floats: V and trades in dollars, costs per dollar.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """An account of two assets; `urgency` is λHσ².

    :raises ValueError: unless value and urgency are above zero and both weights between 0 and 1
    """

    value: float
    weight: float
    target: float
    urgency: float

    def __post_init__(self) -> None:
        if not (self.value > 0 and self.urgency > 0):
            raise ValueError("Two assets need a value, a variance, an aversion and a horizon above zero.")
        if not (0 <= self.weight <= 1 and 0 <= self.target <= 1):
            raise ValueError("Weights lie between 0 and 1.")

    @property
    def drift(self) -> float:
        return self.weight - self.target

    def drift_cost(self, drift: float) -> float:
        """Dollars over the horizon of staying at a drift."""
        return self.urgency / 2 * drift**2 * self.value


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sold of the first asset, in dollars (negative: bought), and what that costs over the horizon."""

    sold: float
    weight_after: float
    drift_cost: float
    trading_cost: float

    @property
    def trades(self) -> bool:
        return self.sold != 0

    @property
    def objective(self) -> float:
        return self.drift_cost + self.trading_cost


def no_trade(pair: Pair) -> Plan:
    return Plan(0.0, pair.weight, pair.drift_cost(pair.drift), 0.0)


def to_edge(pair: Pair, *, cost: float) -> Plan:
    """Trade to x* = c/(λHσ²), or not at all within it."""
    edge = _edge(pair, cost)
    if abs(pair.drift) <= edge:
        return no_trade(pair)
    after = math.copysign(edge, pair.drift)
    sold = (pair.drift - after) * pair.value
    return Plan(sold, pair.target + after, pair.drift_cost(after), cost * abs(sold))


def trigger_with_fixed_cost(pair: Pair, *, cost: float, fixed: float) -> float:
    """The drift x* + √(2F/(λHσ²V)) beyond which trading is worth `fixed` dollars more."""
    if not fixed >= 0:
        raise ValueError("Costs are zero or more.")
    return _edge(pair, cost) + math.sqrt(2 * fixed / (pair.urgency * pair.value))


def with_fixed_cost(pair: Pair, *, cost: float, fixed: float) -> Plan:
    """Trade to the same edge, but only from beyond the trigger; `trading_cost` includes `fixed`."""
    if abs(pair.drift) <= trigger_with_fixed_cost(pair, cost=cost, fixed=fixed):
        return no_trade(pair)
    plan = to_edge(pair, cost=cost)
    return Plan(plan.sold, plan.weight_after, plan.drift_cost, plan.trading_cost + fixed)


@dataclass(frozen=True, slots=True)
class TaxedLot:
    """A lot of the first asset: its value in dollars and the tax per dollar sold (negative for a loss)."""

    lot_id: str
    value: float
    tax: float


@dataclass(frozen=True, slots=True)
class LotPlan:
    """Dollars sold of every lot, in the order given; bought dollars stand in `plan.sold` below zero."""

    plan: Plan
    sold: Mapping[str, float]


def by_lot(pair: Pair, lots: Sequence[TaxedLot], *, cost: float) -> LotPlan:
    """Sell lots from the cheapest dollar on, each until the drift is no longer worth its cost and tax.

    A lot whose loss saves more tax than selling costs is sold even below target, to where the drift outweighs it. Where
    no lot is sold the account may still buy, to the edge.
    """
    sold = dict.fromkeys((lot.lot_id for lot in lots), 0.0)
    drift, paid = pair.drift, 0.0
    for lot in sorted(lots, key=lambda lot: (lot.tax, lot.lot_id)):
        dollar = cost + lot.tax
        amount = min(lot.value, max(0.0, (drift - dollar / pair.urgency) * pair.value))
        sold[lot.lot_id] = amount
        drift -= amount / pair.value
        paid += dollar * amount
    everything = sum(sold.values())
    if not everything:
        return LotPlan(to_edge(pair, cost=cost) if drift < 0 else no_trade(pair), sold)
    return LotPlan(Plan(everything, pair.target + drift, pair.drift_cost(drift), paid), sold)


def _edge(pair: Pair, cost: float) -> float:
    if not cost >= 0:
        raise ValueError("Costs are zero or more.")
    return cost / pair.urgency
