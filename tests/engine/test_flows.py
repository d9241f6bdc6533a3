"""Money in and out: one-sided trades towards the targets."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.flows import NotEnoughValue, invest, raise_cash, weights_after
from rebalancer.engine.money import total


def amounts(**named) -> dict[str, Decimal]:
    return {name: Decimal(str(value)) for name, value in named.items()}


HALVES = amounts(A="0.5", B="0.5")
THIRDS = amounts(A="0.5", B="0.3", C="0.2")


@pytest.mark.parametrize(
    ("values", "targets", "amount", "buys"),
    [
        pytest.param(amounts(A=50000, B=30000, C=14000), THIRDS, 6000, amounts(C=6000), id="into the only shortfall"),
        pytest.param(amounts(A=60000, B=40000), HALVES, 10000, amounts(B=10000), id="into the underweight"),
        pytest.param(amounts(A=60000, B=40000), HALVES, 30000, amounts(A=5000, B=25000), id="into all once level"),
        pytest.param(amounts(A=50, B=20, C=10), THIRDS, 10, amounts(B="4.5", C="5.5"), id="to one level of shortfall"),
        pytest.param(amounts(A=0, B=0), HALVES, "0.01", amounts(A="0.01"), id="an odd cent goes by name"),
        pytest.param(amounts(A=10), HALVES, 30, amounts(A=10, B=20), id="into what is not held yet"),
        pytest.param(amounts(A=10, Z=50), HALVES, 5, amounts(B=5), id="never into what has no target"),
        pytest.param(amounts(A=50, B=49), amounts(A="0.49", B="0.49"), 1, {}, id="not beyond targets that leave cash"),
        pytest.param(amounts(A=10, B=20), HALVES, 0, {}, id="nothing comes in"),
    ],
)
def test_a_contribution_buys_underweights(values, targets, amount, buys):
    assert invest(values, targets, Decimal(amount)) == buys


@pytest.mark.parametrize(
    ("values", "targets", "amount", "sells"),
    [
        pytest.param(amounts(A=70000, B=30000), amounts(A="0.6", B="0.4"), 10000, amounts(A=10000), id="overweight"),
        pytest.param(amounts(A=60, B=40), HALVES, 40, amounts(A=30, B=10), id="from all once level"),
        pytest.param(amounts(A=60, B=40), HALVES, 100, amounts(A=60, B=40), id="everything"),
        pytest.param(amounts(A=50, Z=10), amounts(A=1), 10, amounts(Z=10), id="what has no target goes first"),
    ],
)
def test_a_withdrawal_sells_overweights(values, targets, amount, sells):
    assert raise_cash(values, targets, Decimal(amount)) == sells


@pytest.mark.parametrize(
    ("act", "values", "targets", "amount", "error"),
    [
        (raise_cash, amounts(A=10), amounts(A=1), "10.01", NotEnoughValue),
        (invest, amounts(A=10), amounts(A=1), "-1", ValueError),
        (invest, amounts(A=-10), amounts(A=1), "1", ValueError),
        (invest, amounts(A=10), amounts(A="0.6", B="0.6"), "1", ValueError),
    ],
)
def test_what_cannot_be_is_refused(act, values, targets, amount, error):
    with pytest.raises(error):
        act(values, targets, Decimal(amount))


PORTFOLIOS = st.lists(st.tuples(st.integers(0, 10**8), st.integers(1, 100)), min_size=1, max_size=6).map(
    lambda rows: (
        {f"S{at}": Decimal(value).scaleb(-2) for at, (value, _) in enumerate(rows)},
        {f"S{at}": Fraction(part, sum(part for _, part in rows)) for at, (_, part) in enumerate(rows)},
    )
)


def whole_targets(parts: dict[str, Fraction]) -> dict[str, Decimal]:
    rounded = {name: Decimal(int(part * 10_000)).scaleb(-4) for name, part in parts.items()}
    first = next(iter(rounded))
    return rounded | {first: rounded[first] + 1 - total(rounded)}


@given(PORTFOLIOS, st.integers(1, 10**8))
def test_all_of_a_contribution_is_invested_and_no_buy_overtakes_another(portfolio, units):
    values, targets = portfolio[0], whole_targets(portfolio[1])
    amount = Decimal(units).scaleb(-2)
    buys = invest(values, targets, amount)
    assert total(buys) == amount
    whole = total(values) + amount
    left = {name: targets[name] * whole - values[name] - buys.get(name, 0) for name in values}
    for bought in buys:
        assert left[bought] >= max(left.values()) - Decimal("0.03")


@given(PORTFOLIOS, st.data())
def test_a_withdrawal_is_raised_to_the_cent(portfolio, data):
    values, targets = portfolio[0], whole_targets(portfolio[1])
    amount = Decimal(data.draw(st.integers(0, int(total(values) * 100)))).scaleb(-2)
    sells = raise_cash(values, targets, amount)
    assert total(sells) == amount
    assert all(0 < sold <= values[name] + Decimal("0.01") for name, sold in sells.items())


def test_weights_after_are_of_what_is_left():
    after = weights_after(amounts(A=70, B=30), amounts(A=-10, C=10))
    assert after == {"A": Fraction(6, 10), "B": Fraction(3, 10), "C": Fraction(1, 10)}
    assert weights_after(amounts(A=10), amounts(A=-10)) == {"A": 0}
