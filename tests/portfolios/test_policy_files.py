from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from portfolios.policy_files import InvalidPolicy, Layer, Level, PolicyFile, parse_changes, parse_policy, resolve
from rebalancer.engine.policy import Distance, Policy, Preset, ShortGainRule


def layer(level: Level, toml: str) -> Layer:
    return Layer(level, level.value.lower(), parse_policy(toml))


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        pytest.param("[triggers", "This is not TOML", id="not toml at all"),
        pytest.param("[triggers]\nbandwidth = 1", "triggers.bandwidth is no setting", id="an unknown key"),
        pytest.param("[trigers]", "trigers is no setting", id="an unknown section"),
        pytest.param("[triggers]\nclass_band_absolute = 5", "triggers.class_band_absolute is 5", id="points"),
        pytest.param("[tax]\nshort_rate = 1.0", "tax.short_rate", id="a rate of one"),
        pytest.param("[triggers]\ntrigger = 'SOMETIMES'", "triggers.trigger is 'SOMETIMES'", id="an unknown trigger"),
        pytest.param("[trading]\nadv_cap = nan", "trading.adv_cap", id="not a number"),
        pytest.param("[trading]\nminimum_trade_amount = -1", "trading.minimum_trade_amount is -1", id="below zero"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence_that_names_the_place(toml: str, sentence: str) -> None:
    with pytest.raises(InvalidPolicy, match=sentence.replace("[", r"\[")):
        parse_policy(toml)


def test_every_wrong_key_gets_its_sentence() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy("[triggers]\na = 1\nb = 2")
    assert len(caught.value.sentences) == 2


def test_numbers_are_read_exactly() -> None:
    assert dict(parse_policy("[triggers]\nclass_band_absolute = 0.05").values()) == {
        "class_band_absolute": Decimal("0.05")
    }


def test_the_nearest_layer_wins_and_tells_what_it_won_over() -> None:
    layers = [
        layer(Level.ACCOUNT, "[triggers]\nclass_band_absolute = 0.03"),
        layer(Level.FIRM, "[triggers]\nclass_band_absolute = 0.06\ncooldown_days = 5"),
        layer(Level.MODEL, "[triggers]\nclass_band_absolute = 0.04"),
    ]
    found = resolve({"class_band_absolute": Decimal("0.05"), "adv_cap": Decimal("0.05")}, layers)
    band = found["class_band_absolute"]
    assert (band.value, band.source) == (Decimal("0.03"), "account")
    assert [source for source, _value in band.overridden] == ["model", "firm", "product default"]
    assert (found["cooldown_days"].value, found["cooldown_days"].source) == (5, "firm")
    assert found["adv_cap"].source == "product default"


def test_a_file_over_another_keeps_what_it_does_not_set() -> None:
    under = parse_policy("[triggers]\ncooldown_days = 5\ngain_band = true\n[tax]\nharvest = true")
    over = parse_policy("[triggers]\ncooldown_days = 9").over(under)
    assert dict(over.values()) == {"cooldown_days": 9, "gain_band": True, "harvest": True}


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        pytest.param("class_band_absolute=0.04", "class_band_absolute", Decimal("0.04"), id="a number"),
        pytest.param(" trigger = THRESHOLD ", "trigger", Preset.THRESHOLD, id="a word without quotes"),
        pytest.param('distance="RISK"', "distance", Distance.RISK, id="a word in quotes"),
        pytest.param("short_gain_rule=SOFT", "short_gain_rule", ShortGainRule.SOFT, id="a rule"),
        pytest.param("cost_benefit=true", "cost_benefit", True, id="a switch"),
        pytest.param("calendar_on=[2026-12-15]", "calendar_on", (date(2026, 12, 15),), id="dates"),
        pytest.param("four_eyes_gain=50000", "four_eyes_gain", Decimal(50000), id="a limit of approval"),
    ],
)
def test_a_change_is_written_without_its_section(change: str, key: str, value: object) -> None:
    assert dict(parse_changes([change]).values()) == {key: value}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param("bandwidth=1", "'bandwidth' is no setting", id="an unknown key"),
        pytest.param("=1", "is no setting", id="no key"),
        pytest.param("cooldown_days", "'cooldown_days' is no setting", id="no value"),
        pytest.param("trigger=OFTEN\ncooldown_days=3", "triggers.trigger is 'OFTEN", id="a second line"),
    ],
)
def test_what_is_no_change_is_refused_with_a_sentence(change: str, sentence: str) -> None:
    with pytest.raises(InvalidPolicy, match=sentence):
        parse_changes([change])


def test_every_parameter_of_the_engine_can_be_set_in_a_file() -> None:
    known = {name for section in PolicyFile.model_fields for name in type(getattr(PolicyFile(), section)).model_fields}
    assert {field.name for field in fields(Policy)} <= known
