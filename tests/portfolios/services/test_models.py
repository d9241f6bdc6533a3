from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from portfolios.models import ModelAssignment, ModelNode, ModelVersion, TargetModel
from portfolios.services.models import InvalidModel, Part, assign_accounts, assign_households, publish_model
from tests.worlds import NOW, TODAY, Birch, Cedar

HALVES = (("VTI", "0.5"), ("BND", "0.48"), ("cash", "0.02"))


def make_parts(*weights: tuple[str, str]) -> list[Part]:
    """Symbols in capitals, models in lower case, and cash."""
    return [
        Part(
            weight=Decimal(weight),
            symbol=name if name.isupper() else "",
            model_code=name if name.islower() and name != "cash" else "",
            is_cash=name == "cash",
        )
        for name, weight in (weights or HALVES)
    ]


def publish(world: Birch, code: str = "core", *weights: tuple[str, str], on: date = TODAY) -> ModelVersion:
    return publish_model(
        firm_id=world.firm_id,
        code=code,
        name=code.title(),
        parts=make_parts(*weights),
        effective_on=on,
        at=NOW,
        by="model-manager@birch.example",
    )


def test_a_published_version_holds_its_parts(birch: Birch) -> None:
    version = publish(birch)
    nodes = ModelNode.objects.for_firm(birch.firm_id).filter(version=version).order_by("-weight")
    assert list(nodes.values_list("security__symbol", "is_cash", "weight")) == [
        ("VTI", False, Decimal("0.5")),
        ("BND", False, Decimal("0.48")),
        (None, True, Decimal("0.02")),
    ]


def test_publishing_the_same_again_is_the_same_version_and_a_change_is_the_next(birch: Birch) -> None:
    first = publish(birch)
    assert publish(birch) == first
    assert publish(birch, "core", ("VTI", "0.6"), ("BND", "0.4")).number == 2


def test_a_model_may_be_made_of_models(birch: Birch) -> None:
    publish(birch, "equity", ("VTI", "0.7"), ("VEA", "0.3"))
    version = publish(birch, "growth", ("equity", "0.98"), ("cash", "0.02"))
    child = TargetModel.objects.for_firm(birch.firm_id).get(code="equity")
    assert ModelNode.objects.for_firm(birch.firm_id).get(version=version, child=child).weight == Decimal("0.98")


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        pytest.param((("VTI", "0.5"), ("BND", "0.4")), "sum to 0.9, not to 1", id="too little"),
        pytest.param((("VTI", "0.5"), ("VTI", "0.5")), "VTI stands twice", id="twice"),
        pytest.param((("ZZZZ", "1"),), "names ZZZZ, which", id="an unknown security"),
        pytest.param((("nothing", "1"),), "names nothing, which", id="an unknown model"),
        pytest.param((("core", "1"),), "would hold itself", id="itself"),
        pytest.param((("outer", "1"),), "would hold itself", id="itself, through another"),
    ],
)
def test_a_model_that_cannot_be_is_refused_and_nothing_is_stored(
    birch: Birch, weights: tuple[tuple[str, str], ...], sentence: str
) -> None:
    publish(birch)
    publish(birch, "outer", ("core", "1"))
    before = ModelVersion.objects.for_firm(birch.firm_id).count()
    with pytest.raises(InvalidModel, match=sentence):
        publish(birch, "core", *weights)
    assert ModelVersion.objects.for_firm(birch.firm_id).count() == before


@pytest.mark.parametrize("weight", ["0", "-0.1", "1.1", "0.123456789"])
def test_a_weight_is_a_fraction_of_at_most_eight_decimals(weight: str) -> None:
    with pytest.raises(InvalidModel, match="is not a fraction"):
        Part(weight=Decimal(weight), symbol="VTI")


def test_a_part_is_one_thing() -> None:
    with pytest.raises(InvalidModel, match="one of the three"):
        Part(weight=Decimal(1), symbol="VTI", is_cash=True)


def test_another_firms_model_is_unknown(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        publish(cedar, "secret")
    with pytest.raises(InvalidModel, match="names secret, which"):
        publish(birch, "core", ("secret", "1"))


def test_who_follows_what_is_saved_once_a_day(birch: Birch) -> None:
    model = publish(birch).target_model_id
    for changed in (1, 0):
        households = {birch.household.pk: model}
        assert (
            assign_households(firm_id=birch.firm_id, models=households, on=TODAY, at=NOW, by="a@b.example") == changed
        )
    accounts = {birch.account.pk: birch.model.pk}
    assert assign_accounts(firm_id=birch.firm_id, models=accounts, on=TODAY, at=NOW, by="a@b.example") == 1
    rows = ModelAssignment.objects.for_firm(birch.firm_id).filter(assigned_on=TODAY).order_by("id")
    assert list(rows.values_list("household_id", "account_id", "target_model_id")) == [
        (birch.household.pk, None, model),
        (None, birch.account.pk, birch.model.pk),
    ]
