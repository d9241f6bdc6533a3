"""The security whose order costs least."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.execution_choice import Offer, cheapest

FREE = Offer("FREE", price=100_000_000, half_spread=50_000, commission=0)
DEAR = Offer("DEAR", price=100_000_000, half_spread=10_000, commission=4_950_000)


@pytest.mark.parametrize(
    ("dollars", "chosen"),
    [
        pytest.param(1_000, "FREE", id="the commission is more than the spread of a small order"),
        pytest.param(12_374, "FREE", id="just below where both cost the same"),
        pytest.param(12_376, "DEAR", id="just above"),
        pytest.param(100_000, "DEAR", id="the spread of a large order is more than the commission"),
    ],
)
def test_a_fund_without_commission_is_chosen_only_where_it_costs_less(dollars, chosen):
    assert cheapest([FREE, DEAR], dollars * 10**6).symbol == chosen


def test_ties_go_to_the_first_name():
    assert cheapest([FREE, Offer("EVEN", 100_000_000, 50_000, 0)], 10**9).symbol == "EVEN"


offers = st.builds(
    Offer, st.text("ABC", min_size=1), st.integers(1, 10**9), st.integers(0, 10**7), st.integers(0, 10**8)
)


@given(st.lists(offers, min_size=1, max_size=6), st.integers(0, 10**12), st.randoms(use_true_random=False))
def test_no_other_offer_costs_less_in_whatever_order_they_come(given_offers, amount, random):
    found = cheapest(given_offers, amount)
    assert all(found.cost(amount) <= offer.cost(amount) for offer in given_offers)
    shuffled = random.sample(given_offers, len(given_offers))
    assert cheapest(shuffled, amount).cost(amount) == found.cost(amount)
