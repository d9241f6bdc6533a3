from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_tables import NO_BUDGET
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import ShortGainRule
from rebalancer.engine.portable import BadPortableBook, book_of, orders_of, trades_of

BOOK: dict[str, Any] = {
    "as_of": "2026-01-05",
    "prices": {"M01": 100, "M02": Decimal("50.25"), "L01": 20},
    "model": {"M01": Decimal("0.6"), "M02": Decimal("0.38")},
    "cash_target": Decimal("0.02"),
    "rates": {"short": Decimal("0.35"), "long": Decimal("0.2")},
    "cost_bps": 5,
    "min_trade": 100,
    "accounts": [
        {
            "id": "A1",
            "cash": Decimal("1500.50"),
            "lots": [
                {"id": "1", "symbol": "M01", "qty": 500, "basis": Decimal("60.5"), "age": 900},
                {"id": "2", "symbol": "M01", "qty": 200, "basis": 120, "age": 100},
                {"id": "3", "symbol": "L01", "qty": 300, "basis": 10, "age": 365},
            ],
            "sold_at_loss_30d": [],
        }
    ],
}


def changed(path, value):
    book = deepcopy(BOOK)
    place: Any = book
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return book


def test_a_portable_book_is_read_in_its_units():
    book = book_of(BOOK)
    assert book.securities.price.tolist() == [100_000_000, 50_250_000, 20_000_000]
    assert (book.securities.ask - book.securities.bid).tolist() == [100_000, 50_250, 20_000]
    assert book.lots.cost_basis.tolist() == [30_250_000_000, 24_000_000_000, 3_000_000_000]
    assert [str(day) for day in book.lots.acquired_on] == ["2023-07-20", "2025-09-27", "2025-01-05"]
    assert book.cash_micros().tolist() == [1_500_500_000]


def test_trades_are_written_with_signed_whole_shares_and_named_lots():
    book = book_of(BOOK)
    decisions = solve(book)
    assert Checker(book).check_all(decisions) == {}
    written = json.loads(json.dumps(trades_of(decisions)))["A1"]
    assert [(trade["symbol"], trade["qty"]) for trade in written["trades"]] == [
        ("L01", -300),
        ("M01", -235),
        ("M02", 586),
    ]
    assert written["trades"][1]["lots"] == [{"id": "2", "qty": 200}, {"id": "1", "qty": 35}]
    assert "lots" not in written["trades"][2]


def test_what_was_sold_at_a_loss_is_not_bought_by_the_household():
    book = changed(["accounts", 0, "sold_at_loss_30d"], ["M01", "M02"])
    book["accounts"].append({"id": "A2", "cash": 50_000, "lots": [], "household": "A1", "tax_status": "EXEMPT"})
    made = book_of(book)
    assert made.accounts.tax_status.tolist() == [TaxStatus.TAXABLE, TaxStatus.EXEMPT]
    assert {trade.symbol for decision in solve(made) for trade in decision.trades if trade.side == "BUY"} == set()


