"""The scenarios of one proposal side by side: what each would trade, what it leaves, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading.models import Proposal, ProposalAccount
from trading.packing import unpack
from trading.selectors.explanations import certificate_sentence

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Named:
    """How a scenario is called, and what it is for."""

    label: str
    hint: str


SCENARIOS: Mapping[str, Named] = {
    "MIN_TAX": Named("Least tax", "Sells at a gain only where much drift is mended for little tax"),
    "BALANCED": Named("Balanced", "Weighs drift against tax and cost half-way"),
    "CLOSEST": Named("Closest to the model", "Mends all the drift that the rules allow"),
    "POLICY": Named("As the policy says", "The place between tax and drift that the policy sets"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRow:
    """One scenario of a proposal, over all its accounts. Dollars; drift is weighted by the accounts' value."""

    code: str
    label: str
    hint: str
    held: bool
    """Is it the one that was chosen?"""
    is_other: bool
    """Does it trade, and differently from what the proposal holds now?"""
    trades_count: int
    turnover: Decimal
    drift_after: Decimal
    gain_short: Decimal
    gain_long: Decimal
    tax: Decimal
    cost: Decimal
    certificate: str


def scenario_rows(proposal: Proposal, parts: Sequence[ProposalAccount]) -> list[ScenarioRow]:
    """Scenarios that every account of the proposal has, from least tax to closest; none for one made before them."""
    everywhere = [name for name in SCENARIOS if parts and all(name in part.scenarios for part in parts)]
    return [_row(name, proposal, [unpack(part.scenarios[name]) for part in parts]) for name in everywhere]


def _row(name: str, proposal: Proposal, contents: Sequence[Mapping[str, Any]]) -> ScenarioRow:
    figures = [content["figures"] for content in contents]
    trades = [trade for content in contents for trade in content["trades"]]
    value = _sum(figures, "value")
    return ScenarioRow(
        code=name,
        label=SCENARIOS[name].label,
        hint=SCENARIOS[name].hint,
        held=name == proposal.scenario,
        is_other=bool(trades) and proposal.settings.get("contents", {}).get(name) != proposal.content_sha256,
        trades_count=len(trades),
        turnover=_sum(trades, "amount"),
        drift_after=sum((one["drift_after"] * one["value"] for one in figures), ZERO) / (value or 1),
        gain_short=_sum(figures, "gain_short"),
        gain_long=_sum(figures, "gain_long"),
        tax=_sum(figures, "tax"),
        cost=_sum(figures, "cost"),
        certificate=certificate_sentence([content["certificate"] for content in contents], value),
    )


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> Decimal:
    return sum((row[name] for row in rows), ZERO)
