"""The parameter file: TOML, validated, layered firm, model, household, account; every value knows where it came from.

A leaf: no database. `docs/policies.md` explains each key to those who write such files.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rebalancer.engine.lots import Relief
from rebalancer.engine.policy import Distance, Frequency, Preset, RebalanceTo, ShortGainRule

Weight = Annotated[Decimal, Field(ge=0, le=1)]
Amount = Annotated[Decimal, Field(ge=0)]
Rate = Annotated[Decimal, Field(ge=0, lt=1)]
Days = Annotated[int, Field(ge=0, le=3650)]
Years = Annotated[Decimal, Field(ge=0, le=100)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BuysPaidBy(StrEnum):
    """What pays for the buys of an account that sells as well: sales that were filled, or only settled cash."""

    SAME_DAY = "SAME_DAY"
    NEXT_SESSION = "NEXT_SESSION"


class PartsOfShares(StrEnum):
    """What becomes of a part of a share that a custodian does not take under a limit."""

    MARKET = "MARKET"
    DROP = "DROP"


class Triggers(_Section):
    """When an account is looked at, and when it is traded."""

    trigger: Preset | None = None
    calendar_frequency: Frequency | None = None
    calendar_on: tuple[date, ...] | None = None
    class_band_absolute: Weight | None = None
    class_band_relative: Weight | None = None
    taxable_band_absolute: Weight | None = None
    security_band_absolute: Weight | None = None
    security_band_relative: Weight | None = None
    node_band_absolute: Weight | None = None
    node_band_relative: Weight | None = None
    account_band_absolute: Weight | None = None
    cash_high_weight: Weight | None = None
    minimum_trades_weight: Weight | None = None
    cooldown_days: Days | None = None
    price_max_age_sessions: Annotated[int, Field(ge=0, le=30)] | None = None
    gain_band: bool | None = None
    gain_band_years: Years | None = None
    gain_band_growth: Weight | None = None
    cost_benefit: bool | None = None
    relative_sigma: Weight | None = None


class Trading(_Section):
    """How far to trade, and in what sizes."""

    joint: bool | None = None
    rebalance_to: RebalanceTo | None = None
    minimum_trade_amount: Amount | None = None
    minimum_trade_weight: Weight | None = None
    whole_shares: bool | None = None
    adv_cap: Weight | None = None
    commission: Amount | None = None
    distance: Distance | None = None
    scenario_slider: Weight | None = None
    risk_aversion: Amount | None = None
    horizon_years: Years | None = None
    cash_drag_rate: Weight | None = None


class Tax(_Section):
    """Lots, rates and harvesting. A household's own rates go before these."""

    relief: Relief | None = None
    short_rate: Rate | None = None
    long_rate: Rate | None = None
    harvest_minimum_amount: Amount | None = None
    harvest_minimum_weight: Weight | None = None
    harvest: bool | None = None
    short_gain_rule: ShortGainRule | None = None
    short_gain_days: Days | None = None
    short_gain_penalty_rate: Weight | None = None


class Approval(_Section):
    """When a proposal needs a second approver: turnover or net gain above a limit, in dollars a household."""

    four_eyes_turnover: Amount | None = None
    four_eyes_gain: Amount | None = None


class Guards(_Section):
    """What an order may be before it is sent. Of the firm's own file: nearer files have no say."""

    order_minimum_amount: Amount | None = None
    order_note_amount: Amount | None = None
    order_maximum_amount: Amount | None = None
    order_note_account_weight: Annotated[Decimal, Field(ge=0, le=10)] | None = None
    order_note_volume_weight: Weight | None = None
    order_collar_weight: Weight | None = None
    order_market_buffer_weight: Weight | None = None
    order_price_maximum_sessions: Annotated[int, Field(ge=0, le=30)] | None = None
    order_approval_hours: Annotated[int, Field(ge=1, le=2160)] | None = None
    order_repeat_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    orders_daily_note_amount: Amount | None = None
    orders_a_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    breaks_maximum: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Execution(_Section):
    """How orders leave: in which order, and paid by what. Of the firm's own file: nearer files have no say."""

    settlement: BuysPaidBy | None = None
    settlement_haircut_weight: Annotated[Decimal, Field(ge=0, lt=1)] | None = None
    sells_maximum_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    slice_volume_weight: Annotated[Decimal, Field(gt=0, le=1)] | None = None
    idle_cash_rate: Rate | None = None
    margin_accounts: tuple[str, ...] | None = None
    parts_of_shares: PartsOfShares | None = None
    tier: Annotated[int, Field(ge=1, le=1000)] | None = None
    block_window_minutes: Annotated[int, Field(ge=0, le=60)] | None = None
    block_least_shares: Annotated[int, Field(ge=0, le=10_000)] | None = None


