from __future__ import annotations

import pytest

from rebalancer.demo.models import household_models, leaf_weights, models_of
from rebalancer.demo.securities import SECURITIES


@pytest.mark.parametrize("slug", ["birch", "cedar"])
def test_weights_of_every_model_sum_to_one_and_name_known_things(slug):
    models = models_of(slug)
    symbols = {security.symbol for security in SECURITIES}
    known: set[str] = set()
    for model in models:
        assert sum(node.weight for node in model.nodes) == 1
        assert all((node.symbol in symbols) + (node.child in known) + node.is_cash == 1 for node in model.nodes)
        known.add(model.code)
    assert set(household_models(slug)) < known


def test_the_balanced_model_is_made_of_models_and_opens_to_its_funds():
    models = {model.code: model for model in models_of("birch")}
    assert [node.child for node in models["birch-60-40"].nodes] == ["birch-equity", "birch-bonds", ""]
    leaves = leaf_weights("birch-60-40", models)
    assert sum(leaves.values()) == 1
    assert float(leaves[""]) == 0.02
    assert float(leaves["VTI"]) == pytest.approx(0.98 * 0.6 * 0.52)
