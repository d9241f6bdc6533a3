"""Random households whose least cost SCIP proves, looked at in several processes, until there are enough of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from trading.benchmarks.oracle.accounts import household_case, joint_case, middle_case
from trading.benchmarks.oracle.compare import Compared, against, by_scip
from trading.benchmarks.oracle.joint import against_scip

FIRST_SEED = 1000
BOTH = (False, True)
MOST_PROCESSES = 8

Look = Callable[[int], tuple[Compared, ...] | None]
"""From a seed: a comparison as usual and one exact; None where no least cost was proven."""


@dataclass(frozen=True, slots=True)
class Known:
    """Comparisons by household, in the order of the seeds; and how many were passed by, since nothing was proven."""

    compared: list[tuple[Compared, ...]]
    unproven: int

    @property
    def usual(self) -> list[Compared]:
        return [usual for usual, _ in self.compared]

    @property
    def exact(self) -> list[Compared]:
        return [exact for _, exact in self.compared]


def account(seed: int) -> tuple[Compared, ...] | None:
    """A household of one account."""
    return against(middle_case(seed), by_scip, exact=BOTH)


def two_accounts(seed: int) -> tuple[Compared, ...] | None:
    """Two accounts, each with a target of its own."""
    return against(household_case(seed), by_scip, exact=BOTH)


def one_target(seed: int) -> tuple[Compared, ...] | None:
    """Two accounts that follow one target together."""
    return against_scip(joint_case(seed), exact=BOTH)


def processes() -> Executor:
    """One for each processor. They are started afresh, so that none holds a connection of ours."""
    return ProcessPoolExecutor(min(os.cpu_count() or 1, MOST_PROCESSES), mp_context=get_context("spawn"))


def known(look: Look, wanted: int, executor: Executor) -> Known:
    """So many households with a known least cost, or fewer where as many again had none: the first there are.

    :param look: a function of a module, which another process can find
    """
    compared: list[tuple[Compared, ...]] = []
    looked = 0
    while len(compared) < wanted and looked < 2 * wanted:
        seeds = range(FIRST_SEED + looked, FIRST_SEED + looked + wanted - len(compared))
        compared += [one for one in executor.map(look, seeds) if one is not None]
        looked += len(seeds)
    return Known(compared, looked - len(compared))
