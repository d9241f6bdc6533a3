from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.engine.breaches import BreachCode
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from tests.engine.optimiser.coupled.test_volume import block_of

COUNT = 4
WANTED = 160
"""Shares of VTI that each of the accounts sells where nothing limits it."""


@pytest.mark.parametrize(
    ("volume", "beyond"),
    [
        pytest.param(COUNT * WANTED * 20, set(), id="five percent of it is what they sell"),
        pytest.param(COUNT * WANTED * 20 - 20, {"A0", "A1", "A2", "A3"}, id="a share less"),
        pytest.param(None, set(), id="not known"),
    ],
)
def test_orders_of_a_block_are_weighed_against_a_days_volume_together(volume, beyond):
    decisions = list(solve(block_of(COUNT, VTI=None)))
    found = Checker(block_of(COUNT, VTI=volume)).check_all(decisions)
    assert {name: [one.code for one in breaches] for name, breaches in found.items()} == {
        name: [BreachCode.VOLUME_CAP] for name in beyond
    }


def test_the_smallest_part_that_one_of_them_may_take_holds_for_all():
    book = block_of(COUNT, VTI=COUNT * WANTED * 20)
    decisions = list(solve(book))
    assert Checker(book).check_all(decisions) == {}
    strict = replace(book.policies[0], adv_cap=book.policies[0].adv_cap / 2)
    policy = book.accounts.policy.copy()
    policy[0] = len(book.policies)
    mixed = replace(book, policies=(*book.policies, strict), accounts=replace(book.accounts, policy=policy))
    assert set(Checker(mixed).check_all(decisions)) == {"A0", "A1", "A2", "A3"}
