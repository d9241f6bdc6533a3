"""Households whose accounts have targets of their own, and meet in the wash groups of what they buy and lose.

They are decided in order under one guard first. Where nothing that an account did stood in the way of a later one, that
is the household's best. Elsewhere the accounts that were hindered are decided as if they were alone, and what then
contradicts itself is branched over (`branching`), all households of a call side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book_tables import MICRO, Ints
from rebalancer.engine.optimiser.coupled.searches import Search, spans
from rebalancer.engine.optimiser.households.branching import Answer, Asking, Found, Question, branch
from rebalancer.engine.optimiser.households.contests import hindered
from rebalancer.engine.optimiser.households.sides import OPEN, QUIET
from rebalancer.engine.optimiser.problem import Problem, Wash

SMALL = 2e-7
"""Part of a household's value that no longer matters."""
BRANCHES_A_QUESTION = 10
"""For each of its accounts, a household may ask one question for so many branches that the search of one may take."""
SMALL_GAP = 5e-7
"""Part of the value within which an answer counts as proven."""


class Apart:
    """Decides accounts with targets of their own."""

    def decide(self, search: Search, accounts: Ints, modes: Ints) -> None:
        """Decide accounts of whole households, in this order; `search.outcome` holds the answers.

        :param modes: places in `triggers.MODES`, by account of the book
        """
        search.run(search.problem, accounts, modes)
        late = hindered(search, accounts, modes)
        if len(late):
            _Meeting(search, accounts, modes, late).solve()


class _Asked(NamedTuple):
    """A household's search with the questions that it waits for."""

    asking: Asking
    questions: list[Question]