def test_optional_fields_reach_the_engine():
    book = changed(["accounts", 0, "no_sell"], ["M01"])
    book["accounts"][0] |= {"cash_reserve": 500, "withdrawals_due": 100, "no_buy": ["M02"]}
    book |= {"asset_classes": {"M01": "US equity"}, "wash_groups": {"M01": "TOTAL", "M02": "TOTAL"}}
    made = book_of(book)
    assert made.asset_classes == ("US equity", "M02", "L01")
    assert made.securities.wash_group.tolist() == [0, 0, 1]
    assert (made.positions.no_sell.tolist(), made.positions.no_buy.tolist()) == (
        [True, False, False],
        [False, False, True],
    )


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        pytest.param(["as_of"], None, "The book: as_of is missing.", id="no date"),
        pytest.param(["as_of"], "5 Jan", "The book: as_of must be a date like 2026-01-05, not '5 Jan'.", id="bad date"),
        pytest.param(["as_of"], "2009-01-05", "The book: No fee rate is written down for 2009-01-05", id="too early"),
        pytest.param(["prices"], [], "The book: prices must be an object, not [].", id="prices"),
        pytest.param(["prices", "M01"], 0, "The book: prices: M01 must be more than 0, not 0.", id="price of zero"),
        pytest.param(["prices", "M01"], "9", "The book: prices: M01 must be a number, not '9'.", id="price in text"),
        pytest.param(["prices", "M01"], Decimal("NaN"), "prices: M01 must be a number, not NaN.", id="not a number"),
        pytest.param(["prices", "M01"], 10**13, "M01 must be at most 1,000,000,000,000", id="too large"),
        pytest.param(
            ["prices", "M01"],
            Decimal("0.0000001"),
            "prices: M01 must be a number of at most six decimals",
            id="too fine",
        ),
        pytest.param(["model", "X"], Decimal("0.1"), "The book: model names 'X', which has no price.", id="model"),
        pytest.param(["model", "M01"], Decimal("0.7"), "model and cash_target must sum to 1, not 1.10.", id="weights"),
        pytest.param(["rates", "short"], 2, "The book: short_rate must be between 0 and 1, not 2.", id="rate"),
        pytest.param(["cost_bps"], 10_000, "The book: cost_bps must be below 10000, not 10000.", id="cost"),
        pytest.param(["accounts"], {}, "The book: accounts must be a list, not {}.", id="accounts"),
        pytest.param(["accounts", 0], 7, "accounts[0] must be an object, not 7.", id="account"),
        pytest.param(["accounts", 0, "id"], None, "accounts[0]: id is missing.", id="no id"),
        pytest.param(["accounts", 0, "cash"], True, "Account A1: cash must be a number, not True.", id="cash"),
        pytest.param(
            ["accounts", 0, "tax_status"], "IRA", "Account A1: tax_status must be TAXABLE or", id="tax status"
        ),
        pytest.param(
            ["accounts", 0, "lots", 1, "qty"], -5, "Account A1: lots[1]: qty must be 0 or more, not -5.", id="qty"
        ),
        pytest.param(
            ["accounts", 0, "lots", 1, "age"], Decimal("1.5"), "lots[1]: age must be a whole number", id="age"
        ),
        pytest.param(["accounts", 0, "lots", 1, "basis"], None, "Account A1: lots[1]: basis is missing.", id="basis"),
        pytest.param(
            ["accounts", 0, "lots", 1, "id"], "1", "Account A1: lots[1].id '1' stands there twice.", id="lot twice"
        ),
        pytest.param(
            ["accounts", 0, "lots", 1, "symbol"], "X", "lots[1].symbol is 'X', which has no price.", id="symbol"
        ),
        pytest.param(["accounts", 0, "sold_at_loss_30d"], ["X"], "sold_at_loss_30d names 'X'", id="sold"),
        pytest.param(["harvest"], 1, "The book: harvest must be true or false, not 1.", id="harvest"),
        pytest.param(
            ["short_gain_rule"], "MAYBE", "short_gain_rule must be OFF or SOFT or HARD, not 'MAYBE'", id="rule"
        ),
        pytest.param(["short_gain_days"], Decimal("1.5"), "short_gain_days must be a whole number", id="days"),
        pytest.param(["covariance"], [[1]], "covariance must have 3 rows of 3 numbers", id="too small a covariance"),
        pytest.param(
            ["covariance"],
            [[1, 0, 0], [0, 1, 0], [0, 0, "1"]],
            "covariance must hold numbers, not '1'.",
            id="text in the covariance",
        ),
        pytest.param(
            ["covariance"], [[1, 0, 1], [0, 1, 0], [0, 0, 1]], "covariance must be symmetric.", id="not symmetric"
        ),
        pytest.param(
            ["covariance"],
            [[1, 2, 0], [2, 1, 0], [0, 0, 1]],
            "covariance must be positive semidefinite: its eigenvalues run from -1 to 3.",
            id="not semidefinite",
        ),
        pytest.param(["households"], {"X": {}}, "There is no household X, which a tax row names.", id="household"),
        pytest.param(
            ["households"], {"A1": {"netting": 1}}, "Household A1: netting must be true or false", id="netting"
        ),
    ],
)
def test_a_malformed_book_is_refused_in_one_sentence_that_says_where(path, value, sentence):
    with pytest.raises(BadPortableBook) as refused:
        book_of(changed(path, value))
    assert sentence in str(refused.value)


@pytest.mark.parametrize("data", [None, [], 3, "book"])
def test_what_is_no_object_is_no_book(data):
    with pytest.raises(BadPortableBook, match="The book must be an object"):
        book_of(data)


def test_two_accounts_of_one_id_are_refused():
    book = deepcopy(BOOK)
    book["accounts"] *= 2
    with pytest.raises(BadPortableBook, match="ids that differ"):
        book_of(book)


def test_orders_from_the_columns_are_the_trades_that_were_worked_out_exactly():
    decisions = solve(book_of(BOOK))
    told = trades_of(decisions)["A1"]["trades"]
    listed = orders_of(decisions)["A1"]
    assert {order["symbol"]: order["qty"] for order in listed} == {trade["symbol"]: trade["qty"] for trade in told}
    by_symbol = {trade["symbol"]: {lot["id"]: lot["qty"] for lot in trade.get("lots", [])} for trade in told}
    assert {order["symbol"]: {lot["id"]: lot["qty"] for lot in order.get("lots", [])} for order in listed} == by_symbol


def test_parts_of_a_share_and_of_a_cent_are_read_to_the_micro():
    book = changed(["accounts", 0, "lots", 0], {"id": "1", "symbol": "M01", "qty": Decimal("0.333333"), "age": 1})
    book["accounts"][0]["lots"][0]["basis"] = Decimal("10.000001")
    made = book_of(book)
    assert (made.lots.quantity[0], made.lots.cost_basis[0]) == (333_333, 3_333_330)


