from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_rows import LotRow
from rebalancer.engine.closed_forms import Sleeve, gain_band, no_trade_band
from rebalancer.engine.drift import measure
from rebalancer.engine.policy import Policy
from tests.engine.books import OLD, make_account, make_book, make_model, make_position

PLAIN = Policy(taxable_band_absolute=None, class_band_relative=None)
FOLLOWS = replace(PLAIN, gain_band=True)
HALF_SPREAD = 0.0001
NO_BASIS = make_position("VTI", LotRow("V1", OLD, Decimal(600), None))
LOTS_TO_COME = replace(make_position("VTI", ("500", "60", OLD)), quantity=Decimal(600))


def sixty_forty(equity_basis: str = "60", bond_basis: str = "80", policy: Policy = FOLLOWS, **changes: Any) -> Book:
    """100,000 dollars, 60 % in VTI at 100 and 40 % in BND at 80, on the target."""
    account = make_account(
        changes.pop("equity", None) or make_position("VTI", ("600", equity_basis, OLD)),
        make_position("BND", ("500", bond_basis, OLD)),
        policy=policy,
        **changes,
    )
    return make_book(account, model=make_model({"VTI": "0.6", "BND": "0.4"}, "0"))


def band_of(book: Book, name: str = "US equity") -> tuple[float, float]:
    """Half-widths below and above the target of one class."""
    level, place = measure(book).classes, book.asset_classes.index(name)
    target = level.target[0, place]
    return float(target - level.low[0, place]), float(level.high[0, place] - target)


def test_a_gain_of_forty_percent_at_the_long_term_rate_widens_a_five_point_band_to_nearly_ten():
    below, above = band_of(sixty_forty())
    assert above == pytest.approx(0.097, abs=0.0002)
    assert above == pytest.approx(gain_band(0.6, 0.15, 4.0, HALF_SPREAD, 0.4, 0.238, 10.0, 0.06))
    assert below == pytest.approx(0.05)


def test_what_a_class_lacks_is_bought_with_the_gain_of_the_rest():
    assert band_of(sixty_forty(), "US bonds") == pytest.approx((band_of(sixty_forty())[1], 0.05), rel=1e-3)


@pytest.mark.parametrize(
    ("book", "above"),
    [
        pytest.param(sixty_forty(policy=PLAIN), 0.05, id="a policy that does not ask"),
        pytest.param(sixty_forty(tax_status=TaxStatus.DEFERRED), 0.05, id="an account that is not taxed"),
        pytest.param(sixty_forty(equity_basis="140"), 0.05, id="a loss"),
        pytest.param(sixty_forty(equity=NO_BASIS), 0.05, id="a basis that is not known"),
        pytest.param(sixty_forty(equity=LOTS_TO_COME), 0.05, id="lots that have not come"),
        pytest.param(
            sixty_forty(policy=replace(FOLLOWS, gain_band_years=Decimal(0))), 0.05, id="a tax that is not deferred"
        ),
        pytest.param(
            sixty_forty(policy=replace(FOLLOWS, class_band_absolute=Decimal("0.12"))), 0.12, id="a wider plain band"
        ),
        pytest.param(
            sixty_forty(policy=replace(FOLLOWS, class_band_relative=Decimal("0.05"))), 0.0969, id="a relative band"
        ),
        pytest.param(
            sixty_forty(policy=replace(FOLLOWS, class_band_absolute=None)), np.inf, id="a band that is not looked at"
        ),
        pytest.param(sixty_forty(policy=replace(FOLLOWS, risk_aversion=Decimal(0))), 1.0, id="nobody minds the risk"),
    ],
)
def test_the_wider_of_both_bands_holds_where_the_gain_is_known_and_taxed(book, above):
    assert band_of(book)[1] == pytest.approx(above, abs=0.0001)


def test_a_gain_in_one_class_leaves_the_upper_edge_of_another_where_it_was():
    assert band_of(sixty_forty(), "US bonds")[1] == pytest.approx(0.05)


def test_a_security_with_a_band_of_its_own_follows_its_own_gain():
    policy = replace(FOLLOWS, security_band_absolute=Decimal("0.03"))
    found = measure(sixty_forty(policy=policy))
    symbols = [("VTI", "ITOT", "VEA", "BND")[place] for place in found.rows.security.tolist()]
    widths = dict(zip(symbols, (found.securities.high - found.securities.target).tolist(), strict=True))
    assert widths == pytest.approx({"VTI": 0.0969, "BND": 0.03}, abs=0.0001)


def test_an_account_that_would_breach_its_plain_band_waits_inside_the_wider_one():
    bought = make_account(
        make_position("VTI", ("680", "60", OLD)), make_position("BND", ("400", "80", OLD)), policy=FOLLOWS
    )
    model = make_model({"VTI": "0.6", "BND": "0.4"}, "0")
    plain = make_book(replace(bought, policy=PLAIN), model=model)
    assert (measure(plain).breached[0], measure(make_book(bought, model=model)).breached[0]) == (True, False)


@given(st.decimals(min_value=1, max_value=99, places=2), st.decimals(min_value=1, max_value=99, places=2))
def test_a_larger_gain_never_narrows_a_band(one, other):
    low, high = sorted((one, other))
    wide, narrow = (band_of(sixty_forty(equity_basis=str(basis)))[1] for basis in (low, high))
    assert wide >= narrow - 1e-12
    assert narrow >= max(0.05, no_trade_band(Sleeve(0.6, 0.15, 4.0), cost=HALF_SPREAD)) - 1e-12