class PolicyFile(_Section):
    """A whole parameter file. What a layer leaves out, it takes from the layer above."""

    triggers: Triggers = Triggers()
    trading: Trading = Trading()
    tax: Tax = Tax()
    approval: Approval = Approval()
    guards: Guards = Guards()
    execution: Execution = Execution()

    def values(self) -> Iterator[tuple[str, Any]]:
        """(key, value) of everything the file sets, in the order of the schema."""
        for section in type(self).model_fields:
            for key, value in getattr(self, section):
                if value is not None:
                    yield key, value

    def over(self, other: PolicyFile) -> PolicyFile:
        """This file's settings, and the other's where it has none."""
        return PolicyFile(
            **{
                section: getattr(other, section).model_copy(update=getattr(self, section).model_dump(exclude_none=True))
                for section in type(self).model_fields
            }
        )


class InvalidPolicy(ValueError):
    """A parameter file that cannot be used; each sentence says where and why."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


class Level(StrEnum):
    PRODUCT = "PRODUCT"
    FIRM = "FIRM"
    MODEL = "MODEL"
    HOUSEHOLD = "HOUSEHOLD"
    ACCOUNT = "ACCOUNT"


@dataclass(frozen=True, slots=True)
class Layer:
    """One parameter file in force and the place it was set at, in words: `model Growth v7`."""

    level: Level
    source: str
    file: PolicyFile


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, where it was set, and the values it won over, nearest first."""

    value: Any
    source: str
    overridden: tuple[tuple[str, Any], ...] = ()


def parse_policy(text: str) -> PolicyFile:
    """Read a parameter file.

    :raises InvalidPolicy: with a sentence for each thing wrong: the key, what stands there, what may
    """
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy([f"This is not TOML: {error}."]) from None
    try:
        return PolicyFile.model_validate(raw)
    except ValidationError as error:
        raise InvalidPolicy([_sentence(found) for found in error.errors()]) from None


def parse_changes(changes: Sequence[str]) -> PolicyFile:
    """A parameter file of single settings, each written `class_band_absolute=0.04` without its section.

    :raises InvalidPolicy: with a sentence for the first that is no such pair, or for each that is out of range
    """
    lines = [_toml_line(*change.partition("=")) for change in changes]
    return parse_policy("\n".join(lines))


def _toml_line(key: str, sign: str, text: str) -> str:
    key, text = key.strip(), text.strip()
    for name, section in PolicyFile.model_fields.items():
        if sign and key in getattr(section.annotation, "model_fields", ()):
            return f"{name}.{key} = {text if _is_toml(text) else json.dumps(text)}"
    raise InvalidPolicy([f"{key or text!r} is no setting; see docs/policies.md for those there are."])


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return False
    return "\n" not in text


def _sentence(found: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return f"{key} is no setting; see docs/policies.md for those there are."
    return f"{key} is {found['input']!r}: {found['msg'][0].lower()}{found['msg'][1:]}."


def resolve(defaults: Mapping[str, Any], layers: Sequence[Layer]) -> dict[str, Setting]:
    """Each setting with the value of the nearest layer that sets it; `layers` run from the farthest to the nearest."""
    resolved = {key: Setting(value, "product default") for key, value in defaults.items()}
    for layer in sorted(layers, key=lambda one: list(Level).index(one.level)):
        for key, value in layer.file.values():
            before = resolved.get(key)
            overridden = ((before.source, before.value), *before.overridden) if before else ()
            resolved[key] = Setting(value, layer.source, overridden)
    return resolved
