from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolios.policy_files import Layer, Level, parse_changes, parse_policy, resolve
from portfolios.selectors.policies import defaults
from portfolios.selectors.policy_words import policy_lines


def lines(*layers: Layer, rates: tuple[Decimal, Decimal] | None = None) -> dict[str, dict[str, Any]]:
    """What the account page says under some layers, by label."""
    return {line["label"]: line for line in policy_lines(resolve(defaults(), layers), rates)}


def test_every_setting_has_a_line_of_its_own() -> None:
    assert len(lines()) == len(defaults())


@pytest.mark.parametrize(
    ("change", "label", "text"),
    [
        ("gain_band=true", "Bands as wide as an embedded gain is worth deferring", "yes"),
        ("gain_band_years=10.0", "How long a gain's tax would be deferred", "10 years"),
        ("horizon_years=1", "How long a deviation counts", "1 year"),
        ("cost_benefit=true", "Trades only if worth more than they cost", "yes"),
        ("relative_sigma=0.15", "Volatility of a class against the rest", "15.0%"),
        ("joint=true", "The household's accounts follow one target together", "yes"),
        ("risk_aversion=4.50", "Risk aversion", "4.5"),
        ("distance=RISK", "What is measured", "risk away from the model's"),
        ("scenario_slider=0", "Between tax and the model", "least tax"),
        ("scenario_slider=0.50", "Between tax and the model", "0.5 between least tax (0) and closest to the model (1)"),
        ("short_gain_rule=HARD", "Short-term gains soon long-term", "not taken"),
        ("short_gain_days=45", "Days before a gain turns long-term", "45"),
        ("harvest=true", "Losses may be sold past the target", "yes"),
        ("cash_drag_rate=0.03", "Return that spare cash forgoes, a year", "3.0%"),
    ],
)
def test_a_setting_is_told_in_words_with_where_it_was_set(change: str, label: str, text: str) -> None:
    line = lines(Layer(Level.MODEL, "model Growth, policy v3", parse_changes([change])))[label]
    assert (line["value_text"], line["source_label"], line["is_default"]) == (text, "model Growth, policy v3", False)


def test_the_nearest_layer_is_told_with_what_it_won_over() -> None:
    found = lines(
        Layer(Level.FIRM, "firm, policy v1", parse_policy("[triggers]\ngain_band = true")),
        Layer(Level.ACCOUNT, "account 1001, policy v2", parse_policy("[triggers]\ngain_band = false")),
    )["Bands as wide as an embedded gain is worth deferring"]
    assert (found["value_text"], found["source_label"]) == ("no", "account 1001, policy v2")
    assert found["overridden"] == [{"source_label": "firm, policy v1", "value_text": "yes"}]
