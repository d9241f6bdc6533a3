"""Settings in words: what the account page says of each, in the order in which an adviser asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.figures import day_text, money_text, percent_text, points_text
from portfolios.policy_files import Setting
from rebalancer.engine.lots import Relief
from rebalancer.engine.policy import Distance, Frequency, Preset, RebalanceTo, ShortGainRule

HOUSEHOLD_RATES = "household's tax profile"
PRODUCT = "product default"

_WORDS: Mapping[str, str] = {
    Preset.CALENDAR: "on its dates",
    Preset.THRESHOLD: "outside its bands",
    Preset.HYBRID: "on its dates or outside its bands",
    Frequency.NONE: "no dates",
    Frequency.DATES: "on listed dates",
    Frequency.SEMIANNUAL: "twice a year",
    RebalanceTo.TARGET: "to the target",
    RebalanceTo.EDGE: "to the edge of the band",
    RebalanceTo.INNER: "half-way into the band",
    Relief.LEAST_TAX: "least tax at the household's rates",
    Relief.MIN_TAX: "least tax by category",
    Distance.WEIGHTS: "weights away from the model",
    Distance.RISK: "risk away from the model's",
    ShortGainRule.OFF: "taken as they come",
    ShortGainRule.SOFT: "made dearer",
    ShortGainRule.HARD: "not taken",
}


def _word(value: Any) -> str:
    text = str(value)
    return _WORDS.get(text) or (text if text in {"FIFO", "LIFO", "HIFO", "LOFO"} else text.replace("_", " ").lower())


def _points(value: Decimal) -> str:
    return f"{points_text(value)} points"


def _percent(value: Decimal) -> str:
    return percent_text(value, 1)


def _dates(value: tuple[date, ...]) -> str:
    return ", ".join(day_text(one) for one in value) or "none"


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _years(value: Decimal) -> str:
    return f"{_plain(value)} {'year' if value == 1 else 'years'}"


def _place(value: Decimal) -> str:
    return {Decimal(0): "least tax", Decimal(1): "closest to the model"}.get(
        value, f"{_plain(value)} between least tax (0) and closest to the model (1)"
    )


# key: label, how its value is written
_SETTINGS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "trigger": ("When it is rebalanced", _word),
    "calendar_frequency": ("How often the calendar calls", _word),
    "calendar_on": ("Listed dates", _dates),
    "class_band_absolute": ("Band around a class", _points),
    "class_band_relative": ("Band around a class, of its target", _percent),
    "taxable_band_absolute": ("Band around a class where taxable", _points),
    "gain_band": ("Bands as wide as an embedded gain is worth deferring", _yes),
    "gain_band_years": ("How long a gain's tax would be deferred", _years),
    "gain_band_growth": ("Growth of deferred tax, a year", _percent),
    "node_band_absolute": ("Band around a sub-model", _points),
    "node_band_relative": ("Band around a sub-model, of its target", _percent),
    "security_band_absolute": ("Band around a security", _points),
    "security_band_relative": ("Band around a security, of its target", _percent),
    "account_band_absolute": ("Limit of the account's drift", _points),
    "cash_high_weight": ("High cash: above its target by", _points),
    "minimum_trades_weight": ("Least that is worth a rebalance", _percent),
    "cost_benefit": ("Trades only if worth more than they cost", _yes),
    "relative_sigma": ("Volatility of a class against the rest", _percent),
    "horizon_years": ("How long a deviation counts", _years),
    "risk_aversion": ("Risk aversion", _plain),
    "cooldown_days": ("Days of rest after a rebalance", str),
    "joint": ("The household's accounts follow one target together", _yes),
    "rebalance_to": ("How far a rebalance goes", _word),
    "distance": ("What is measured", _word),
    "scenario_slider": ("Between tax and the model", _place),
    "cash_drag_rate": ("Return that spare cash forgoes, a year", _percent),
    "minimum_trade_amount": ("Smallest trade", money_text),
    "minimum_trade_weight": ("Smallest trade, of the account", _percent),
    "whole_shares": ("Whole shares only", _yes),
    "adv_cap": ("Largest order, of a day's volume", _percent),
    "commission": ("Commission a trade", money_text),
    "price_max_age_sessions": ("Oldest price that is used, in sessions", str),
    "relief": ("Which lots are sold", _word),
    "short_rate": ("Tax rate, short-term", _percent),
    "long_rate": ("Tax rate, long-term", _percent),
    "short_gain_rule": ("Short-term gains soon long-term", _word),
    "short_gain_days": ("Days before a gain turns long-term", str),
    "short_gain_penalty_rate": ("Short-term gains soon long-term: made dearer by", _percent),
    "harvest": ("Losses may be sold past the target", _yes),
    "harvest_minimum_amount": ("Losses worth harvesting, from", money_text),
    "harvest_minimum_weight": ("Losses worth harvesting, of the account", _percent),
    "four_eyes_turnover": ("Two approvers above a turnover of", money_text),
    "four_eyes_gain": ("Two approvers above a net gain of", money_text),
}


def policy_lines(settings: Mapping[str, Setting], rates: tuple[Decimal, Decimal] | None) -> list[dict[str, Any]]:
    """Every setting in force over an account, in words, with its source and what it won over.

    `rates` are the household's own short-term and long-term tax rates: they go before any file's.
    """
    known = dict(settings)
    for key, rate in zip(("short_rate", "long_rate"), rates or (), strict=False):
        under = known[key]
        known[key] = Setting(rate, HOUSEHOLD_RATES, ((under.source, under.value), *under.overridden))
    return [_line(key, known[key]) for key in _SETTINGS if key in known]


def _line(key: str, setting: Setting) -> dict[str, Any]:
    """What says the same as the value that won is not worth a line."""
    value_text = _text(key, setting.value)
    under = [{"source_label": source, "value_text": _text(key, value)} for source, value in setting.overridden]
    return {
        "label": _SETTINGS[key][0],
        "value_text": value_text,
        "source_label": setting.source,
        "is_default": setting.source == PRODUCT,
        "overridden": [line for line in under if line["value_text"] != value_text],
    }


def _text(key: str, value: Any) -> str:
    return "not looked at" if value is None else _SETTINGS[key][1](value)
