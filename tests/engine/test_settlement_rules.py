"""Paying for purchases in a cash account: what may follow what."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO, total
from rebalancer.engine.settlement_rules import (
    Breach,
    CashTrade,
    Deposit,
    Violation,
    frozen_until,
    fund,
    net_settlement,
    sellable_from,
    violations,
)

MON, TUE, WED, THU, FRI = (date(2026, 3, day) for day in (2, 3, 4, 5, 6))


def sell(on, symbol, amount=1000, **more) -> CashTrade:
    return CashTrade(on, Side.SELL, symbol, Decimal(amount), **more)


def buy(on, symbol, amount=1000, **more) -> CashTrade:
    return CashTrade(on, Side.BUY, symbol, Decimal(amount), **more)


def found(trades, cash=0, deposits=()) -> list[tuple[Violation, date]]:
    breaches = violations(trades, settled_cash=Decimal(cash), deposits=deposits)
    return [(breach.violation, breach.happened_on) for breach in breaches]


GOOD_FAITH = Violation.GOOD_FAITH_VIOLATION


@pytest.mark.parametrize(
    ("trades", "cash", "expected"),
    [
        pytest.param([buy(MON, "B"), sell(MON, "B")], 1000, [], id="settled cash buys what may be sold at once"),
        pytest.param([sell(MON, "A"), buy(MON, "B")], 0, [], id="a sale pays for a purchase of its day"),
        pytest.param([buy(MON, "B"), sell(MON, "A")], 0, [], id="in whatever order they trade"),
        pytest.param(
            [sell(MON, "A"), buy(MON, "B"), sell(MON, "B")],
            0,
            [(GOOD_FAITH, MON)],
            id="selling before the funding sale settles",
        ),
        pytest.param(
            [sell(MON, "A"), buy(MON, "B"), sell(TUE, "B")], 0, [], id="selling on the day the funding sale settles"
        ),
        pytest.param(
            [sell(FRI, "A"), buy(FRI, "B"), sell(date(2026, 3, 9), "B")], 0, [], id="over a weekend to the settlement"
        ),
        pytest.param(
            [sell(MON, "A"), buy(MON, "B"), sell(MON, "B")], 1000, [], id="what settled is spent before what did not"
        ),
        pytest.param(
            [sell(MON, "A"), buy(MON, "B"), sell(MON, "B")],
            999,
            [(GOOD_FAITH, MON)],
            id="a dollar of unsettled proceeds is enough",
        ),
        pytest.param(
            [sell(MON, "A", settle_days=2), buy(MON, "B", settle_days=2), sell(TUE, "B", settle_days=2)],
            0,
            [(GOOD_FAITH, TUE)],
            id="two days to settle are two days to wait",
        ),
        pytest.param([buy(MON, "B"), sell(WED, "B", 1100)], 0, [(Violation.FREE_RIDING, WED)], id="never paid for"),
        pytest.param([buy(MON, "B"), sell(MON, "B")], 0, [(Violation.FREE_RIDING, MON)], id="sold the same day"),
        pytest.param(
            [buy(MON, "B", 5000), sell(TUE, "A", 5000)],
            0,
            [(Violation.CASH_LIQUIDATION, TUE)],
            id="something else is sold a day late",
        ),
        pytest.param(
            [sell(MON, "A", 999), buy(MON, "B"), sell(WED, "B")],
            0,
            [(Violation.FREE_RIDING, WED)],
            id="the proceeds fall a dollar short",
        ),
        pytest.param([buy(MON, "B")], 0, [(Violation.UNPAID_PURCHASE, MON)], id="nothing pays at all"),
        pytest.param(
            [sell(MON, "A"), buy(MON, "B"), buy(MON, "C"), sell(THU, "C")],
            0,
            [(Violation.FREE_RIDING, THU)],
            id="proceeds are spent once",
        ),
        pytest.param(
            [sell(MON, "A", settle_days=2), buy(MON, "B")],
            0,
            [(Violation.UNPAID_PURCHASE, MON)],
            id="a sale that settles after the purchase does not pay for it",
        ),
    ],
)
def test_a_list_of_trades_has_exactly_these_violations(trades, cash, expected):
    assert found(trades, cash) == expected


@pytest.mark.parametrize(
    ("paid_on", "expected"),
    [
        pytest.param(MON, [], id="with the order"),
        pytest.param(THU, [], id="on the last day of the payment period"),
        pytest.param(FRI, [(Violation.FREE_RIDING, WED)], id="a day too late"),
    ],
)
def test_a_deposit_within_the_payment_period_pays(paid_on, expected):
    trades = [buy(MON, "B"), sell(WED, "B", 1100)]
    assert found(trades, 0, [Deposit(paid_on, Decimal(1000))]) == expected


def test_what_was_bought_with_unsettled_proceeds_waits_for_them():
    trades = [sell(FRI, "A"), buy(FRI, "B"), buy(FRI, "C")]
    waits = sellable_from(trades, settled_cash=Decimal(1000))
    assert waits == {"B": FRI, "C": date(2026, 3, 9)}


@pytest.mark.parametrize(
    ("breaches", "until"),
    [
        pytest.param([], None, id="nothing happened"),
        pytest.param([(Violation.FREE_RIDING, MON)], MON + timedelta(days=90), id="free riding freezes at once"),
        pytest.param([(GOOD_FAITH, MON), (GOOD_FAITH, TUE)], None, id="two in good faith do not"),
        pytest.param(
            [(GOOD_FAITH, MON), (GOOD_FAITH, TUE), (GOOD_FAITH, FRI)], FRI + timedelta(days=90), id="three do"
        ),
        pytest.param(
            [(GOOD_FAITH, MON), (GOOD_FAITH, TUE), (GOOD_FAITH, date(2027, 3, 2))], None, id="three in more than a year"
        ),
        pytest.param(
            [(GOOD_FAITH, MON), (GOOD_FAITH, TUE), (Violation.CASH_LIQUIDATION, WED)], None, id="kinds count apart"
        ),
    ],
)
def test_a_freeze_lasts_ninety_days(breaches, until):
    assert frozen_until([Breach(kind, "B", on) for kind, on in breaches]) == until


@pytest.mark.parametrize(
    ("sells", "buys", "cash", "expected"),
    [
        pytest.param([5000], [5000], 200, (True, 0, 200), id="equal sides leave the cash"),
        pytest.param([5000], [5100], 200, (True, -100, 100), id="down to the reserve"),
        pytest.param([5000], [5100, 1], 200, (False, -101, 99), id="below the reserve"),
        pytest.param([10], [], 20, (True, 10, 30), id="sales alone are always allowed"),
    ],
)
def test_trades_of_a_day_settle_together(sells, buys, cash, expected):
    netted = net_settlement(
        date(2026, 11, 20),
        sells=[Decimal(amount) for amount in sells],
        buys=[Decimal(amount) for amount in buys],
        settled_cash=Decimal(cash),
        reserve=Decimal(100),
    )
    assert netted.settle_on == date(2026, 11, 23)
    assert (netted.allowed, netted.net, netted.settled_cash_after) == expected


histories = st.lists(
    st.builds(
        CashTrade,
        st.sampled_from([MON, TUE, WED, THU, FRI]),
        st.sampled_from(list(Side)),
        st.sampled_from("ABC"),
        st.integers(1, 2000).map(Decimal),
    ),
    max_size=8,
)


@given(histories, st.integers(0, 5000).map(Decimal))
def test_no_dollar_pays_twice(trades, cash):
    paid = total([funding.buy.amount - funding.unpaid for funding in fund(trades, settled_cash=cash)])
    proceeds = total([trade.amount for trade in trades if trade.side is Side.SELL])
    assert paid <= cash + proceeds
    assert all(funding.unpaid >= ZERO for funding in fund(trades, settled_cash=cash))


@given(histories)
def test_enough_settled_cash_leaves_no_violation(trades):
    bought = total([trade.amount for trade in trades if trade.side is Side.BUY])
    assert found(trades, bought) == []


def test_a_trade_of_nothing_is_refused():
    with pytest.raises(ValueError):
        buy(MON, "B", 0)