class _Meeting:
    def __init__(self, search: Search, accounts: Ints, modes: Ints, late: Ints) -> None:
        """:param late: of the accounts, those that the accounts before them hindered"""
        self.search, self.modes = search, modes
        self.problem = _each_alone(search.problem)
        household = search.household_of(accounts)
        meet = np.isin(household, search.household_of(late)) & search.problem.accounts["open"][accounts]
        self.by_household = {
            number: sorted(accounts[meet & (household == number)].tolist())
            for number in np.unique(household[meet]).tolist()
        }
        self.standing = {account: Question(account) for account in accounts[meet].tolist()}
        """The questions whose answers the outcome holds."""
        for account in late.tolist():
            del self.standing[account]

    def solve(self) -> None:
        everyone = [Question(account) for accounts in self.by_household.values() for account in accounts]
        first = self._ask(everyone)
        found = self._branch(
            {
                number: [first[Question(account)] for account in accounts]
                for number, accounts in self.by_household.items()
            }
        )
        self._ask([answer.question for one in found for answer in one.answers])
        for one in found:
            if one.divided:
                self._certify(one)

    def _branch(self, first: Mapping[int, Sequence[Answer]]) -> list[Found]:
        """Search every household, their questions put together."""
        found: list[Found] = []
        waiting: list[_Asked] = []
        for answers in first.values():
            small = SMALL * sum(self._value(answer) for answer in answers)
            most = len(answers) * self.search.effort.branches // BRANCHES_A_QUESTION
            self._go_on(branch(answers, most=most, small=small), None, waiting, found)
        while waiting:
            asked = self._ask([question for one in waiting for question in one.questions])
            before, waiting = waiting, []
            for one in before:
                self._go_on(one.asking, asked, waiting, found)
        return found

    def _go_on(
        self, asking: Asking, asked: Mapping[Question, Answer] | None, waiting: list[_Asked], found: list[Found]
    ) -> None:
        try:
            waiting.append(_Asked(asking, next(asking) if asked is None else asking.send(asked)))
        except StopIteration as ended:
            found.append(ended.value)

    def _ask(self, questions: Iterable[Question]) -> dict[Question, Answer]:
        """Decide; an account that is asked for twice is decided twice, and what was asked last stands."""
        answers: dict[Question, Answer] = {}
        left = list(dict.fromkeys(questions))
        while left:
            now = list({question.account: question for question in reversed(left)}.values())
            self._decide([question for question in now if self.standing.get(question.account) != question])
            answers.update(self._answers(now))
            left = [question for question in left if question not in answers]
        return answers

    def _decide(self, questions: Sequence[Question]) -> None:
        if not questions:
            return
        asked = sorted(questions)
        problem = self.problem._replace(wash=_facts(self.search.problem, asked))
        self.search.run(problem, np.array([question.account for question in asked]), self.modes)
        self.standing.update((question.account, question) for question in asked)

    def _answers(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        """What the outcome holds for accounts that have just been decided."""
        outcome, accounts = self.search.outcome, np.array([question.account for question in questions])
        bought: dict[int, dict[int, float]] = {account: {} for account in accounts.tolist()}
        lost: dict[int, dict[int, float]] = {account: {} for account in accounts.tolist()}
        for account, group, buys, loses in self._trades(accounts):
            for found, dollars in ((bought[account], buys), (lost[account], loses)):
                if dollars > 0.0:
                    found[group] = found.get(group, 0.0) + dollars
        certificates = [column[accounts].tolist() for column in (outcome.objective, outcome.bound, outcome.proven)]
        return {
            question: Answer(question, objective, bound, proven, bought[question.account], lost[question.account])
            for question, objective, bound, proven in zip(questions, *certificates, strict=True)
        }

    def _trades(self, accounts: Ints) -> Iterable[tuple[int, int, float, float]]:
        """Account and wash group of every row that is traded, dollars bought, and dollars of losses sold there."""
        problem, outcome = self.search.problem, self.search.outcome
        rows = self.search.rows_of(accounts)
        rows = rows[outcome.steps[rows] != 0]
        table, steps = problem.rows[rows], outcome.steps[rows]
        bought = np.maximum(steps, 0) * (table["step"] / MICRO) * (table["price"] / MICRO)
        sold = np.flatnonzero((steps < 0) & problem.accounts["taxable"][table["account"]])
        begin, end = (problem.lot_offsets[table["position"][sold] + more] for more in (0, 1))
        lots = spans(begin, end)
        losses = np.where(problem.lots["loss"][lots], -problem.lots["gain"][lots], 0.0) * (outcome.taken[lots] / MICRO)
        lost = np.bincount(np.repeat(sold, end - begin), losses, len(rows))
        return zip(table["account"].tolist(), table["group"].tolist(), bought.tolist(), lost.tolist(), strict=True)

    def _certify(self, found: Found) -> None:
        """The household's gap, in each account in proportion to value."""
        outcome = self.search.outcome
        accounts = np.array([answer.question.account for answer in found.answers])
        values = np.array([self._value(answer) for answer in found.answers])
        gap = max(sum(answer.objective for answer in found.answers) - found.lower, 0.0)
        outcome.bound[accounts] = outcome.objective[accounts] - gap * values / values.sum()
        outcome.proven[accounts] = found.proven or gap <= SMALL_GAP * values.sum()

    def _value(self, answer: Answer) -> float:
        return max(float(self.search.problem.accounts["value"][answer.question.account]) / MICRO, 0.01)


def _each_alone(problem: Problem) -> Problem:
    """The problem with a household for every account; who reads it gives it wash facts."""
    accounts = problem.accounts.copy()
    accounts["household"] = np.arange(len(accounts))
    return problem._replace(accounts=accounts)


def _facts(problem: Problem, questions: Sequence[Question]) -> Wash:
    """Wash facts by account: those of its household, and the sides that are asked for as if they were facts.

    What is OPEN was bought within the window, what is QUIET was sold at a loss.

    :param questions: ascending, one for an account
    """
    wash, count = problem.wash, len(problem.accounts)
    facts, recent = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    places, recent_places, groups, sides = [], [], [], []
    for account, wanted in questions:
        household = problem.accounts["household"][account]
        own = np.arange(wash.offsets[household], wash.offsets[household + 1])
        late = np.arange(wash.recent_offsets[household], wash.recent_offsets[household + 1])
        facts[account], recent[account] = len(own) + len(wanted), len(late)
        places.append(np.concatenate([own, np.full(len(wanted), -1)]))
        recent_places.append(late)
        groups += [0] * len(own) + [group for group, _ in wanted]
        sides += [-1] * len(own) + [side for _, side in wanted]
    place, side, each = np.concatenate(places), np.array(sides, dtype=np.int64), np.array(groups, dtype=np.int64)
    real = place >= 0
    each[real] = wash.group[place[real]]
    at_a_loss, bought = side == QUIET, side == OPEN
    at_a_loss[real], bought[real] = wash.sold_at_loss[place[real]], wash.bought[place[real]]
    recents = np.concatenate(recent_places)
    return wash._replace(
        offsets=_ends(facts),
        group=each,
        sold_at_loss=at_a_loss,
        bought=bought,
        recent_offsets=_ends(recent),
        recent_group=wash.recent_group[recents],
        recent_quantity=wash.recent_quantity[recents],
        members=np.arange(count),
        member_offsets=np.arange(count + 1),
    )


def _ends(counts: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
