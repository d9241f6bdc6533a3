"""Models, their versions in force, and which account follows which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from portfolios.models import ModelAlternate, ModelNode, ModelVersion, TargetModel

Ranked = tuple[int, int]
"""(rank, security's id) of an alternate."""

# The account's own assignment wins over its household's; of each, the newest that has begun; then the newest version.
_FOLLOWED = """
SELECT account.id, assignment.target_model_id, version.id, greatest(assignment.assigned_on, version.effective_on)
FROM accounts_account account
CROSS JOIN LATERAL (
    SELECT target_model_id, assigned_on FROM portfolios_modelassignment assigned
    WHERE assigned.firm_id = account.firm_id AND assigned.assigned_on <= %(on)s
      AND (assigned.account_id = account.id OR assigned.household_id = account.household_id)
    ORDER BY (assigned.account_id IS NOT NULL) DESC, assigned.assigned_on DESC, assigned.id DESC LIMIT 1
) assignment
CROSS JOIN LATERAL (
    SELECT id, effective_on FROM portfolios_modelversion versions
    WHERE versions.firm_id = account.firm_id AND versions.target_model_id = assignment.target_model_id
      AND versions.effective_on <= %(on)s
    ORDER BY versions.effective_on DESC, versions.number DESC LIMIT 1
) version
WHERE account.firm_id = %(firm)s AND account.id = ANY(%(accounts)s)
ORDER BY account.id
"""


class ModelLoop(ValueError):
    """A model holds itself, through its parts."""


@dataclass(frozen=True, slots=True)
class FlatModel:
    """A model version with its sub-models resolved: weights by security id, fractions, and cash; together one.

    `node_of` tells from which of the version's own sub-models a security came first, an index into `node_names`.
    `alternates` are those of its securities, in order of rank: a model's own go before those of its parts.
    """

    model_id: int
    version_id: int
    weights: Mapping[int, Decimal]
    cash_weight: Decimal
    node_of: Mapping[int, int]
    node_names: tuple[str, ...]
    alternates: Mapping[int, tuple[Ranked, ...]]


@dataclass(frozen=True, slots=True)
class Followed:
    """What an account follows, and since when: by a new version or a new assignment."""

    account_id: int
    model_id: int
    version_id: int
    changed_on: date


def followed_versions(firm_id: int, account_ids: Sequence[int], on: date) -> list[Followed]:
    """The model version that each account follows on a day; accounts that follow none are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWED, {"firm": firm_id, "on": on, "accounts": list(account_ids)})
        return [Followed(*row) for row in cursor.fetchall()]


def current_versions(firm_id: int, account_ids: Sequence[int], on: date) -> Mapping[int, int]:
    return {row.account_id: row.version_id for row in followed_versions(firm_id, account_ids, on)}


def flat_models(firm_id: int, version_ids: Sequence[int], on: date) -> dict[int, FlatModel]:
    """Each version with its parts resolved to securities as they stand on the day.

    :raises ModelLoop: if a model holds itself
    """
    in_force = _versions_in_force(firm_id, on)
    nodes: dict[int, list[ModelNode]] = {}
    for node in ModelNode.objects.for_firm(firm_id).select_related("child").order_by("version_id", "id"):
        nodes.setdefault(node.version_id, []).append(node)
    alternates = alternates_of_models(firm_id)
    wanted = ModelVersion.objects.for_firm(firm_id).filter(pk__in=version_ids).order_by("id")
    return {version.pk: _flatten(version, nodes, in_force, alternates) for version in wanted}


def alternates_of_models(firm_id: int) -> dict[int, dict[int, tuple[Ranked, ...]]]:
    """The alternates of every security that a model names some for, by model and security, in order of rank."""
    found: dict[int, dict[int, tuple[Ranked, ...]]] = {}
    rows = ModelAlternate.objects.for_firm(firm_id).order_by("target_model_id", "security_id", "rank", "alternate_id")
    for model, security, rank, alternate in rows.values_list("target_model_id", "security_id", "rank", "alternate_id"):
        named = found.setdefault(model, {})
        named[security] = (*named.get(security, ()), (rank, alternate))
    return found


def _versions_in_force(firm_id: int, on: date) -> dict[int, int]:
    """The newest version of each model that is in force on the day."""
    versions = ModelVersion.objects.for_firm(firm_id).filter(effective_on__lte=on)
    return {row.target_model_id: row.pk for row in versions.order_by("effective_on", "number")}


def version_in_force(firm_id: int, model_id: int, on: date) -> int | None:
    """The id of a model's version on a day; nothing if it has none yet."""
    return _versions_in_force(firm_id, on).get(model_id)


def _flatten(
    version: ModelVersion,
    nodes: Mapping[int, list[ModelNode]],
    in_force: Mapping[int, int],
    alternates: Mapping[int, Mapping[int, tuple[Ranked, ...]]],
) -> FlatModel:
    weights: dict[int, Decimal] = {}
    node_of: dict[int, int] = {}
    node_names: list[str] = []
    cash = Decimal(0)
    for security_id, share, top in _leaves(version.pk, Decimal(1), nodes, in_force, (), ""):
        if security_id is None:
            cash += share
            continue
        weights[security_id] = weights.get(security_id, Decimal(0)) + share
        if top:
            if top not in node_names:
                node_names.append(top)
            node_of.setdefault(security_id, node_names.index(top))
    inside = _models_inside(version, nodes, in_force) if alternates else ()
    named = _alternates_of(inside, alternates, weights)
    return FlatModel(version.target_model_id, version.pk, weights, cash, node_of, tuple(node_names), named)


def _models_inside(
    version: ModelVersion, nodes: Mapping[int, list[ModelNode]], in_force: Mapping[int, int]
) -> Iterator[int]:
    """The version's model and all that it is made of, each before its own parts."""
    yield version.target_model_id
    todo = [node for node in reversed(nodes.get(version.pk, [])) if node.child_id]
    while todo:
        child = todo.pop().child_id or 0
        yield child
        todo += [node for node in reversed(nodes.get(in_force[child], [])) if node.child_id]


def _alternates_of(
    models: Iterable[int],
    alternates: Mapping[int, Mapping[int, tuple[Ranked, ...]]],
    weights: Mapping[int, Decimal],
) -> dict[int, tuple[Ranked, ...]]:
    """What the first of the models that names any says of each security that has a weight."""
    found: dict[int, tuple[Ranked, ...]] = {}
    for model in models:
        for security, ranked in alternates.get(model, {}).items():
            if weights.get(security):
                found.setdefault(security, ranked)
    return found


def _leaves(
    version_id: int,
    share: Decimal,
    nodes: Mapping[int, list[ModelNode]],
    in_force: Mapping[int, int],
    path: tuple[int, ...],
    top: str,
) -> Iterator[tuple[int | None, Decimal, str]]:
    """(security or nothing for cash, weight, the top sub-model it stands in) of everything under a version."""
    if version_id in path:
        raise ModelLoop(f"model version {version_id} holds itself through its parts")
    for node in nodes.get(version_id, []):
        part = share * node.weight
        if node.child_id is None:
            yield node.security_id, part, top
        else:
            inside = top or str(node.child)
            yield from _leaves(in_force[node.child_id], part, nodes, in_force, (*path, version_id), inside)


def models_of_firm(firm_id: int) -> list[TargetModel]:
    return list(TargetModel.objects.for_firm(firm_id).order_by("name", "id"))


def models_of_versions(firm_id: int, version_ids: Sequence[int]) -> dict[int, int]:
    """The model of each version, by id."""
    rows = ModelVersion.objects.for_firm(firm_id).filter(pk__in=version_ids)
    return dict(rows.order_by("id").values_list("id", "target_model_id"))
