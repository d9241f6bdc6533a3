"""Branching over sides with accounts whose answers are known."""

from __future__ import annotations

from itertools import product

import pytest

from rebalancer.engine.optimiser.households.branching import Answer, Question, branch
from rebalancer.engine.optimiser.households.sides import OPEN, QUIET

GROUPS = range(3)
BUYER, SELLER, OTHER = 0, 1, 2
WORTH = {BUYER: (5.0, 2.0, 1.0), SELLER: (3.0, 4.0, 0.5), OTHER: (1.0, 1.0, 1.0)}
"""Dollars that each account saves by its trade in each group."""
BUYS = {BUYER: True, SELLER: False, OTHER: False}


def answer(question: Question) -> Answer:
    """Everything that the sides allow is traded."""
    forbidden = {group for group, side in question.sides if side == (QUIET if BUYS[question.account] else OPEN)}
    traded = {group: WORTH[question.account][group] for group in GROUPS if group not in forbidden}
    bought, lost = (traded, {}) if BUYS[question.account] else ({}, traded)
    return Answer(question, -sum(traded.values()), -sum(traded.values()), True, bought, lost)


def search(most: int):
    """What is found, and every question."""
    asking = branch([answer(Question(account)) for account in BUYS], most=most, small=1e-9)
    asked: list[Question] = []
    try:
        questions = next(asking)
        while True:
            asked += questions
            questions = asking.send({question: answer(question) for question in questions})
    except StopIteration as ended:
        return ended.value, asked


def least() -> float:
    """Of every combination of sides."""
    sides = [tuple(enumerate(chosen)) for chosen in product((OPEN, QUIET), repeat=len(GROUPS))]
    return min(sum(answer(Question(account, each)).objective for account in BUYS) for each in sides)


def test_the_best_sides_of_all_are_found_and_proven():
    found, _ = search(1000)
    assert sum(one.objective for one in found.answers) == least() == pytest.approx(-11.5)
    assert (found.lower, found.proven, found.divided) == (least(), True, True)


def test_only_who_does_what_a_side_forbids_is_asked_again():
    _, asked = search(1000)
    for question in asked:
        group, side = question.sides[-1] if len(question.sides) == 1 else (None, None)
        assert group is None or BUYS[question.account] == (side == QUIET)


def test_a_search_that_is_cut_short_has_an_answer_and_a_bound_that_holds():
    found, _ = search(0)
    assert found.lower <= least() <= sum(one.objective for one in found.answers)
    assert not found.proven


def test_accounts_that_agree_are_not_asked_again():
    with pytest.raises(StopIteration) as ended:
        next(branch([answer(Question(account)) for account in (SELLER, OTHER)], most=9, small=1e-9))
    assert (ended.value.value.divided, ended.value.value.lower) == (False, -10.5)
