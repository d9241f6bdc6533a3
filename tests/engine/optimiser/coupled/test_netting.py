"""Where gains are netted over the year, decisions are those of least true tax."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book_rows import from_rows
from rebalancer.engine.checks import Checker
from rebalancer.engine.lots import Rates
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import Policy, Preset
from rebalancer.engine.tax_rows import TaxRow
from rebalancer.engine.taxes.regimes import LinearTax
from rebalancer.engine.triggers import MODES, Mode
from tests.engine.books import (
    OLD,
    THIS_YEAR,
    TODAY,
    make_account,
    make_model,
    make_position,
    make_securities,
)
from tests.engine.optimiser.coupled.forced import cost_of_selling, year_of

POLICY = Policy(
    trigger=Preset.THRESHOLD,
    short_rate=Decimal("0.408"),
    long_rate=Decimal("0.238"),
    minimum_trade_amount=Decimal(1),
)
RAISE = [MODES.index(Mode.RAISE_CASH)]
ORDINARY = Decimal("0.37")
TAX = LinearTax(Rates(POLICY.short_rate, POLICY.long_rate), deduction=ORDINARY)


def book_of(*accounts, short=0, long=0, netting=True, **budgets):
    row = TaxRow(
        household="SMITH",
        short_so_far=Decimal(short),
        long_so_far=Decimal(long),
        netting=netting,
        ordinary_rate=ORDINARY,
        **budgets,
    )
    return from_rows(as_of=TODAY, securities=make_securities(), models=[make_model()], accounts=accounts, taxes=[row])


def holder(*lots, account_id="A1", cash="0", policy=POLICY, **changes):
    return make_account(
        make_position("VTI", *lots), cash=cash, account_id=account_id, household="SMITH", policy=policy, **changes
    )


def sold(decision):
    return {pick.term.value: pick.quantity for trade in decision.trades for pick in trade.lots}


@pytest.mark.parametrize(
    ("short", "long", "year_tax"),
    [
        pytest.param(3000, 0, "-1409.00", id="OPT-NET-01"),
        pytest.param(0, 3000, "-899.00", id="OPT-NET-02"),
    ],
)
def test_the_lot_of_the_greater_loss_is_sold_where_losses_net_against_the_same_gain(short, long, year_tax):
    lots = (("100", "130", THIS_YEAR), ("100", "135", OLD))
    need = holder(*lots, withdrawals_due=Decimal(9990))
    book = book_of(need, short=short, long=long)
    other = book_of(need, short=short, long=long, netting=False)
    (netted,), (alone,) = solve(book, modes=RAISE), solve(other, modes=RAISE)
    assert (sold(netted), sold(alone)) == ({"LONG": 100}, {"SHORT": 100})
    assert year_of(netted).year_tax == Decimal(year_tax)
    assert alone.year is None
    assert Checker(book).check_all([netted]) == {}


@settings(max_examples=25, deadline=None)
@given(
    lots=st.tuples(*[st.tuples(st.sampled_from([10, 40, 80]), st.integers(40, 170)) for _ in range(2)]),
    so_far=st.tuples(st.integers(-6000, 6000), st.integers(-6000, 6000)),
    cash=st.sampled_from([0, 500]),
)
def test_no_mix_of_lots_costs_less(lots, so_far, cash):
    (first, first_basis), (second, second_basis) = lots
    held = ((str(first), str(first_basis), THIS_YEAR), (str(second), str(second_basis), OLD))
    book = book_of(holder(*held, cash=str(cash)), short=so_far[0], long=so_far[1])
    decisions = solve(book, slider=1.0)
    before = TAX.of(*map(Fraction, so_far))
    gap = {total: cost_of_selling(book, "VTI", total, taxed=False) for total in range(first + second + 1)}
    best = min(
        gap[one + two]
        + float(
            TAX.of(Fraction(so_far[0] + one * (100 - first_basis)), Fraction(so_far[1] + two * (100 - second_basis)))
            - before
        )
        for one, two in product(range(first + 1), range(second + 1))
    )
    assert Checker(book).check_all(list(decisions)) == {}
    assert decisions.bound.sum() <= best + 1e-3
    assert best - 1e-3 <= decisions.objective.sum() <= best + 0.01


def test_a_households_accounts_share_one_year():
    loser = holder(("100", "150", OLD), account_id="A1", withdrawals_due=Decimal(9000))
    winner = holder(("100", "50", OLD), account_id="A2")
    book = book_of(loser, winner)
    decisions = list(solve(book))
    short, long = sum(one.gain_short for one in decisions), sum(one.gain_long for one in decisions)
    owed = round(Decimal(float(TAX.of(Fraction(short), Fraction(long)))), 2)
    assert {year_of(one).year_tax for one in decisions} == {owed}


def test_a_tax_budget_is_that_of_the_year():
    rows = [holder(("100", "50", OLD), account_id="A1"), holder(("100", "60", OLD), account_id="A2")]
    book = book_of(*rows, short=-500, tax_budget=Decimal(400))
    decisions = list(solve(book))
    tax = year_of(decisions[0]).year_tax or Decimal(0)
    assert 380 <= tax <= 400
    assert year_of(decisions[0]).tax_left == 400 - tax
    assert Checker(book).check_all(decisions) == {}
