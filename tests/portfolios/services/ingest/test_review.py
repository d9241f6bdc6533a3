from __future__ import annotations

import pytest

from portfolios.models import CashBalance, DataProblem, Lot, Position
from portfolios.services.ingest import review_accounts
from tests.worlds import NOW, Birch, Cedar, World


def review(world: World) -> list[tuple[str, str]]:
    review_accounts(firm_id=world.firm_id, account_ids=[world.account.pk], at=NOW)
    rows = DataProblem.objects.for_firm(world.firm_id).filter(resolved_at=None).order_by("code")
    return list(rows.values_list("code", "sentence"))


def bend(world: World, how: str) -> None:
    bonds = {"firm_id": world.firm_id, "security__symbol": "BND"}
    lots, positions = Lot.objects.for_firm(world.firm_id), Position.objects.for_firm(world.firm_id)
    if how == "fewer lots":
        lots.filter(**bonds).update(quantity=90)
    elif how == "no lots":
        lots.filter(**bonds).update(quantity=0)
    elif how == "no position":
        positions.filter(**bonds).delete()
    elif how == "no basis":
        lots.filter(**bonds).update(cost_basis=None)
    elif how == "short":
        positions.filter(**bonds).update(quantity=-5)
    elif how == "no cash":
        CashBalance.objects.for_firm(world.firm_id).delete()


@pytest.mark.parametrize(
    ("how", "code", "sentence"),
    [
        pytest.param(
            "fewer lots",
            "LOTS_DO_NOT_SUM",
            "The tax lots do not make the position. BND: 90 in lots, 150 held.",
            id="lots that hold less",
        ),
        pytest.param(
            "no position",
            "LOTS_DO_NOT_SUM",
            "The tax lots do not make the position. BND: 150 in lots, 0 held.",
            id="lots without a position",
        ),
        pytest.param(
            "no lots",
            "NO_LOTS",
            "There are no tax lots for BND; gains cannot be computed until they come.",
            id="a position without lots",
        ),
        pytest.param(
            "no basis",
            "MISSING_BASIS",
            "The cost basis of BND is missing; gains cannot be computed until it is known.",
            id="a basis that is missing",
        ),
        pytest.param(
            "short",
            "NEGATIVE_QUANTITY",
            "The custodian reports fewer than no shares of BND; short positions are not traded here.",
            id="fewer than no shares",
        ),
        pytest.param("no cash", "NO_CASH", "No cash balance has been reported for this account.", id="no cash balance"),
    ],
)
def test_what_does_not_agree_is_a_problem_of_the_account(
    birch: Birch, cedar: Cedar, how: str, code: str, sentence: str
) -> None:
    assert review(birch) == []
    bend(birch, how)
    assert review(birch) == [(code, sentence)]
    with cedar.scope():
        assert review(cedar) == []


def test_a_problem_that_is_found_again_is_one_and_keeps_its_first_day(birch: Birch) -> None:
    bend(birch, "no basis")
    assert review(birch) == review(birch)
    assert DataProblem.objects.for_firm(birch.firm_id).count() == 1


def test_a_problem_that_no_longer_holds_is_resolved(birch: Birch) -> None:
    bend(birch, "fewer lots")
    review(birch)
    Lot.objects.for_firm(birch.firm_id).filter(security__symbol="BND").update(quantity=150)
    assert review(birch) == []
    assert DataProblem.objects.for_firm(birch.firm_id).get().resolved_at == NOW
