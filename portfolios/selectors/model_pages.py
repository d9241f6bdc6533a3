"""The models page: each model with its tree, who follows it, and which version comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from portfolios.models import ModelNode, ModelVersion, TargetModel
from portfolios.selectors.alternate_pages import alternates_by_model
from portfolios.selectors.policies import policies_in_force

_FOLLOWERS = """
SELECT assignment.target_model_id, count(*), coalesce(sum(holding.value), 0)
FROM accounts_account account
CROSS JOIN LATERAL (
    SELECT target_model_id FROM portfolios_modelassignment assigned
    WHERE assigned.firm_id = account.firm_id AND assigned.assigned_on <= %(on)s
      AND (assigned.account_id = account.id OR assigned.household_id = account.household_id)
    ORDER BY (assigned.account_id IS NOT NULL) DESC, assigned.assigned_on DESC, assigned.id DESC LIMIT 1
) assignment
LEFT JOIN LATERAL (
    SELECT sum(position.quantity * price.close) AS value
    FROM portfolios_position position
    JOIN LATERAL (
        SELECT close FROM portfolios_price quote WHERE quote.security_id = position.security_id
        ORDER BY priced_on DESC LIMIT 1
    ) price ON true
    WHERE position.firm_id = account.firm_id AND position.account_id = account.id
) holding ON true
WHERE account.firm_id = %(firm)s
GROUP BY assignment.target_model_id
"""


@dataclass(frozen=True, slots=True)
class _Tree:
    """A firm's versions in force on a day, and the nodes of each."""

    versions: Mapping[int, ModelVersion]
    nodes: Mapping[int, list[ModelNode]]

    def lines(self, version: ModelVersion, share: Decimal, depth: int) -> Iterator[dict[str, Any]]:
        for node in self.nodes.get(version.pk, []):
            weight = share * node.weight
            yield {"depth": depth, "weight": weight, **_named(node)}
            if node.child_id and node.child_id in self.versions and depth < 3:
                yield from self.lines(self.versions[node.child_id], weight, depth + 1)


def _named(node: ModelNode) -> dict[str, Any]:
    if node.is_cash:
        return {"name": "Cash", "symbol": None}
    if node.security:
        return {"name": node.security.name, "symbol": node.security.symbol}
    return {"name": str(node.child), "symbol": None}


def model_pages(firm_id: int, on: date) -> list[dict[str, Any]]:
    """Every model of the firm as it stands on the day, by name."""
    tree = _tree(firm_id, on)
    upcoming = dict(
        ModelVersion.objects.for_firm(firm_id)
        .filter(effective_on__gt=on)
        .order_by("-effective_on")
        .values_list("target_model_id", "effective_on")
    )
    followers = _followers(firm_id, on)
    layers, alternates = policies_in_force(firm_id).models, alternates_by_model(firm_id)
    return [
        _page(model, tree, followers.get(model.pk, (0, Decimal(0))), upcoming.get(model.pk), model.pk in layers)
        | {"alternates": alternates.get(model.pk, [])}
        for model in TargetModel.objects.for_firm(firm_id).order_by("name", "id")
    ]


def _tree(firm_id: int, on: date) -> _Tree:
    versions = ModelVersion.objects.for_firm(firm_id).filter(effective_on__lte=on).order_by("effective_on", "number")
    nodes: dict[int, list[ModelNode]] = {}
    for node in ModelNode.objects.for_firm(firm_id).select_related("security", "child").order_by("-weight", "id"):
        nodes.setdefault(node.version_id, []).append(node)
    return _Tree({row.target_model_id: row for row in versions}, nodes)


def _followers(firm_id: int, on: date) -> Mapping[int, tuple[int, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWERS, {"firm": firm_id, "on": on})
        return {model: (count, value) for model, count, value in cursor.fetchall()}


def _page(
    model: TargetModel, tree: _Tree, followers: tuple[int, Decimal], next_on: date | None, has_policy: bool
) -> dict[str, Any]:
    version = tree.versions.get(model.pk)
    lines = list(tree.lines(version, Decimal(1), 0)) if version else []
    return {
        "id": model.pk,
        "name": model.name,
        "version": version.number if version else None,
        "effective_on": version.effective_on if version else None,
        "description": "Has settings of its own." if has_policy else "",
        "accounts_count": followers[0],
        "value": followers[1],
        "next_version_on": next_on,
        "lines": lines,
        "total_weight": sum((line["weight"] for line in lines if line["depth"] == 0), Decimal(0)),
    }
