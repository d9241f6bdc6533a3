"""Alternates: what is held of them counts, and the first that may be bought takes the place of what may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import BadBook
from rebalancer.engine.book_pack import pack_book, unpack_book
from rebalancer.engine.book_rows import WashRow, from_rows
from rebalancer.engine.checks import Checker, check
from rebalancer.engine.drift import measure
from rebalancer.engine.optimiser import solve
from tests.engine.books import (
    FULL,
    OLD,
    TODAY,
    make_account,
    make_book,
    make_model,
    make_position,
    make_securities,
    make_security,
    reasons,
    trades,
)
from tests.engine.optimiser.test_properties import SECURITIES, accounts, washes

MODEL = replace(make_model(), alternates={"VTI": (("ITOT",), ("OLD",))})
SOLD = WashRow(household="A1", wash_group="VTI", sold_at_loss_on=TODAY - timedelta(days=3))


def decide(*positions, model=MODEL, **book):
    made = make_book(make_account(*positions, cash="100000"), model=model, **book)
    decision = solve(made)[0]
    assert check(made, decision) == []
    return decision


def test_what_may_be_bought_is_bought_itself():
    assert trades(decide())["VTI"] == 500
    assert "ITOT" not in trades(decide())


@pytest.mark.parametrize(
    ("positions", "book", "why"),
    [
        pytest.param([], {"wash": [SOLD]}, "the household sold it, or its equivalent, at a loss", id="sold at a loss"),
        pytest.param([make_position("VTI", no_buy=True)], {}, "a restriction forbids it", id="restricted"),
        pytest.param(
            [],
            {"securities": make_securities(VTI=make_security("VTI", asset_class="US equity", price_age_sessions=9))},
            "its price is too old",
            id="an old price",
        ),
    ],
)
def test_the_first_alternate_is_bought_where_the_security_may_not_be(positions, book, why):
    decision = decide(*positions, **book)
    assert trades(decision)["ITOT"] == 1000
    assert "VTI" not in trades(decision)
    assert reasons(decision)["VTI"] == "ALTERNATE"
    (sentence,) = [skipped.sentence for skipped in decision.skipped if skipped.symbol == "VTI"]
    assert why in sentence
    assert sentence.endswith("; ITOT is bought instead.")


def test_the_next_rank_is_bought_where_the_first_may_not_be_either():
    decision = decide(make_position("ITOT", no_buy=True), wash=[SOLD])
    assert set(trades(decision)) == {"OLD", "VEA", "BND"}


def test_nothing_takes_its_place_where_no_alternate_may_be_bought():
    decision = decide(make_position("ITOT", no_buy=True), make_position("OLD", hold=True), wash=[SOLD])
    assert set(trades(decision)) == {"VEA", "BND"}
    assert reasons(decision)["VTI"] == "WASH_SALE_BUY"


def test_what_is_held_of_an_alternate_counts_and_is_not_sold():
    decision = decide(make_position("ITOT", ("1000", "30", OLD)))
    bought = trades(decision)
    assert "ITOT" not in bought
    assert bought["VTI"] == pytest.approx(249, abs=1)


def test_without_alternates_the_same_holding_is_sold():
    assert trades(decide(make_position("ITOT", ("1000", "30", OLD)), model=make_model()))["ITOT"] == -1000


def test_more_of_an_alternate_than_the_target_is_sold():
    book = make_book(make_account(make_position("ITOT", ("2000", "49", OLD))), model=MODEL)
    decision = solve(book)[0]
    assert trades(decision)["ITOT"] == pytest.approx(-1000, abs=1)
    assert "VTI" not in trades(decision)


def test_alternates_leave_no_drift():
    held = [("ITOT", "1000"), ("VEA", "360"), ("BND", "375")]
    account = make_account(*(make_position(symbol, (shares, "30", OLD)) for symbol, shares in held), cash="2000")
    assert measure(make_book(account, model=MODEL)).drift_weight[0] == pytest.approx(0, abs=1e-9)


def test_of_equal_ranks_the_one_whose_order_costs_less_is_bought():
    model = replace(make_model(), alternates={"VTI": (("ITOT", "OLD"),)})
    wide = make_security("ITOT", "50", asset_class="US equity", bid=Decimal("49.5"), ask=Decimal("50.5"))
    assert "OLD" in trades(decide(model=model, wash=[SOLD], securities=make_securities(ITOT=wide)))
    narrow = make_security("OLD", "20", bid=Decimal("19.5"), ask=Decimal("20.5"))
    assert "ITOT" in trades(decide(model=model, wash=[SOLD], securities=make_securities(OLD=narrow)))


@settings(max_examples=40, deadline=None)
@given(st.lists(accounts, min_size=1, max_size=3, unique_by=lambda row: row.account_id), washes)
def test_every_decision_with_alternates_passes_the_checks(rows, wash):
    known = [row for row in wash if row.household in {row.household for row in rows}]
    model = replace(make_model(), alternates={"VTI": (("OLD", "ITOT"),), "VEA": (("OLD",), ("BND",))})
    book = make_book(*rows, securities=SECURITIES, model=model, wash=known)
    assert Checker(book).check_all(solve(book)) == {}
    drift = measure(book)
    assert drift.rows.target.min(initial=0) >= -1e-12
    own = measure(replace(book, alternates=None)).rows.target
    assert np.bincount(drift.rows.account, drift.rows.target) == pytest.approx(np.bincount(drift.rows.account, own))


def test_a_part_of_a_book_keeps_its_alternates_and_decides_alike():
    both = [make_account(cash="100000", account_id=name) for name in ("A1", "A2")]
    book = make_book(*both, model=MODEL, wash=[replace(SOLD, household="A2")])
    part = unpack_book(pack_book(book, np.array([1])))
    assert trades(solve(part)[0]) == trades(solve(book)[1])
    assert "ITOT" in trades(solve(part)[0])


@pytest.mark.parametrize(
    ("alternates", "sentence"),
    [
        pytest.param({"VTI": (("XYZ",),)}, "no XYZ", id="an unknown symbol"),
        pytest.param({"VTI": (("VTI",),)}, "stand for itself", id="itself"),
        pytest.param({"VTI": (("OLD",), ("OLD",))}, "twice", id="twice"),
    ],
)
def test_alternates_that_cannot_be_are_refused(alternates, sentence):
    securities = make_securities(XYZ=make_security("ABC"))
    with pytest.raises(BadBook, match=sentence):
        make_book(make_account(), model=replace(make_model(), alternates=alternates), securities=securities)


def test_in_a_joint_household_what_one_account_holds_of_an_alternate_counts_for_all():
    policy = replace(FULL, joint=True)
    one = make_account(make_position("ITOT", ("500", "60", OLD)), cash="0", household="H", policy=policy)
    other = make_account(
        make_position("BND", ("400", "70", OLD)), cash="20000", account_id="A2", household="H", policy=policy
    )
    book = make_book(one, other, model=MODEL)
    decisions = list(solve(book))
    assert Checker(book).check_all(decisions) == {}
    assert "ITOT" not in trades(decisions[0])
    weights = {line.symbol: line.after_weight for one in decisions for line in one.securities}
    assert weights["VTI"] + weights["ITOT"] == pytest.approx(0.5, abs=0.002)
    assert decisions[0].drift_before == pytest.approx(measure(book).drift_weight[1])


@settings(max_examples=40, deadline=None)
@given(st.lists(accounts, min_size=2, max_size=3, unique_by=lambda row: row.account_id), washes)
def test_joint_households_with_alternates_pass_the_checks(rows, wash):
    policy = replace(rows[0].policy, joint=True)
    rows = [replace(row, household="H1", policy=policy) for row in rows]
    book = from_rows(
        as_of=TODAY,
        securities=SECURITIES,
        models=[MODEL],
        accounts=rows,
        wash=[one for one in wash if one.household == "H1"],
    )
    decisions = solve(book)
    assert Checker(book).check_all(list(decisions)) == {}
    assert (decisions.bound <= decisions.objective + 1e-6).all()