def test_a_covariance_becomes_loadings_in_the_order_of_the_prices():
    book = BOOK | {
        "symbols": ["L01", "OTHER", "M02", "M01"],
        "covariance": [[Decimal("0.09"), 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 1], [0, 0, 1, 2]],
    }
    risk = book_of(book).risk
    assert risk is not None
    covariance = risk.loadings @ risk.loadings.T + np.diag(risk.specific)
    assert covariance == pytest.approx(np.array([[2, 1, 0], [1, 2, 0], [0, 0, 0.09]]), abs=1e-12)


def test_a_covariance_of_fewer_factors_than_securities_is_read_though_rounding_left_it_a_little_negative():
    row = [Decimal("0.04000001"), Decimal("0.04"), Decimal("0.04")]
    risk = book_of(BOOK | {"covariance": [row, [row[1]] * 3, [row[1]] * 3]}).risk
    assert risk is not None
    assert risk.loadings.shape[1] < 3


def test_a_security_without_a_row_in_the_covariance_is_named():
    book = BOOK | {"symbols": ["M01", "M02"], "covariance": [[1, 0], [0, 1]]}
    with pytest.raises(BadPortableBook, match="covariance has no row for L01, which has a price"):
        book_of(book)


def test_losses_are_harvested_unless_the_book_says_otherwise():
    assert [policy.harvest for policy in book_of(BOOK).policies] == [True]
    assert [policy.harvest for policy in book_of(BOOK | {"harvest": False}).policies] == [False]


def test_a_book_may_name_parameters_of_the_policy():
    named = {"short_gain_rule": "SOFT", "short_gain_days": 45, "risk_aversion": 6, "horizon_years": Decimal("2.5")}
    policy = book_of(BOOK | named).policies[0]
    assert (policy.short_gain_rule, policy.short_gain_days) == (ShortGainRule.SOFT, 45)
    assert (policy.risk_aversion, policy.horizon_years) == (6, Decimal("2.5"))


def test_without_budgets_a_book_has_no_taxes():
    assert book_of(BOOK).taxes is None


def test_budgets_come_from_households_and_from_accounts():
    book = changed(["accounts", 0, "gain_budget"], Decimal("2500.50"))
    book["accounts"] += [{"id": name, "cash": 1, "lots": [], "household": "H"} for name in ("A2", "A3")]
    book["accounts"].append({"id": "A4", "cash": 1, "lots": []})
    book["households"] = {"H": {"gain_budget": 100, "tax_budget": 30, "short_so_far": -50, "long_so_far": 20}}
    taxes = book_of(book).taxes
    assert taxes is not None
    assert taxes.gain_budget.tolist() == [2_500_500_000, 100_000_000, NO_BUDGET]
    assert taxes.tax_budget.tolist() == [NO_BUDGET, 30_000_000, NO_BUDGET]
    assert (taxes.short_so_far.tolist(), taxes.long_so_far.tolist()) == ([0, -50_000_000, 0], [0, 20_000_000, 0])
    assert taxes.loss_limit.tolist() == [3_000_000_000] * 3


def test_a_budget_that_is_named_twice_is_refused():
    book = changed(["accounts", 0, "gain_budget"], 5)
    book["households"] = {"A1": {"gain_budget": 5}}
    with pytest.raises(BadPortableBook, match="Account A1: gain_budget of household A1 is named twice"):
        book_of(book)


def test_ranges_keep_what_they_name():
    book = book_of(changed(["accounts", 0, "ranges"], [{"symbol": "L01", "lowest": 100}]))
    decisions = solve(book)
    assert Checker(book).check_all(decisions) == {}
    assert {trade.symbol: trade.quantity for trade in decisions[0].trades}["L01"] == 200


def test_alternates_are_bought_where_a_symbol_may_not_be():
    named = BOOK | {"alternates": {"M02": [["L01"]]}, "accounts": [BOOK["accounts"][0] | {"no_buy": ["M02"]}]}
    bought = {trade.symbol for trade in solve(book_of(named))[0].trades if trade.side == "BUY"}
    assert bought == {"L01"}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        pytest.param(["accounts", 0, "ranges"], [{"symbol": "M09", "lowest": 1}], "'M09', which has no", id="symbol"),
        pytest.param(["accounts", 0, "ranges"], [{"symbol": "M01"}], "one of them must be there", id="no end"),
        pytest.param(["accounts", 0, "ranges"], [{"symbol": "M01", "unit": "LOTS"}], "SHARES or DOLLARS", id="unit"),
        pytest.param(["alternates"], {"M01": ["M09"]}, "of M01 names 'M09'", id="an unknown alternate"),
        pytest.param(["alternates"], {"M01": ["M01"]}, "stand for itself", id="an alternate for itself"),
    ],
)
def test_ranges_and_alternates_that_cannot_be_are_refused(path, value, sentence):
    with pytest.raises(BadPortableBook, match=sentence):
        book_of(changed(path, value))
