"""Topics with two assets: one period solved by hand, and a published table replicated over monthly returns."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from rebalancer.engine.backtests import Floats, History, run_history
from rebalancer.engine.cases.comparing import Answer, Near, Table
from rebalancer.engine.cases.policies import figure, real
from rebalancer.engine.cases.reading import DATA, DATA_TEXT, BadCase, Inputs, NotCovered
from rebalancer.engine.closed_forms import relative_variance
from rebalancer.engine.money import cents
from rebalancer.engine.two_assets import (
    Pair,
    Plan,
    TaxedLot,
    by_lot,
    no_trade,
    to_edge,
    trigger_with_fixed_cost,
    with_fixed_cost,
)

PERIOD = re.compile(r"(\d{4})-(\d{2})\.\.(\d{4})-(\d{2})")
FREQUENCIES = {"M": 1, "Q": 3, "S": 6, "A": 12, "N": None}
"""Months between two looks, by the letter that a table of policies uses; N never looks."""
THRESHOLDS = tuple(Decimal(points).scaleb(-3) for points in range(0, 255, 5))
EVENTS_WITHIN, EVENTS_FRACTION = Decimal(6), Decimal("0.22")
WEIGHT_WITHIN, VOLATILITY_WITHIN = Decimal("1.0"), Decimal("0.4")


def _pair(inputs: Inputs) -> Pair:
    variance = _variance(inputs)
    urgency = real(inputs, "lambda", "gamma") * real(inputs, "H") * variance
    return Pair(real(inputs, "value"), real(inputs, "w", "weight"), real(inputs, "target"), urgency)


def _variance(inputs: Inputs) -> float:
    return relative_variance(real(inputs, "sigma_e"), real(inputs, "sigma_b"), real(inputs, "rho"))


def _cost(inputs: Inputs) -> float:
    return real(inputs, "one_way_cost_both_legs", "one_way_cost", "cost")


def _dollars(value: float) -> Decimal:
    return cents(Decimal(repr(value)))


def _told(plan: Plan) -> dict[str, object]:
    return {
        "trade": plan.trades,
        "trade_usd": _dollars(abs(plan.sold)),
        "weight_after": figure(plan.weight_after),
        "drift_cost": figure(plan.drift_cost),
        "trading_cost": figure(plan.trading_cost),
        "objective": figure(plan.objective),
    }


def two_asset_analytic(inputs: Inputs) -> Answer:
    pair = _pair(inputs)
    told = _told(to_edge(pair, cost=_cost(inputs)))
    return told | {
        "sigma_rel2": figure(_variance(inputs)),
        "no_trade_objective": figure(no_trade(pair).objective),
    }


def two_asset_fixed_cost(inputs: Inputs) -> Answer:
    pair, cost, fixed = _pair(inputs), _cost(inputs), real(inputs, "fixed")
    return _told(with_fixed_cost(pair, cost=cost, fixed=fixed)) | {
        "trigger_drift": figure(trigger_with_fixed_cost(pair, cost=cost, fixed=fixed)),
        "no_trade_objective": figure(no_trade(pair).objective),
    }


def two_asset_lots(inputs: Inputs) -> Answer:
    rates = {name: float(rate) for name, rate in inputs.amounts("rates").items()}
    found = by_lot(_pair(inputs), [_lot(row, rates) for row in inputs.rows("lots")], cost=_cost(inputs))
    return _told(found.plan) | {"sold_usd": {name: _dollars(amount) for name, amount in found.sold.items()}}


def _lot(row: Inputs, rates: Mapping[str, float]) -> TaxedLot:
    term = row.text("term")
    if term not in rates:
        raise BadCase(f"There is no rate for the term {term}.")
    return TaxedLot(row.text("id"), real(row, "value"), real(row, "gain_pct") * rates[term])


def published_table(inputs: Inputs) -> Answer:
    """The same rules over the same returns; other published figures rest on data that nobody can be given."""
    if DATA not in inputs:
        raise NotCovered("These are a study's findings over data of its own: from the inputs alone nothing follows.")
    if DATA_TEXT not in inputs:
        raise NotCovered(f"The returns {inputs.text(DATA)} are not beside the file of cases; name them with --returns.")
    text = inputs.text(DATA_TEXT)
    if "sha256" in inputs and hashlib.sha256(text.encode()).hexdigest() != inputs.text("sha256"):
        raise NotCovered("The returns are not those the case is about: their SHA-256 differs.")
    returns = _returns(text, inputs.text("period"))
    rows: dict[tuple[object, ...], Mapping[str, Near]] = {}
    for name, every in FREQUENCIES.items():
        history = run_history(
            returns, target=real(inputs, "target"), thresholds=np.array(THRESHOLDS, dtype=np.float64), every=every
        )
        rows |= {(name, threshold): _row(history, at) for at, threshold in enumerate(THRESHOLDS)}
    return {"rows": Table(("freq", "threshold"), rows)}


def _row(history: History, at: int) -> Mapping[str, Near]:
    """Published figures within what another bond index may change; figures of a replication to their decimals."""
    weight, volatility = _percent(history.average_weights[at]), _percent(history.volatilities[at])
    events = Decimal(int(history.events[at]))
    return {
        "pub_avg_equity_pct": Near(weight, WEIGHT_WITHIN),
        "pub_events": Near(events, EVENTS_WITHIN, EVENTS_FRACTION),
        "pub_vol_pct": Near(volatility, VOLATILITY_WITHIN),
        "repl_avg_equity_pct": Near(weight),
        "repl_events": Near(events),
        "repl_geo_return_pct": Near(_percent(history.yearly_returns[at])),
        "repl_vol_pct": Near(volatility),
    }


def _percent(fraction: float) -> Decimal:
    return Decimal(repr(float(fraction))) * 100


def _returns(text: str, period: str) -> Floats:
    """The second and third column of the months in a period, which the first column names as yyyymm."""
    named = PERIOD.fullmatch(period)
    if named is None:
        raise BadCase(f"A period is two months such as 1926-01..2009-12, not {period}.")
    first, last = named[1] + named[2], named[3] + named[4]
    rows = [row for row in csv.reader(text.splitlines()) if row and first <= row[0] <= last]
    return np.array([_two(row) for row in rows], dtype=np.float64)


def _two(row: Sequence[str]) -> tuple[float, float]:
    if len(row) < 3:
        raise BadCase(f"The returns of {row[0]} are not two.")
    return float(row[1]), float(row[2])


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    "two_asset_analytic": two_asset_analytic,
    "two_asset_fixed_cost": two_asset_fixed_cost,
    "two_asset_lots": two_asset_lots,
    "published_table": published_table,
}
