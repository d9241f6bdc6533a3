"""Households that follow one target together: against an integer program of their own, and by their rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, from_rows
from rebalancer.engine.checks import BreachCode, Checker
from rebalancer.engine.drift import measure
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import Policy, Preset
from rebalancer.engine.triggers import Code, evaluate
from trading.benchmarks.oracle.accounts import joint_case
from trading.benchmarks.oracle.compare import Compared
from trading.benchmarks.oracle.joint import against_scip

TODAY, LONG_AGO = date(2026, 11, 20), date(2020, 1, 2)
JOINT = Policy(trigger=Preset.THRESHOLD, joint=True, minimum_trade_amount=Decimal(0))
SECURITIES = [
    SecurityRow(symbol="US", price=Decimal(100), bid=Decimal("99.99"), ask=Decimal("100.01")),
    SecurityRow(symbol="BOND", price=Decimal(50), bid=Decimal("49.99"), ask=Decimal("50.01")),
]
MODEL = ModelRow(model_id="M", weights={"US": Decimal("0.6"), "BOND": Decimal("0.39")}, cash_weight=Decimal("0.01"))


def _held(symbol, shares, cost):
    lot = LotRow(f"{symbol}-1", LONG_AGO, Decimal(shares), Decimal(shares) * Decimal(cost))
    return PositionRow(symbol=symbol, quantity=Decimal(shares), lots=(lot,))


def _household(policy=JOINT, taxed_cost=40, no_sell=False, model=MODEL):
    """A taxed account full of shares that rose, an IRA with the rest; together 70 % US."""
    us = replace(_held("US", 600, taxed_cost), no_sell=no_sell)
    accounts = [
        AccountRow(account_id="TAXED", household="H", positions=(us,), cash=Decimal(1000), model_id="M", policy=policy),
        AccountRow(
            account_id="IRA",
            household="H",
            tax_status=TaxStatus.DEFERRED,
            positions=(_held("US", 100, 90), _held("BOND", 580, 50)),
            cash=Decimal(1000),
            model_id="M",
            policy=policy,
        ),
    ]
    return from_rows(as_of=TODAY, securities=SECURITIES, models=[model], accounts=accounts)


def _by_account(book, **options):
    return {decision.account_id: decision for decision in solve(book, **options)}


@pytest.fixture(scope="module")
def compared() -> list[tuple[Compared, Compared]]:
    """The default and the exact search of random households of two accounts."""
    cases = [joint_case(seed) for seed in range(1000, 1030)]
    found = [against_scip(case, exact=(False, True)) for case in cases]
    return [(one[0], one[1]) for one in found if one is not None]


def test_nearly_every_household_has_an_answer_to_compare_with(compared):
    assert len(compared) >= 28


def test_no_decision_breaks_a_rule_misstates_its_cost_or_has_a_bound_that_is_beaten(compared):
    assert {(one.seed, tuple(one.faults)) for pair in compared for one in pair if one.faults} == set()


def test_the_default_is_nearly_always_optimal_and_never_far_off(compared):
    usual = [one for one, _ in compared]
    assert max(one.worse for one in usual) <= 0.5
    assert sum(one.optimal for one in usual) >= 0.92 * len(usual)


def test_the_exact_search_finds_the_least_cost(compared):
    assert [(one.seed, one.worse) for _, one in compared if not one.optimal] == []


def test_the_untaxed_account_trades_before_a_gain_is_taxed():
    found = _by_account(_household())
    assert found["TAXED"].tax == 0
    assert [(trade.side, trade.symbol) for trade in found["IRA"].trades] == [(Side.SELL, "US"), (Side.BUY, "BOND")]
    assert found["IRA"].drift_after < 0.01 < found["IRA"].drift_before


def test_apart_the_taxed_account_would_sell_at_a_gain():
    found = _by_account(_household(policy=replace(JOINT, joint=False)))
    assert found["TAXED"].tax > 0


def test_every_account_is_told_the_households_drift_and_gap():
    taxed, ira = _by_account(_household()).values()
    assert taxed.drift_before == ira.drift_before
    assert taxed.drift_after == pytest.approx(ira.drift_after, abs=1e-9)
    assert taxed.certificate.gap_bps == pytest.approx(ira.certificate.gap_bps, abs=1e-6)


def test_no_cash_moves_and_none_goes_below_zero():
    for decision in solve(_household()):
        signed = sum(
            (trade.amount if trade.side is Side.SELL else -trade.amount) - trade.cost for trade in decision.trades
        )
        assert decision.cash_after == decision.cash_before + signed >= 0


def test_a_restriction_of_one_account_is_kept_and_another_makes_up_for_it():
    found = _by_account(_household(no_sell=True))
    assert not any(trade.side is Side.SELL for trade in found["TAXED"].trades)
    assert any(trade.side is Side.SELL for trade in found["IRA"].trades)


def test_bands_are_those_of_the_household():
    inside = ModelRow(
        model_id="M", weights={"US": Decimal("0.69"), "BOND": Decimal("0.29")}, cash_weight=Decimal("0.02")
    )
    book = _household(model=inside)
    assert not evaluate(book, measure(book)).has(Code.BAND_BREACHED).any()
    apart = _household(policy=replace(JOINT, joint=False), model=inside)
    assert evaluate(apart, measure(apart)).has(Code.BAND_BREACHED).all()


def test_one_account_that_is_not_joint_keeps_all_apart():
    book = _household()
    policies = (JOINT, replace(JOINT, joint=False))
    accounts = replace(book.accounts, policy=np.array([0, 1]))
    assert measure(replace(book, policies=policies, accounts=accounts)).joint is None


def test_trades_away_from_the_households_target_are_breaches():
    book = _household()
    decisions = list(solve(book))
    ira = decisions[1]
    wrong = replace(ira, trades=tuple(replace(trade, side=Side.BUY, lots=()) for trade in ira.trades))
    found = Checker(book).check_all([decisions[0], wrong])["IRA"]
    assert BreachCode.AWAY_FROM_TARGET in {breach.code for breach in found}
    assert Checker(book).check_all(decisions) == {}
