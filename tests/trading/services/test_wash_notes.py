from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.optimiser import solve
from tests.worlds import TODAY, Birch, make_account, make_assignment, make_household, make_lot
from trading.services.wash_notes import wash_notes

LATELY = TODAY - timedelta(days=8)


def noted(world: Birch, household_id: int) -> list[tuple[str, str, date, Decimal | None]]:
    """(code, symbol, until, amount) over the household's accounts."""
    whole = load_book(world.firm_id, [household_id], as_of=TODAY, depth=Depth.ALL_LOTS)
    notes: list[dict[str, Any]] = []
    for place, decision in enumerate(solve(whole.book)):
        notes += wash_notes(whole.book, decision, place)
    return [(note["code"], note["symbol"], note["until"], note["amount"]) for note in notes]


@pytest.fixture
def elm(birch: Birch) -> Any:
    household = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, household, birch.model)
    return household


def test_a_loss_that_is_taken_says_how_much_and_until_when_nothing_may_be_bought(birch: Birch, elm: Any) -> None:
    account = make_account(birch.firm_id, elm, number="2001")
    make_lot(birch.firm_id, account, "VTI", "100", basis="31000.00", acquired_on=date(2024, 5, 6))
    ((code, symbol, until, amount),) = noted(birch, elm.pk)
    assert (code, symbol, until) == ("LOSS_TAKEN", "VTI", TODAY + timedelta(days=30))
    assert amount is not None
    assert amount < 0


def test_no_loss_is_noted_in_an_account_that_is_not_taxed(birch: Birch, elm: Any) -> None:
    account = make_account(birch.firm_id, elm, number="2001", registration="ROTH_IRA")
    make_lot(birch.firm_id, account, "VTI", "100", basis="31000.00", acquired_on=date(2024, 5, 6))
    assert noted(birch, elm.pk) == []


def test_gains_are_not_noted(birch: Birch, elm: Any) -> None:
    account = make_account(birch.firm_id, elm, number="2001")
    make_lot(birch.firm_id, account, "VTI", "100", basis="20000.00", acquired_on=date(2024, 5, 6))
    assert noted(birch, elm.pk) == []


def test_a_purchase_of_the_last_thirty_days_says_from_when_the_loss_may_be_taken(birch: Birch, elm: Any) -> None:
    account = make_account(birch.firm_id, elm, number="2001")
    make_lot(birch.firm_id, account, "VTI", "100", basis="31000.00", acquired_on=date(2024, 5, 6))
    other = make_account(birch.firm_id, elm, number="2002", registration="ROTH_IRA", cash="2000.00")
    make_lot(birch.firm_id, other, "VTI", "2", basis="600.00", acquired_on=LATELY)
    make_lot(birch.firm_id, other, "BND", "20", basis="1480.00", acquired_on=date(2024, 5, 6))
    assert ("BOUGHT_LATELY", "VTI", LATELY + timedelta(days=30), None) in noted(birch, elm.pk)
