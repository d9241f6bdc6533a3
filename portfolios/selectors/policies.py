"""Which settings apply to an account, and where each was set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from accounts.models import Account
from portfolios.models import ModelVersion, Policy
from portfolios.policy_files import Layer, Level, PolicyFile, Setting, parse_policy, resolve
from portfolios.selectors.targets import Followed
from rebalancer.engine.policy import Policy as EnginePolicy

APPROVAL_DEFAULTS: Mapping[str, Any] = {"four_eyes_turnover": None, "four_eyes_gain": None}


@dataclass(frozen=True, slots=True)
class InForce:
    """The newest parameter file of every layer of a firm, and how to name each to a reader."""

    firm: Layer | None
    models: Mapping[int, Layer]
    households: Mapping[int, Layer]
    accounts: Mapping[int, Layer]

    def layers(self, *, model_id: int | None, household_id: int, account_id: int) -> list[Layer]:
        """The layers over one account, farthest first."""
        found = (
            self.firm,
            self.models.get(model_id) if model_id else None,
            self.households.get(household_id),
            self.accounts.get(account_id),
        )
        return [layer for layer in found if layer is not None]


@lru_cache(maxsize=512)
def _parsed(toml: str) -> PolicyFile:
    return parse_policy(toml)


def policies_in_force(firm_id: int) -> InForce:
    rows = Policy.objects.for_firm(firm_id).select_related("target_model", "household", "account")
    newest: dict[tuple[str, int | None], Layer] = {}
    for row in rows.order_by("version", "id"):
        subject = row.target_model_id or row.household_id or row.account_id
        newest[row.level, subject] = Layer(Level(row.level), _named(row), _parsed(row.toml))
    return InForce(newest.get(("FIRM", None)), *(_of(newest, level) for level in ("MODEL", "HOUSEHOLD", "ACCOUNT")))


def firm_layer(firm_id: int) -> Layer | None:
    """The firm's own newest parameter file."""
    row = Policy.objects.for_firm(firm_id).filter(level=Level.FIRM).order_by("-version", "-id").first()
    return None if row is None else Layer(Level.FIRM, _named(row), _parsed(row.toml))


def settings_of(firm_id: int, account: Account, followed: Followed | None) -> dict[str, Setting]:
    """Every setting over one account, with the layer it came from and what it won over."""
    layers = policies_in_force(firm_id).layers(
        model_id=followed.model_id if followed else None, household_id=account.household_id, account_id=account.pk
    )
    return resolve(defaults(), layers)


def engine_policy(layers: Sequence[Layer], rates: Mapping[str, Any]) -> EnginePolicy:
    """The engine's policy under some layers; `rates` are a household's own and win."""
    known = {field.name for field in fields(EnginePolicy)}
    values = {key: setting.value for key, setting in resolve({}, layers).items() if key in known}
    return EnginePolicy(**{**values, **rates})


def approval_limits(in_force: InForce, household_id: int) -> dict[str, Any]:
    """The dollars above which a household's proposal needs a second approver; None where there is no limit."""
    found = resolve(APPROVAL_DEFAULTS, in_force.layers(model_id=None, household_id=household_id, account_id=0))
    return {name: found[name].value for name in APPROVAL_DEFAULTS}


def defaults() -> dict[str, Any]:
    product = EnginePolicy()
    return {field.name: getattr(product, field.name) for field in fields(product)} | dict(APPROVAL_DEFAULTS)


def _of(newest: Mapping[tuple[str, int | None], Layer], level: str) -> dict[int, Layer]:
    return {subject: layer for (kind, subject), layer in newest.items() if kind == level and subject}


def _named(row: Policy) -> str:
    subject = row.target_model or row.household or row.account
    return f"{row.get_level_display().lower()} {subject or ''}".strip() + f", policy v{row.version}"


def version_label(firm_id: int, version_id: int) -> str:
    version = ModelVersion.objects.for_firm(firm_id).select_related("target_model").get(pk=version_id)
    return f"{version.target_model.name} v{version.number}"
