"""Publishing model portfolios and saying who follows which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.services import audit
from accounts.services.upsert import Outcome, Table, upsert
from portfolios.models import ModelNode, ModelVersion, Security, TargetModel
from rebalancer.engine.money import ZERO

_PLACES = Decimal("0.00000001")
_ASSIGNMENTS = {
    subject: Table(
        "portfolios_modelassignment", {subject: "bigint", "assigned_on": "date"}, {"target_model_id": "bigint"}
    )
    for subject in ("household_id", "account_id")
}


class InvalidModel(ValueError):
    """A model that cannot be published; the sentence says what to change. Nothing was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a model: a security by symbol, another model by code, or cash. The weight is a fraction."""

    weight: Decimal
    symbol: str = ""
    model_code: str = ""
    is_cash: bool = False

    def __post_init__(self) -> None:
        if (bool(self.symbol), bool(self.model_code), self.is_cash).count(True) != 1:
            raise InvalidModel("A part of a model is a security, another model or cash: one of the three.")
        if not ZERO < self.weight <= 1 or self.weight != self.weight.quantize(_PLACES):
            raise InvalidModel(
                f"The weight {self.weight} of {self.name} is not a fraction above 0 of at most 8 decimals."
            )

    @property
    def name(self) -> str:
        return self.symbol or self.model_code or "cash"


@transaction.atomic
def publish_model(
    *, firm_id: int, code: str, name: str, parts: Sequence[Part], effective_on: date, at: datetime, by: str
) -> ModelVersion:
    """Put a model's next version in force from a date, and open the model if it is new.

    A version whose parts and date are those of the newest one is that version: publishing twice does no harm.

    :raises InvalidModel: if the weights do not sum to one, a part stands twice, is not known, or is the model itself
    """
    _check_sum(code, parts)
    model, _ = TargetModel.objects.for_firm(firm_id).get_or_create(code=code, defaults={"name": name})
    TargetModel.objects.for_firm(firm_id).select_for_update().get(pk=model.pk)
    nodes = [(node, part.weight) for node, part in zip(_nodes(firm_id, model, parts), parts, strict=True)]
    newest = ModelVersion.objects.for_firm(firm_id).filter(target_model=model).order_by("-number").first()
    if newest and newest.effective_on == effective_on and _held(firm_id, newest) == set(nodes):
        return newest
    version = ModelVersion.objects.for_firm(firm_id).create(
        target_model=model, number=newest.number + 1 if newest else 1, effective_on=effective_on, published_at=at
    )
    ModelNode.objects.for_firm(firm_id).bulk_create(
        [
            ModelNode(
                version=version, security_id=security, child_id=child, is_cash=not (security or child), weight=weight
            )
            for (security, child), weight in nodes
        ]
    )
    audit.record(
        firm_id=firm_id,
        at=at,
        actor=by,
        action="MODEL_PUBLISHED",
        subject="model",
        subject_id=model.pk,
        version=version.number,
        effective_on=effective_on,
        weights={part.name: str(part.weight) for part in parts},
    )
    return version


def assign_households(*, firm_id: int, models: Mapping[int, int], on: date, at: datetime, by: str) -> int:
    """Let households follow models from a day (household's id to model's); how many follow another than before."""
    return _assign("household_id", firm_id, models, on, at, by)


def assign_accounts(*, firm_id: int, models: Mapping[int, int], on: date, at: datetime, by: str) -> int:
    """Let accounts follow models of their own from a day (account's id to model's); how many were changed."""
    return _assign("account_id", firm_id, models, on, at, by)


@transaction.atomic
def _assign(subject: str, firm_id: int, models: Mapping[int, int], on: date, at: datetime, by: str) -> int:
    rows = [(subject_id, on, model_id) for subject_id, model_id in sorted(models.items())]
    outcomes = upsert(_ASSIGNMENTS[subject], firm_id, rows)
    changed = {
        str(row[0]): row[2] for row, outcome in zip(rows, outcomes, strict=True) if outcome is not Outcome.UNCHANGED
    }
    if changed:
        audit.record(
            firm_id=firm_id,
            at=at,
            actor=by,
            action="MODEL_ASSIGNED",
            subject=subject.removesuffix("_id"),
            subject_id="many" if len(changed) > 1 else next(iter(changed)),
            assigned_on=on,
            models=changed,
        )
    return len(changed)


def _check_sum(code: str, parts: Sequence[Part]) -> None:
    names = [(part.symbol, part.model_code) for part in parts]
    twice = next((part.name for part in parts if names.count((part.symbol, part.model_code)) > 1), None)
    if twice:
        raise InvalidModel(f"{twice} stands twice in model {code}; add its weights up.")
    total = sum((part.weight for part in parts), ZERO)
    if total != 1:
        raise InvalidModel(f"The weights of model {code} sum to {total}, not to 1.")


def _nodes(firm_id: int, model: TargetModel, parts: Sequence[Part]) -> list[tuple[int | None, int | None]]:
    """Each part's security or sub-model, by id; neither is cash."""
    symbols = {part.symbol for part in parts if part.symbol}
    codes = {part.model_code for part in parts if part.model_code}
    securities = dict(Security.objects.filter(symbol__in=symbols).values_list("symbol", "id"))
    children = dict(TargetModel.objects.for_firm(firm_id).filter(code__in=codes).values_list("code", "id"))
    missing = sorted((symbols - securities.keys()) | (codes - children.keys()))
    if missing:
        raise InvalidModel(f"Model {model.code} names {', '.join(missing)}, which this installation does not know.")
    if model.pk in _inside(firm_id, children.values()):
        raise InvalidModel(f"Model {model.code} would hold itself, through its parts.")
    return [(securities.get(part.symbol), children.get(part.model_code)) for part in parts]


def _inside(firm_id: int, model_ids: Collection[int]) -> set[int]:
    """These models and all that any version of theirs is made of, at any depth."""
    seen: set[int] = set()
    todo = set(model_ids)
    while todo:
        seen |= todo
        nodes = ModelNode.objects.for_firm(firm_id).filter(version__target_model__in=todo, child__isnull=False)
        todo = set(nodes.values_list("child_id", flat=True)) - seen
    return seen


def _held(firm_id: int, version: ModelVersion) -> set[tuple[tuple[int | None, int | None], Decimal]]:
    rows = ModelNode.objects.for_firm(firm_id).filter(version=version)
    return {
        ((security, child), weight) for security, child, weight in rows.values_list("security_id", "child_id", "weight")
    }
