"""What a rebalancing rule costs per year, and which rule costs least, in closed form.

One sleeve of an account against the rest of it. The weight x above target follows dx = s dZ, the account dislikes it by
½k x² per year, and every trade costs c per unit moved and F per event. Rules: look all the time, trade at |x| = b down
to |x| = d; or trade to target every T years. Averages follow from the stationary law of x: triangular flanks between
d and b, flat within d; for small costs the optimum is that of Gerhold, Guasoni, Muhle-Karbe and Schachermayer (2014)
with a bid-ask spread of 2c. Floats, for decisions only: weights, costs and F are fractions of the account's value
(0.001 is 10 basis points), times are years, rates are per year.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIGHT = 1e-13
MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A sleeve's target weight, its volatility per year against the rest, and the account's risk aversion.

    :raises ValueError: unless 0 < weight < 1, sigma > 0 and gamma > 0
    """

    weight: float
    sigma: float
    gamma: float

    def __post_init__(self) -> None:
        if not 0 < self.weight < 1:
            raise ValueError(f"A sleeve's target lies between 0 and 1, not at {self.weight}.")
        if not (self.sigma > 0 and self.gamma > 0):
            raise ValueError("A sleeve needs a volatility and a risk aversion above zero.")

    @property
    def speed(self) -> float:
        """s: by how much the weight drifts, as a standard deviation per square root of a year."""
        return self.weight * (1 - self.weight) * self.sigma

    @property
    def penalty(self) -> float:
        """k: certainty-equivalent loss per year is ½k times the squared drift."""
        return self.gamma * self.sigma**2


@dataclass(frozen=True, slots=True)
class Running:
    """What a rule costs and does per year; `events` is infinite where the rule trades all the time at its edge."""

    cost: float
    turnover: float
    events: float


@dataclass(frozen=True, slots=True)
class Edges:
    """Trade when the drift exceeds `trigger`, down to `destination`; both are weights above or below target."""

    trigger: float
    destination: float


def at_threshold(sleeve: Sleeve, edges: Edges, *, cost: float, fixed: float = 0.0) -> Running:
    """J(b, d) = k(b² + d²)/12 + s²c/(b + d) + s²F/(b² − d²), watched continuously.

    :raises ValueError: unless 0 <= destination <= trigger, trigger > 0, and costs are not negative
    """
    b, d = edges.trigger, edges.destination
    _check_costs(cost, fixed)
    if not (0 <= d <= b and b > 0):
        raise ValueError(
            "A destination lies between the target and the threshold, and the threshold beyond the target."
        )
    variance = sleeve.speed**2
    turnover = variance / (b + d)
    events = variance / (b**2 - d**2) if b > d else math.inf
    per_event = fixed * events if fixed else 0.0
    return Running(sleeve.penalty * (b**2 + d**2) / 12 + cost * turnover + per_event, turnover, events)


def at_calendar(sleeve: Sleeve, years: float, *, cost: float, fixed: float = 0.0) -> Running:
    """J(T) = k s²T/4 + c s √(2/(πT)) + F/T: to target every T years, whatever the drift.

    :raises ValueError: unless years > 0 and costs are not negative
    """
    _check_costs(cost, fixed)
    if not years > 0:
        raise ValueError(f"The time between two dates is above zero, not {years} years.")
    turnover = sleeve.speed * math.sqrt(2 / (math.pi * years))
    return Running(sleeve.penalty * sleeve.speed**2 * years / 4 + cost * turnover + fixed / years, turnover, 1 / years)


def best_calendar(sleeve: Sleeve, *, cost: float) -> float:
    """The T that minimises J(T) without a fixed cost, in years."""
    _check_costs(cost)
    return math.pow(2 * cost * math.sqrt(2 / math.pi) / (sleeve.penalty * sleeve.speed), 2 / 3)


def no_trade_band(sleeve: Sleeve, *, cost: float) -> float:
    """h = (1.5 s²c/k)^⅓, the half-width at which trading to the edge costs least; volatility cancels in s²/k."""
    _check_costs(cost)
    return float(np.cbrt(1.5 * cost * sleeve.speed**2 / sleeve.penalty))


def to_target_band(sleeve: Sleeve, *, cost: float) -> float:
    """(6 s²c/k)^⅓ = 4^⅓ h, the half-width that costs least when every trade goes back to target."""
    _check_costs(cost)
    return float(np.cbrt(6 * cost * sleeve.speed**2 / sleeve.penalty))


def best_edges(sleeve: Sleeve, *, cost: float, fixed: float = 0.0) -> Edges:
    """The threshold and the destination that minimise J(b, d).

    With a fixed cost the destination lies inside the band; when that cost is all that matters, it is the target.
    """
    _check_costs(cost, fixed)
    if not fixed:
        band = no_trade_band(sleeve, cost=cost)
        return Edges(band, band)
    scale = 12 * sleeve.speed**2 / sleeve.penalty
    total, gap = _interior(scale, cost, fixed)
    if gap < total:
        return Edges((total + gap) / 2, (total - gap) / 2)
    return Edges(_fixed_to_target(scale, cost, fixed), 0.0)


