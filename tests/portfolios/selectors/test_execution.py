from __future__ import annotations

from decimal import Decimal

import pytest

from portfolios.policy_files import BuysPaidBy, InvalidPolicy
from portfolios.selectors.execution import ExecutionTerms, execution_terms
from portfolios.services.policies import publish_policy
from tests.worlds import NOW, Birch, Cedar


def publish(world: Birch | Cedar, toml: str) -> None:
    publish_policy(firm_id=world.firm_id, toml=toml, by="ann@example.com", at=NOW)


def test_what_a_firm_does_not_set_is_as_the_product_has_it(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        publish(cedar, 'execution.settlement = "NEXT_SESSION"')
    publish(birch, "execution.settlement_haircut_weight = 0.02")
    assert execution_terms(birch.firm_id) == ExecutionTerms(settlement_haircut_weight=Decimal("0.02"))
    with cedar.scope():
        assert execution_terms(cedar.firm_id).settlement is BuysPaidBy.NEXT_SESSION


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        pytest.param('settlement = "TOMORROW"', "execution.settlement is 'TOMORROW': input should be", id="word"),
        pytest.param("settlement_haircut_weight = 1", "execution.settlement_haircut_weight is 1:", id="all of it"),
        pytest.param("slice_volume_weight = 0", "execution.slice_volume_weight is 0:", id="nothing a day"),
        pytest.param("tier = 0", "execution.tier is 0:", id="no trade first"),
        pytest.param(
            'parts_of_shares = "ROUND"', "execution.parts_of_shares is 'ROUND': input should be", id="rounded"
        ),
        pytest.param("sells_maximum_minutes = 0", "execution.sells_maximum_minutes is 0:", id="no minute"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_key(birch: Birch, toml: str, sentence: str) -> None:
    with pytest.raises(InvalidPolicy) as refused:
        publish(birch, f"execution.{toml}")
    assert refused.value.sentences[0].startswith(sentence)
