"""The parameters an account is rebalanced by: every number the engine obeys, already resolved from its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.lots import Rates, Relief

ZERO, ONE = Decimal(0), Decimal(1)


class Preset(StrEnum):
    """When an account is due: on its dates, outside its bands, or either with a minimum of trading."""

    CALENDAR = "CALENDAR"
    THRESHOLD = "THRESHOLD"
    HYBRID = "HYBRID"


class Frequency(StrEnum):
    """How often the calendar calls. Periods call on their last day (weeks on Friday); DATES on the listed days."""

    NONE = "NONE"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    SEMIANNUAL = "SEMIANNUAL"
    ANNUAL = "ANNUAL"
    DATES = "DATES"


class RebalanceTo(StrEnum):
    """How far a rebalance goes: to the target, to the edge of the band, or half-way from the target to the edge."""

    TARGET = "TARGET"
    EDGE = "EDGE"
    INNER = "INNER"


class Distance(StrEnum):
    """What distance from the target means: weights (half the sum of absolute deviations), or risk (variance)."""

    WEIGHTS = "WEIGHTS"
    RISK = "RISK"


class ShortGainRule(StrEnum):
    """Short-term gains that would soon be long-term: taken as they come, made dearer, or not taken."""

    OFF = "OFF"
    SOFT = "SOFT"
    HARD = "HARD"


class BadPolicy(ValueError):
    """A parameter outside its range; the message names the parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Parameters of one account; the defaults are the product's.

    Names ending in `_weight`, `_absolute` and `_rate` are fractions of account value (0.05 is five points) or tax
    rates; `_relative` is a fraction of the target; `_amount` and `commission` are dollars. A band that is None is not
    looked at. Where an absolute and a relative band both stand, the edge reached first decides.

    :raises BadPolicy: for a value outside its range
    """

    trigger: Preset = Preset.HYBRID
    calendar_frequency: Frequency = Frequency.QUARTERLY
    calendar_on: tuple[date, ...] = ()
    class_band_absolute: Decimal | None = Decimal("0.05")
    class_band_relative: Decimal | None = Decimal("0.20")
    security_band_absolute: Decimal | None = None
    security_band_relative: Decimal | None = None
    node_band_absolute: Decimal | None = None
    node_band_relative: Decimal | None = None
    account_band_absolute: Decimal | None = None
    """The account's drift: half the sum of absolute deviations over securities and cash."""
    taxable_band_absolute: Decimal | None = Decimal("0.07")
    """Replaces the absolute class band in a taxable account; None leaves that band as it is."""
    minimum_trades_weight: Decimal = Decimal("0.005")
    """HYBRID: a rebalance whose trades together do not exceed this is not made."""
    minimum_trade_amount: Decimal = Decimal(100)
    minimum_trade_weight: Decimal = ZERO
    """The greater of the two minima applies to every single trade."""
    cash_high_weight: Decimal = Decimal("0.02")
    """Cash further than this above its target is HIGH_CASH."""
    rebalance_to: RebalanceTo = RebalanceTo.TARGET
    relief: Relief = Relief.LEAST_TAX
    whole_shares: bool = True
    """False: securities that are fractionable are traded to the millionth of a share."""
    adv_cap: Decimal = Decimal("0.05")
    """Largest order as a fraction of average daily volume."""
    price_max_age_sessions: int = 1
    commission: Decimal = ZERO
    """Dollars a trade."""
    cooldown_days: int = 0
    """Calendar days after a rebalance in which bands and calendar do not call again; cash needs still do."""
    harvest_minimum_amount: Decimal = Decimal(1000)
    harvest_minimum_weight: Decimal = Decimal("0.005")
    """LOSS_HARVEST calls when unrealised losses reach both."""
    short_rate: Decimal = Decimal("0.408")
    long_rate: Decimal = Decimal("0.238")
    distance: Distance = Distance.WEIGHTS
    scenario_slider: Decimal = ONE
    """How much closeness to the model is worth against tax and cost: 0 is least tax, 1 closest to the model."""
    risk_aversion: Decimal = Decimal(4)
    horizon_years: Decimal = ONE
    """Years over which a deviation counts, against costs that are paid once."""
    cash_drag_rate: Decimal = ZERO
    """Return a year that cash above its target forgoes."""
    short_gain_rule: ShortGainRule = ShortGainRule.OFF
    short_gain_days: int = 30
    """Days before a short-term gain turns long-term in which the rule applies."""
    short_gain_penalty_rate: Decimal = Decimal("0.05")
    """SOFT: what a short-term gain counts as costing beside its tax."""
    harvest: bool = False
    """May losses be sold past the target, to be set against gains?"""
    gain_band: bool = False
    """In a taxable account, class and security bands are as wide at least as deferring embedded gains is worth."""
    gain_band_years: Decimal = Decimal(10)
    """For how long the tax on such gains would be deferred."""
    gain_band_growth: Decimal = Decimal("0.06")
    """What deferred tax earns a year."""
    cost_benefit: bool = False
    """HYBRID: trades that only a band asks for are not made unless they are worth more than they cost."""
    joint: bool = False
    """Accounts of a household that all say so, and follow one model, are kept on its target together."""
    relative_sigma: Decimal = Decimal("0.15")
    """WEIGHTS: volatility a year of a class against the rest, by which the worth of trades is reckoned."""

    def __post_init__(self) -> None:
        for name, kind in _ENUMS.items():
            object.__setattr__(self, name, _member(name, kind, getattr(self, name)))
        for field in fields(self):
            _check_number(field.name, getattr(self, field.name))
        if self.relief is Relief.SPECIFIC:
            raise BadPolicy("relief cannot be SPECIFIC: a standing policy names no lots.")
        if self.calendar_frequency is Frequency.DATES and not self.calendar_on:
            raise BadPolicy("calendar_on must list at least one date where calendar_frequency is DATES.")

    @property
    def rates(self) -> Rates:
        return Rates(short=self.short_rate, long=self.long_rate)


_ENUMS: Mapping[str, type[StrEnum]] = {
    "trigger": Preset,
    "calendar_frequency": Frequency,
    "rebalance_to": RebalanceTo,
    "relief": Relief,
    "distance": Distance,
    "short_gain_rule": ShortGainRule,
}
_UNBOUNDED = frozenset(
    {
        "minimum_trade_amount",
        "commission",
        "harvest_minimum_amount",
        "risk_aversion",
        "horizon_years",
        "gain_band_years",
    }
)


def _member(name: str, kind: type[StrEnum], value: str) -> StrEnum:
    """Parameter files carry plain text; here it becomes the member, or is refused."""
    try:
        return kind(value)
    except ValueError:
        raise BadPolicy(f"{name} must be one of {', '.join(kind)}, not {value}.") from None


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return
    amount = Decimal(value)
    upper = None if isinstance(value, int) or name in _UNBOUNDED else ONE
    if not amount.is_finite() or amount < ZERO or (upper is not None and amount > upper):
        allowed = "zero or more" if upper is None else "between 0 and 1"
        raise BadPolicy(f"{name} must be {allowed}, not {value}.")
