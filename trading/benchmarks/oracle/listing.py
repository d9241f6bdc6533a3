"""The least cost of a small account by looking at every combination of whole shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import inf, prod

import numpy as np
from numpy.typing import NDArray

from trading.benchmarks.oracle.terms import Account, Line
from trading.benchmarks.oracle.ways import cash_cost, cash_of, groups, line_cost, ways

Floats = NDArray[np.float64]
Choices = tuple[NDArray[np.int64], Floats, Floats]
"""Steps, dollars they cost without cash, dollars they bring into cash."""


class TooManyCombinations(ValueError):
    """Nobody waits for so many."""


def least_cost(account: Account, *, at_most: int = 4_000_000) -> tuple[float, Mapping[str, int]]:
    """Dollars, and the shares that cost them.

    :raises TooManyCombinations: when there are more than `at_most`
    """
    by_group = [[line for _, line in lines] for lines in groups([account]).values()]
    order = [line for lines in by_group for line in lines]
    best: tuple[float, Mapping[str, int]] = (inf, {})
    for states in product(*(_of_group(account, lines) for lines in by_group)):
        listed = [choices for state in states for choices in state]
        if prod(len(steps) for steps, _, _ in listed) > at_most:
            raise TooManyCombinations(f"{prod(len(steps) for steps, _, _ in listed)} combinations")
        cost, chosen = _least(account, listed)
        if cost < best[0]:
            found = {line.symbol: int(steps) for line, steps in zip(order, chosen, strict=True) if steps}
            best = (cost, found)
    return best


def _of_group(account: Account, lines: Sequence[Line]) -> list[list[Choices]]:
    """The choices of a group's lines, once for each state it may be in; a line alone has one list for both."""
    possible = [quiet for quiet in (False, True) if all(ways(account, line, quiet=quiet) is not None for line in lines)]
    if len(lines) == 1:
        return [[_choices(account, lines[0], possible)]]
    return [[_choices(account, line, [quiet]) for line in lines] for quiet in possible]


def _choices(account: Account, line: Line, states: Sequence[bool]) -> Choices:
    steps = {0}
    for quiet in states:
        for way in ways(account, line, quiet=quiet) or ():
            sign = -1 if way.sells else 1
            steps |= {sign * shares for shares in range(way.least, way.most + 1)}
    listed = sorted(steps)
    cost = np.array([min(line_cost(account, line, each, quiet=quiet) for quiet in states) for each in listed])
    cash = np.array([cash_of(account, line, each) for each in listed])
    allowed = np.isfinite(cost)
    return np.array(listed, dtype=np.int64)[allowed], cost[allowed], cash[allowed]


def _least(account: Account, listed: Sequence[Choices]) -> tuple[float, list[int]]:
    cost, cash, buys = np.zeros(1), np.full(1, account.cash), np.zeros(1, dtype=bool)
    for steps, each, brings in listed:
        cost = (cost[:, None] + each[None, :]).ravel()
        cash = (cash[:, None] + brings[None, :]).ravel()
        buys = (buys[:, None] | (steps > 0)[None, :]).ravel()
    if not len(cost):
        return inf, []
    total = np.where(buys & (cash < account.reserve), inf, cost + cash_cost(account, cash))
    place = int(np.argmin(total))
    chosen = []
    for steps, _, _ in reversed(listed):
        place, own = divmod(place, len(steps))
        chosen.append(int(steps[own]))
    return float(total.min()), chosen[::-1]