def _interior(scale: float, cost: float, fixed: float) -> tuple[float, float]:
    """b + d and b − d where J is flat in both: u³ = A(c + F/v) and v³ = AF/u, a contraction in logarithms."""
    u = v = (scale * fixed) ** 0.25
    for _ in range(MOST_STEPS):
        before, u = u, float(np.cbrt(scale * (cost + fixed / v)))
        v = float(np.cbrt(scale * fixed / u))
        if abs(u - before) <= TIGHT * u:
            break
    return u, v


def _fixed_to_target(scale: float, cost: float, fixed: float) -> float:
    """The root of b⁴ = A(cb/2 + F), where J(b, 0) is flat; one sign change, so halving finds it."""
    low, high = 0.0, 1.0
    while high**4 < scale * (cost * high / 2 + fixed):
        high *= 2
    for _ in range(MOST_STEPS):
        middle = (low + high) / 2
        if middle**4 < scale * (cost * middle / 2 + fixed):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def horizon(sleeve: Sleeve, *, cost: float) -> float:
    """H = c/(kh) = (2c²/(3k²s²))^⅓, the years for which a one-period optimiser stops trading at the edge h.

    Longer over-trades; much shorter never trades.

    :raises ValueError: unless the cost is above zero, for without a cost there is no band
    """
    if not cost > 0:
        raise ValueError("Without a cost there is no band, and so no horizon that matches it.")
    band = no_trade_band(sleeve, cost=cost)
    return cost / (sleeve.penalty * band)


def effective_cost(
    gain_fraction: float, tax_rate: float, *, years: float, discount: float, forgiven: float = 0.0
) -> float:
    """Selling now instead of in `years`, as a cost per dollar sold: g τ (1 − (1 − p)/(1 + r)^n).

    `gain_fraction` is the gain per dollar of value, `forgiven` the probability that the basis is stepped up before
    then. A loss has no such cost.

    :raises ValueError: when a rate or a probability is out of range
    """
    if not (years >= 0 and discount > -1 and 0 <= tax_rate <= 1 and 0 <= forgiven <= 1):
        raise ValueError("Deferral needs years of zero or more, a tax rate and a probability between 0 and 1.")
    return max(0.0, gain_fraction) * tax_rate * (1 - (1 - forgiven) * math.pow(1 + discount, -years))


def gain_bands(
    weights: Floats,
    *,
    sleeve_sigma: float,
    gamma: float | Floats,
    cost: float | Floats,
    gain_fractions: Floats,
    deferred_rate: float | Floats,
) -> Floats:
    """The bands of many sleeves at once, any shapes that broadcast: h at cost + gain × deferred rate.

    `deferred_rate` is the tax per dollar of gain that waiting saves: `effective_cost(1.0, …)`. Weights of 0 and 1 have
    no band of their own (0).
    """
    speed = weights * (1 - weights) * sleeve_sigma
    costs = cost + np.maximum(gain_fractions, 0.0) * deferred_rate
    return np.cbrt(1.5 * costs * speed**2 / (gamma * sleeve_sigma**2))


def gain_band(
    weight: float,
    sigma: float,
    gamma: float,
    cost: float,
    gain_fraction: float,
    tax_rate: float,
    years: float,
    growth: float,
) -> float:
    """The no-trade half-width of a sleeve with an embedded gain, as a fraction of the account.

    `cost` is the one-way trading cost and `gain_fraction` the gain per dollar of the sleeve's value; the tax could be
    deferred by `years` at a yearly `growth`. It bounds sales; what a sleeve lacks is bought at `no_trade_band`.
    """
    sleeve = Sleeve(weight, sigma, gamma)
    return no_trade_band(sleeve, cost=cost + effective_cost(gain_fraction, tax_rate, years=years, discount=growth))


@dataclass(frozen=True, slots=True)
class MastersTrigger:
    """Relative variance V, the drift worth trading, and where to stop: Masters, J. Portfolio Management 29(3), 2003."""

    variance: float
    trigger: float
    destination: float


def relative_variance(sigma: float, rest_sigma: float, correlation: float) -> float:
    """Variance per year of a sleeve against the rest: σ² + σr² − 2ρσσr.

    :raises ValueError: when a volatility is negative or the correlation is beyond ±1
    """
    if not (sigma >= 0 and rest_sigma >= 0 and -1 <= correlation <= 1):
        raise ValueError("Volatilities are zero or more, and a correlation lies between -1 and 1.")
    return sigma**2 + rest_sigma**2 - 2 * correlation * sigma * rest_sigma


def masters_trigger(
    sigma: float, rest_sigma: float, correlation: float, *, risk_tolerance: float, cost: float
) -> MastersTrigger:
    """Trigger 2KC/V, where all of a trade to target pays its cost; destination half of it, where the last dollar does.

    :raises ValueError: when both move as one, so that drift has no risk
    """
    _check_costs(cost)
    variance = relative_variance(sigma, rest_sigma, correlation)
    if not (variance > 0 and risk_tolerance > 0):
        raise ValueError("A trigger needs relative variance and a risk tolerance above zero.")
    trigger = 2 * risk_tolerance * cost / variance
    return MastersTrigger(variance, trigger, trigger / 2)


def _check_costs(*costs: float) -> None:
    if not all(cost >= 0 for cost in costs):
        raise ValueError("Costs are zero or more.")
