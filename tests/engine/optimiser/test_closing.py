"""A position that is not a whole number of shares goes as a whole, and is otherwise sold in whole shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import RiskModel, TaxStatus
from rebalancer.engine.book_rows import LotRow, PositionRow
from rebalancer.engine.breaches import BreachCode
from rebalancer.engine.checks import Checker, check
from rebalancer.engine.optimiser import solve
from rebalancer.engine.optimiser.decision import SkipReason
from rebalancer.engine.policy import Distance
from rebalancer.engine.triggers import MODES, Mode
from tests.engine.books import FULL, OLD, TODAY, make_account, make_book, make_position, make_securities, make_security
from tests.engine.optimiser.test_properties import accounts, book_of

LIQUIDATE = MODES.index(Mode.LIQUIDATE)


def sold(decision) -> dict[str, Decimal]:
    return {trade.symbol: trade.quantity for trade in decision.trades if trade.side == "SELL"}


def liquidate(book):
    decision = solve(book, modes=[LIQUIDATE] * len(book))[0]
    assert check(book, decision) == []
    return decision


def test_liquidation_sells_every_share_and_part_of_one():
    account = make_account(
        make_position("VTI", ("10.123456", "60", OLD), ("3.5", "80", OLD)), make_position("BND", ("0.25", "70", OLD))
    )
    decision = liquidate(make_book(account))
    assert sold(decision) == {"VTI": Decimal("13.623456"), "BND": Decimal("0.25")}
    assert all(line.quantity_after == 0 for line in decision.securities)
    assert decision.certificate.proven
    assert decision.certificate.gap_bps < 0.01


def test_what_the_model_does_not_hold_goes_with_its_part_of_a_share():
    account = make_account(make_position("OLD", ("400.75", "15", OLD)), cash="20000")
    book = make_book(account)
    decision = solve(book, exact=True)[0]
    assert check(book, decision) == []
    assert sold(decision) == {"OLD": Decimal("400.75")}
    assert decision.certificate.proven


def test_what_stays_is_sold_in_whole_shares():
    account = make_account(make_position("VTI", ("660.5", "60", OLD)), make_position("VEA", ("180", "40", OLD)))
    (quantity,) = sold(solve(make_book(account))[0]).values()
    assert quantity == quantity.to_integral_value()


def test_a_loss_that_would_be_washed_stays_with_its_part_of_a_share():
    recent = TODAY - timedelta(days=5)
    account = make_account(make_position("OLD", ("100.5", "10", OLD), ("50.25", "40", OLD)), cash="20000")
    other = make_account(make_position("OLD", ("10", "20", recent)), account_id="A2", tax_status=TaxStatus.DEFERRED)
    both = [replace(row, household="H") for row in (account, other)]
    both[1] = replace(both[1], positions=(replace(both[1].positions[0], no_sell=True),))
    decision = liquidate(make_book(*both))
    assert sold(decision) == {"OLD": Decimal(100)}


def test_volume_that_does_not_suffice_leaves_a_whole_number_sold():
    securities = make_securities(OLD=make_security("OLD", "20", asset_class="Other", adv_shares=1000))
    decision = liquidate(make_book(make_account(make_position("OLD", ("60.5", "10", OLD))), securities=securities))
    assert sold(decision) == {"OLD": Decimal(50)}


def test_where_distance_is_risk_positions_go_whole_as_well():
    held = [make_position(symbol, ("300.75", "15", OLD)) for symbol in ("OLD", "ITOT")]
    account = make_account(make_position("VTI", ("200.5", "60", OLD)), *held, tax_status=TaxStatus.DEFERRED)
    book = make_book(account)
    count = len(book.securities.symbol)
    risk = RiskModel(loadings=np.full((count, 1), 0.15), specific=np.full(count, 0.2))
    by_risk = replace(book, risk=risk)
    decision = solve(by_risk, distance=Distance.RISK, exact=True)[0]
    assert check(book, decision) == []
    assert sold(decision)["ITOT"] == Decimal("300.75")
    assert decision.certificate.proven
    everything = solve(by_risk, modes=[LIQUIDATE], distance=Distance.RISK)[0]
    assert {line.quantity_after for line in everything.securities} == {0}


def test_a_remainder_below_the_smallest_trade_is_not_sold_on_its_own():
    book = make_book(make_account(make_position("OLD", ("4.5", "10", OLD)), cash="20000"))
    assert sold(solve(book)[0]) == {}


def test_a_sale_of_parts_that_leaves_something_is_a_breach():
    book = make_book(make_account(make_position("OLD", ("400.75", "15", OLD)), cash="20000"))
    decision = solve(book)[0]
    (sale,) = [trade for trade in decision.trades if trade.side == "SELL"]
    kept = replace(decision, trades=(replace(sale, quantity=Decimal("400.5")),))
    assert BreachCode.FRACTIONAL in {breach.code for breach in check(book, kept)}
    assert BreachCode.FRACTIONAL not in {breach.code for breach in check(book, decision)}


@settings(max_examples=40, deadline=None)
@given(st.lists(accounts, min_size=1, max_size=3, unique_by=lambda row: row.account_id), st.booleans())
def test_only_a_whole_position_is_ever_sold_in_parts_of_a_share(rows, whole):
    rows = [replace(row, policy=replace(row.policy, whole_shares=True, adv_cap=Decimal("0.05"))) for row in rows]
    book = book_of(rows)
    decisions = solve(book, modes=[LIQUIDATE] * len(rows) if whole else None)
    assert Checker(book).check_all(decisions) == {}
    for row, decision in zip(rows, decisions, strict=True):
        held = {position.symbol: position.quantity for position in row.positions}
        for symbol, quantity in sold(decision).items():
            assert quantity == quantity.to_integral_value() or quantity == held[symbol]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9_999_999), min_size=1, max_size=4), st.sampled_from(TaxStatus))
def test_liquidation_leaves_nothing_where_nothing_is_barred(micros, status):
    lots = tuple(
        LotRow(f"L{place}", OLD, Decimal(one) / 10**6, Decimal(one) / 10**6 * 70) for place, one in enumerate(micros)
    )
    held = PositionRow(symbol="VTI", quantity=sum((lot.quantity for lot in lots), Decimal(0)), lots=lots)
    account = make_account(held, tax_status=status, policy=replace(FULL, minimum_trade_amount=Decimal(0)))
    (line,) = [line for line in liquidate(make_book(account)).securities if line.symbol == "VTI"]
    assert line.quantity_after == 0


def test_a_loss_is_not_taken_on_the_strength_of_what_another_account_sells():
    recent = TODAY - timedelta(days=5)
    buyer = make_account(make_position("OLD", ("40", "10", recent)), cash="500", household="H")
    loser = make_account(make_position("OLD", ("100", "40", OLD)), account_id="A2", household="H")
    book = make_book(buyer, loser)
    both = list(solve(book, modes=[LIQUIDATE, LIQUIDATE]))
    assert Checker(book).check_all(both) == {}
    assert [sold(one) for one in both] == [{"OLD": Decimal(40)}, {}]
    assert ("OLD", SkipReason.WASH_SALE_LOSS) in [(one.symbol, one.reason) for one in both[1].skipped]
