from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portfolios.models import CashBalance, Lot, Transaction
from portfolios.services import ingest
from tests.portfolios.services.ingest.records import make_batch, make_transaction_record
from tests.worlds import Birch, Cedar, World


def take(world: World, **changes: Any) -> list[tuple[str, str]]:
    result = ingest.apply_transactions(make_batch(world), [make_transaction_record(**changes)])
    return [(one.outcome.value, one.code) for one in result.records]


def test_a_transaction_is_history_and_moves_neither_lots_nor_cash(birch: Birch, cedar: Cedar) -> None:
    before = list(Lot.objects.for_firm(birch.firm_id).order_by("id").values_list("quantity", flat=True))
    assert take(birch) == [("CREATED", "")]
    assert list(Lot.objects.for_firm(birch.firm_id).order_by("id").values_list("quantity", flat=True)) == before
    assert CashBalance.objects.for_firm(birch.firm_id).get().settled == Decimal(2000)
    with cedar.scope():
        assert not Transaction.objects.for_firm(cedar.firm_id).exists()


def test_the_same_again_is_unchanged_and_other_content_under_its_id_is_a_conflict(birch: Birch) -> None:
    take(birch)
    assert take(birch) == [("UNCHANGED", "")]
    assert take(birch, amount=Decimal("1500.01")) == [("CONFLICT", "CONFLICT")]
    assert Transaction.objects.for_firm(birch.firm_id).get().amount == Decimal(1500)


def test_a_custodians_id_is_never_taken_for_an_execution_of_ours(birch: Birch) -> None:
    take(birch, transaction_id="exec:1")
    assert Transaction.objects.for_firm(birch.firm_id).get().key == "custodian:exec:1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"realised_gain": Decimal(-20)}, (Decimal(-20), None), id="a gain without its term is short"),
        pytest.param({"realised_long": Decimal(7)}, (None, Decimal(7)), id="a long one is long"),
    ],
)
def test_a_realised_gain_is_kept_by_its_term(birch: Birch, change: dict[str, Any], expected: tuple[Any, Any]) -> None:
    take(birch, **change)
    row = Transaction.objects.for_firm(birch.firm_id).get()
    assert (row.realised_short, row.realised_long) == expected


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"account_number": "9"}, "UNKNOWN_ACCOUNT", id="an account that nobody knows"),
        pytest.param({"symbol": "ZZZZ"}, "UNKNOWN_SECURITY", id="a security that nobody knows"),
        pytest.param({"currency": "EUR"}, "BAD_VALUE", id="another currency"),
        pytest.param({"kind": "GIFT"}, "BAD_VALUE", id="a kind that is none"),
        pytest.param({"transaction_id": "T" * 90}, "BAD_VALUE", id="an id too long to keep"),
        pytest.param({"settle_on": date(2026, 11, 17)}, "BAD_VALUE", id="settled before it was traded"),
    ],
)
def test_a_transaction_that_cannot_be_kept_is_rejected(birch: Birch, change: dict[str, Any], code: str) -> None:
    assert take(birch, **change) == [("REJECTED", code)]
