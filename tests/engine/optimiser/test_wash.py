"""The wash-sale guard, within an account and over a household."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import WashRow
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from tests.engine.books import (
    OLD,
    RECENT,
    TODAY,
    make_account,
    make_book,
    make_position,
    make_securities,
    make_security,
    overweight_equity,
    reasons,
    trades,
)


def lots_sold(decision):
    return {pick.lot_id: int(pick.quantity) for trade in decision.trades for pick in trade.lots}


def decisions(*accounts, **book):
    made = make_book(*accounts, **book)
    found = solve(made)
    assert Checker(made).check_all(found) == {}
    return found


@pytest.mark.parametrize(
    ("days", "bought"), [pytest.param(30, False, id="30 days ago"), pytest.param(31, True, id="31 days ago")]
)
def test_what_the_household_sold_at_a_loss_is_not_bought_for_30_days(days, bought):
    wash = [WashRow(household="H", wash_group="VEA", sold_at_loss_on=TODAY - timedelta(days=days))]
    decision = decisions(overweight_equity(household="H"), wash=wash)[0]
    assert ("VEA" in trades(decision)) is bought
    if not bought:
        assert reasons(decision)["VEA"] == "WASH_SALE_BUY"


def test_another_household_may_buy_it():
    wash = [WashRow(household="A2", wash_group="VEA", sold_at_loss_on=TODAY)]
    found = decisions(overweight_equity(), overweight_equity(account_id="A2"), wash=wash)
    assert ["VEA" in trades(decision) for decision in found] == [True, False]


@pytest.mark.parametrize(
    ("days", "loss_taken"), [pytest.param(30, False, id="30 days ago"), pytest.param(31, True, id="31 days ago")]
)
def test_no_loss_is_taken_in_what_was_bought_out_of_sight_within_30_days(days, loss_taken):
    wash = [WashRow(household="A1", wash_group="VTI", bought_on=TODAY - timedelta(days=days))]
    decision = decisions(overweight_equity(), wash=wash)[0]
    assert ("VTI-3" in lots_sold(decision)) is loss_taken
    assert trades(decision)["VTI"] == -160


def bought_lately(quantity: str, basis: str):
    return make_account(
        make_position("VTI", ("100", "120", OLD), (str(560 - int(quantity)), "60", OLD), (quantity, basis, RECENT)),
        make_position("VEA", ("180", "40", OLD)),
        make_position("BND", ("275", "70", OLD)),
        cash="3000",
    )


def test_a_recent_purchase_in_the_account_goes_first_or_no_loss_is_taken():
    """Selling ten recent shares at a small gain frees the loss lot, and is cheaper than selling gains of 40 a share."""
    sold = lots_sold(decisions(bought_lately("10", "98"))[0])
    assert (sold["VTI-3"], sold["VTI-1"]) == (10, 100)


def test_a_recent_purchase_that_is_larger_than_the_sale_keeps_the_loss_back():
    sold = lots_sold(decisions(bought_lately("300", "98"))[0])
    assert "VTI-1" not in sold


def test_a_recent_purchase_in_another_account_of_the_household_keeps_the_loss_back():
    ira = make_account(
        make_position("VTI", ("5", "98", RECENT)),
        account_id="IRA",
        household="H",
        tax_status=TaxStatus.DEFERRED,
    )
    sold = lots_sold(decisions(overweight_equity(household="H"), ira)[0])
    assert "VTI-3" not in sold


def test_a_group_sold_at_a_loss_in_one_account_is_not_bought_in_another():
    seller = overweight_equity(account_id="T", household="H")
    buyer = make_account(cash="1000", account_id="IRA", household="H", tax_status=TaxStatus.DEFERRED)
    for accounts in ((seller, buyer), (buyer, seller)):
        found = {decision.account_id: decision for decision in decisions(*accounts)}
        assert "VTI-3" in lots_sold(found["T"])
        assert reasons(found["IRA"])["VTI"] == "WASH_SALE_BUY"


def test_a_loss_is_left_where_another_account_has_more_to_gain_from_buying():
    seller = overweight_equity(account_id="T", household="H")
    buyer = make_account(cash="50000", account_id="IRA", household="H", tax_status=TaxStatus.DEFERRED)
    for accounts in ((seller, buyer), (buyer, seller)):
        found = {decision.account_id: decision for decision in decisions(*accounts)}
        assert "VTI-3" not in lots_sold(found["T"])
        assert trades(found["IRA"])["VTI"] > 0


def test_a_group_bought_in_one_account_is_not_sold_at_a_loss_in_another():
    buyer = make_account(cash="50000", account_id="A", household="H")
    seller = overweight_equity(account_id="B", household="H")
    found = {decision.account_id: decision for decision in decisions(buyer, seller)}
    assert trades(found["A"])["VTI"] > 0
    assert "VTI-3" not in lots_sold(found["B"])


def test_equivalents_are_one_group():
    rows = {
        "VTI": make_security("VTI", "100", asset_class="US equity", wash_group="TOTAL"),
        "ITOT": make_security("ITOT", "50", asset_class="US equity", wash_group="TOTAL"),
    }
    account = make_account(
        make_position("ITOT", ("800", "60", OLD)), make_position("BND", ("375", "70", OLD)), cash="2000"
    )
    decision = decisions(account, securities=make_securities(**rows))[0]
    assert trades(decision)["ITOT"] == -80  # 40,000 dollars count towards the 36,000 of VTI
    assert "VTI" not in trades(decision)
    assert reasons(decision)["VTI"] == "EQUIVALENT"


def test_a_loss_in_an_account_that_is_not_taxed_locks_nothing():
    ira = overweight_equity(account_id="IRA", household="H", tax_status=TaxStatus.EXEMPT)
    other = make_account(cash="50000", account_id="Z", household="H", tax_status=TaxStatus.EXEMPT)
    found = decisions(ira, other)
    assert trades(found[1])["VTI"] == 250
    assert found[0].tax == Decimal(0)
