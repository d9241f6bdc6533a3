"""Topics about what rebalancing rules cost and when they trade: bands, calendars, triggers, reviews and impact."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from rebalancer.engine import bands, closed_forms
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.prose import Clause, stated
from rebalancer.engine.cases.reading import BadCase, Inputs, NotCovered
from rebalancer.engine.closed_forms import Edges, Running, Sleeve
from rebalancer.engine.market_impact import market_impact
from rebalancer.engine.money import minus, times
from rebalancer.engine.review_bands import REVIEWS_PER_YEAR, Review, best_reviewed_band

IN_BASIS_POINTS = 10_000
ANY_SIGMA = Decimal("0.15")
OTHER_SIGMA = 2.0
REVIEWS = {"WEEK": Review.WEEKLY, "MONTH": Review.MONTHLY, "QUARTER": Review.QUARTERLY, "YEAR": Review.ANNUAL}
COST_NAMES = ("one_way_cost", "c", "cost")
EMBEDDED_GAIN = "embedded_gain_fraction"


def figure(value: float) -> Decimal | None:
    """A float as the decimal it prints as; None where it is infinite."""
    return Decimal(repr(float(value))) if math.isfinite(value) else None


def real(inputs: Inputs, *names: str, default: Decimal | None = None) -> float:
    return float(inputs.decimal(*names, default=default))


def _sleeve(inputs: Inputs) -> Sleeve:
    return Sleeve(
        real(inputs, "target", "weight", "w"),
        real(inputs, "sigma_rel", "sigma", default=ANY_SIGMA),
        real(inputs, "gamma", "lambda"),
    )


def policy_cost(inputs: Inputs) -> Answer:
    sleeve, cost = _sleeve(inputs), real(inputs, *COST_NAMES)
    fixed = real(inputs, "fixed", default=Decimal(0))
    if "calendar_years" in inputs:
        years = real(inputs, "calendar_years")
        return _running(closed_forms.at_calendar(sleeve, years, cost=cost, fixed=fixed))
    threshold = real(inputs, "threshold")
    edges = Edges(threshold, real(inputs, "destination", default=inputs.decimal("threshold")))
    return _running(closed_forms.at_threshold(sleeve, edges, cost=cost, fixed=fixed))


def _running(running: Running) -> Answer:
    return {
        "total_cost_bp_per_year": figure(running.cost * IN_BASIS_POINTS),
        "turnover_per_year": figure(running.turnover),
        "events_per_year": figure(running.events),
    }


def optimal_no_trade_band(inputs: Inputs) -> Answer:
    sleeve = _sleeve(inputs)
    effective = _effective_cost(inputs) if EMBEDDED_GAIN in inputs else 0.0
    cost = effective + (real(inputs, *COST_NAMES) if EMBEDDED_GAIN not in inputs or _has_cost(inputs) else 0.0)
    fixed = real(inputs, "fixed", default=Decimal(0))
    width = closed_forms.no_trade_band(sleeve, cost=cost)
    louder = Sleeve(sleeve.weight, sleeve.sigma * OTHER_SIGMA, sleeve.gamma)
    best = closed_forms.best_edges(sleeve, cost=cost, fixed=fixed)
    return {
        "effective_cost": figure(cost),
        "half_width": figure(width),
        "to_target_half_width": figure(closed_forms.to_target_band(sleeve, cost=cost)),
        "independent_of_sigma": math.isclose(width, closed_forms.no_trade_band(louder, cost=cost)),
        "threshold": figure(best.trigger),
        "destination": figure(best.destination),
    }


def _has_cost(inputs: Inputs) -> bool:
    return any(name in inputs for name in COST_NAMES)


def _effective_cost(inputs: Inputs) -> float:
    return closed_forms.effective_cost(
        real(inputs, EMBEDDED_GAIN),
        real(inputs, "lt_rate", "tax_rate", "rate"),
        years=real(inputs, "deferral_years", "years"),
        discount=real(inputs, "discount", "growth"),
        forgiven=real(inputs, "p_stepup", default=Decimal(0)),
    )


def horizon_calibration(inputs: Inputs) -> Answer:
    sleeve, cost = _sleeve(inputs), real(inputs, *COST_NAMES)
    return {"H_eff_years": figure(closed_forms.horizon(sleeve, cost=cost))}


def masters_trigger(inputs: Inputs) -> Answer:
    found = closed_forms.masters_trigger(
        real(inputs, "sigma_i", "sigma"),
        real(inputs, "sigma_rest", "sigma_b"),
        real(inputs, "rho"),
        risk_tolerance=real(inputs, "K_risk_tolerance", "risk_tolerance"),
        cost=real(inputs, *COST_NAMES),
    )
    return {
        "V": figure(found.variance),
        "trigger": figure(found.trigger),
        "destination": figure(found.destination),
    }


def dynamic_programming(inputs: Inputs) -> Answer:
    name = inputs.text("review").upper()
    review = next((review for start, review in REVIEWS.items() if name.startswith(start)), None)
    if review is None and name not in Review.__members__:
        raise NotCovered(f"There is no review called {name.lower()}.")
    per_year = REVIEWS_PER_YEAR[review or Review[name]]
    found = best_reviewed_band(_sleeve(inputs), cost=real(inputs, *COST_NAMES), reviews_per_year=per_year)
    return {"band": figure(found.band), "cost_bp_per_year": figure(found.cost * IN_BASIS_POINTS)}


def market_impact_of_order(inputs: Inputs) -> Answer:
    found = market_impact(
        part_of_volume=real(inputs, "X_over_V"),
        days=real(inputs, "T_days", "T"),
        turnover_days=real(inputs, "theta_over_V"),
        sigma=real(inputs, "sigma"),
    )
    parts = {"permanent": found.permanent, "temporary": found.temporary, "realized": found.realised}
    points = {name: part * IN_BASIS_POINTS for name, part in parts.items()}
    # To the hundredth of a basis point, and to the whole one as the paper's table prints them.
    return {f"{name}_bp": Decimal(f"{point:.2f}") for name, point in points.items()} | {
        "published_rounded": {name: Decimal(f"{point:.0f}") for name, point in points.items()}
    }


def threshold_destination(inputs: Inputs) -> Answer:
    """Strictly beyond the threshold, trade to the destination on the side the weight is on."""
    return _trade_to(
        inputs.decimal("weight"),
        bands.band(inputs.decimal("target"), inputs.decimal("threshold"), bands.BandKind.ABSOLUTE),
        bands.band(inputs.decimal("target"), inputs.decimal("destination"), bands.BandKind.ABSOLUTE),
    )


def rebalance_to_tolerance(inputs: Inputs) -> Answer:
    target, width = inputs.decimal("target"), inputs.decimal("rebalance_band")
    part = inputs.decimal("tolerance_band_fraction")
    outer = bands.band(target, width, bands.BandKind.RELATIVE)
    inner = bands.band(target, times(width, part), bands.BandKind.RELATIVE)
    rule = stated("NEAREST_TOLERANCE", Clause.TO_NEAREST_TOLERANCE, Clause.ONLY_WHAT_IS_OUT)
    return {**_trade_to(inputs.decimal("weight"), outer, inner), "rule": rule}


def _trade_to(weight: Decimal, outer: bands.Band, inner: bands.Band) -> Answer:
    if not (outer.lower <= inner.lower and inner.upper <= outer.upper):
        raise BadCase("A destination lies within the threshold.")
    triggered = outer.breached_by(weight)
    edge = inner.upper if weight > inner.upper else inner.lower
    return {
        "triggered": triggered,
        "trade_to": edge if triggered else None,
        "trade": minus(edge, weight) if triggered else Decimal(0),
        "lower": outer.lower,
        "upper": outer.upper,
    }


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    "policy_cost": policy_cost,
    "optimal_no_trade_band": optimal_no_trade_band,
    "horizon_calibration": horizon_calibration,
    "masters_trigger": masters_trigger,
    "dynamic_programming": dynamic_programming,
    "market_impact": market_impact_of_order,
    "threshold_destination": threshold_destination,
    "rebalance_to_tolerance": rebalance_to_tolerance,
}
