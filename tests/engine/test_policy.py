from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rebalancer.engine.lots import Relief
from rebalancer.engine.policy import BadPolicy, Distance, Frequency, Policy, Preset, RebalanceTo, ShortGainRule


def test_the_defaults_are_the_products():
    policy = Policy()
    assert (policy.trigger, policy.rebalance_to, policy.relief) == (Preset.HYBRID, RebalanceTo.TARGET, Relief.LEAST_TAX)
    assert (policy.class_band_absolute, policy.taxable_band_absolute) == (Decimal("0.05"), Decimal("0.07"))
    assert (policy.distance, policy.scenario_slider, policy.short_gain_rule) == (Distance.WEIGHTS, 1, ShortGainRule.OFF)
    assert (policy.gain_band, policy.cost_benefit, policy.harvest) == (False, False, False)


def test_plain_text_of_a_parameter_file_becomes_a_member():
    read: dict[str, Any] = {"trigger": "CALENDAR", "calendar_frequency": "DATES", "relief": "HIFO"}
    policy = Policy(**read, calendar_on=(date(2026, 1, 2),))
    assert policy == Policy(
        trigger=Preset.CALENDAR,
        calendar_frequency=Frequency.DATES,
        calendar_on=(date(2026, 1, 2),),
        relief=Relief.HIFO,
    )


def test_what_is_no_fraction_may_exceed_one():
    policy = Policy(risk_aversion=Decimal(10), horizon_years=Decimal(3), gain_band_years=Decimal(40))
    assert (policy.risk_aversion, policy.horizon_years, policy.gain_band_years) == (10, 3, 40)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param({"class_band_absolute": Decimal("1.2")}, "class_band_absolute must be between 0 and 1", id="band"),
        pytest.param({"adv_cap": Decimal("-0.1")}, "adv_cap must be between 0 and 1", id="negative share"),
        pytest.param({"minimum_trade_amount": Decimal(-1)}, "minimum_trade_amount must be zero or more", id="amount"),
        pytest.param({"commission": Decimal("NaN")}, "commission must be zero or more", id="not a number"),
        pytest.param({"scenario_slider": Decimal("1.1")}, "scenario_slider must be between 0 and 1", id="slider"),
        pytest.param({"cash_drag_rate": Decimal(2)}, "cash_drag_rate must be between 0 and 1", id="a rate"),
        pytest.param({"risk_aversion": Decimal(-1)}, "risk_aversion must be zero or more", id="risk aversion"),
        pytest.param({"horizon_years": Decimal("Infinity")}, "horizon_years must be zero or more", id="for ever"),
        pytest.param({"gain_band_years": Decimal(-1)}, "gain_band_years must be zero or more", id="years"),
        pytest.param({"short_gain_days": -1}, "short_gain_days must be zero or more", id="days to a long-term gain"),
        pytest.param({"distance": "MILES"}, "distance must be one of WEIGHTS, RISK", id="unknown distance"),
        pytest.param({"short_gain_rule": "MAYBE"}, "short_gain_rule must be one of OFF, SOFT, HARD", id="unknown rule"),
        pytest.param({"cooldown_days": -1}, "cooldown_days must be zero or more", id="days"),
        pytest.param({"relief": Relief.SPECIFIC}, "relief cannot be SPECIFIC", id="specific relief"),
        pytest.param({"trigger": "NEVER"}, "trigger must be one of CALENDAR, THRESHOLD, HYBRID", id="unknown preset"),
        pytest.param(
            {"calendar_frequency": "DATES"}, "calendar_on must list at least one date", id="dates without any"
        ),
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(values, sentence):
    with pytest.raises(BadPolicy, match=sentence):
        Policy(**values)
