"""Branch and bound over the sides of a household's wash groups, where its accounts have targets of their own.

Each group is OPEN to purchases, and then nobody sells of it at a loss, or QUIET, and then nobody buys of it. With all
sides fixed the accounts part: what each costs at the least is its own affair, and the household's cost is their sum.
Accounts that do not look at each other at all bound that sum from below. Where they contradict each other in a group,
the one with most dollars at stake is tried on either side, and only those accounts are decided again that do what the
side forbids; the others' answers remain the best (Land and Doig, Econometrica 28, 1960).
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf
from typing import NamedTuple

from rebalancer.engine.optimiser.households.sides import OPEN, QUIET


class Question(NamedTuple):
    """What does an account do by itself, with some wash groups on a side?"""

    account: int
    sides: tuple[tuple[int, int], ...] = ()
    """(group, OPEN or QUIET), ascending."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Dollars: what the account's best decision costs, and what no decision under these sides costs less than."""

    question: Question
    objective: float
    bound: float
    proven: bool
    bought: Mapping[int, float]
    """Dollars by wash group."""
    lost: Mapping[int, float]
    """Dollars of losses that a taxed account sells, by wash group."""

    def breaks(self, group: int, side: int) -> bool:
        return group in (self.lost if side == OPEN else self.bought)


@dataclass(frozen=True, slots=True)
class Node:
    """Some groups have a side, and the accounts look at nothing else of each other."""

    sides: Mapping[int, int]
    answers: tuple[Answer, ...]

    @property
    def bound(self) -> float:
        return fsum(answer.bound for answer in self.answers)

    @property
    def objective(self) -> float:
        return fsum(answer.objective for answer in self.answers)

    def contested(self) -> int | None:
        """The group with most dollars at stake in which one account buys and another loses, the first of equals."""
        bought, lost = (_summed([getattr(one, name) for one in self.answers]) for name in ("bought", "lost"))
        stakes = [(-(bought[group] + lost[group]), group) for group in bought.keys() & lost.keys()]
        return min(stakes)[1] if stakes else None

    def questions(self, group: int, side: int) -> list[Question]:
        """What must be asked again with the group on a side."""
        sides = tuple(sorted({**self.sides, group: side}.items()))
        return [Question(one.question.account, sides) for one in self.answers if one.breaks(group, side)]

    def child(self, group: int, side: int, asked: Mapping[Question, Answer]) -> Node:
        sides = {**self.sides, group: side}
        full = tuple(sorted(sides.items()))
        answers = [
            asked[Question(one.question.account, full)] if one.breaks(group, side) else one for one in self.answers
        ]
        return Node(sides, tuple(answers))


@dataclass(frozen=True, slots=True)
class Found:
    """The household's best answers; dollars."""

    answers: tuple[Answer, ...]
    lower: float
    """Whatever the sides are, nothing costs less."""
    proven: bool
    divided: bool
    """False where the accounts never contradicted each other."""


Asking = Generator[list[Question], Mapping[Question, Answer], Found]
"""Asks some questions at a time, is sent their answers, and returns what was found."""


def branch(first: Sequence[Answer], *, most: int, small: float) -> Asking:
    """The least cost of a household over all sides of its groups.

    Depth first along the cheaper side, then from the lowest bound that is left.

    :param first: every account's answer without sides
    :param most: questions to ask at the most, beyond those that lead to a first answer
    :param small: dollars that no longer matter
    """
    node = best = Node({}, tuple(first))
    least, lower, proven, divided, asked_for = inf, inf, True, 0, 0
    waiting: list[tuple[float, int, Node]] = []
    while True:
        group = node.contested()
        if node.bound < least - small and group is not None and (asked_for < most or least == inf):
            divided += 1
            questions = node.questions(group, OPEN) + node.questions(group, QUIET)
            asked_for += len(questions)
            asked = yield questions
            children = sorted((node.child(group, side, asked) for side in (OPEN, QUIET)), key=lambda one: one.bound)
            heapq.heappush(waiting, (children[1].bound, divided, children[1]))
            node = children[0]
            continue
        lower = min(lower, node.bound)
        if node.bound < least - small:
            proven = proven and group is None and all(one.proven for one in node.answers)
            if group is None and node.objective < least:
                best, least = node, node.objective
        if not waiting:
            return Found(best.answers, min(lower, least), proven, divided > 0)
        node = heapq.heappop(waiting)[2]


def _summed(columns: Sequence[Mapping[int, float]]) -> dict[int, float]:
    total: dict[int, float] = {}
    for column in columns:
        for group, dollars in column.items():
            total[group] = total.get(group, 0.0) + dollars
    return total
