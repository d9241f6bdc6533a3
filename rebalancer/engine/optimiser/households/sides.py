"""Wash groups of a joint household: each is OPEN, to purchases and sales at a gain, or QUIET, to sales alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints
from rebalancer.engine.optimiser.households.members import Household
from rebalancer.engine.optimiser.problem import Problem

OPEN, QUIET = 0, 1

Sides = Mapping[int, int]
"""OPEN or QUIET by wash group."""


class Groups:
    """Which side a household's groups can and should be on."""

    def __init__(self, household: Household, *, few: int) -> None:
        """:param few: of how many contested groups both sides are tried"""
        self.household = household
        self.group = household.search.problem.rows["group"][household.rows]
        losses, bought = self._losses(), self.group[self._buyable()].tolist()
        at_a_loss = {group: float(losses[self.group == group].sum()) for group in set(self.group.tolist())}
        contested = sorted(
            (group for group in set(bought) if at_a_loss[group] > 0.0), key=lambda one: (-at_a_loss[one], one)
        )
        self.contested = contested[:few]
        self.usual = {group: QUIET if loss > 0.0 else OPEN for group, loss in sorted(at_a_loss.items())}
        self.usual.update(dict.fromkeys(bought, OPEN))

    def ways(self) -> Iterator[Sides]:
        """Every combination of sides of the few groups of which losses may be sold and something may be bought."""
        for chosen in itertools.product((OPEN, QUIET), repeat=len(self.contested)):
            yield {**self.usual, **dict(zip(self.contested, chosen, strict=True))}

    def of_steps(self, steps: Ints) -> Sides:
        """OPEN where something is bought, QUIET elsewhere.

        :param steps: by row of the household, sales negative
        """
        return {**dict.fromkeys(self.group.tolist(), QUIET), **dict.fromkeys(self.group[steps > 0].tolist(), OPEN)}

    def of_trades(self) -> Sides:
        """Groups that are bought, or sold at a loss, so far."""
        household, search = self.household, self.household.search
        lots = search.problem.lots[household.lots]
        lost = lots["loss"] & household.taxed[household.lot_row] & (search.outcome.taken[household.lots] > 0)
        bought = self.group[search.outcome.steps[household.rows] > 0]
        return {
            **dict.fromkeys(bought.tolist(), OPEN),
            **dict.fromkeys(self.group[household.lot_row[lost]].tolist(), QUIET),
        }

    def forced(self, sides: Sides) -> Problem:
        """The problem as if the household had bought within the window what is OPEN, and sold at a loss the rest."""
        problem, household = self.household.search.problem, self.household.number
        wash, at = problem.wash, int(problem.wash.offsets[household + 1])
        groups, quiet = np.array(list(sides), dtype=np.int64), np.array(list(sides.values()), dtype=np.int64) == QUIET
        offsets = wash.offsets.copy()
        offsets[household + 1 :] += len(groups)
        place = np.full(len(groups), at)
        return problem._replace(
            wash=wash._replace(
                offsets=offsets,
                group=np.insert(wash.group, place, groups),
                sold_at_loss=np.insert(wash.sold_at_loss, place, quiet),
                bought=np.insert(wash.bought, place, ~quiet),
            )
        )

    def _losses(self) -> Floats:
        """By row, dollars of losses that a taxed account may sell."""
        household, problem = self.household, self.household.search.problem
        lots, table = problem.lots[household.lots], problem.rows[household.rows]
        may = (table["sell_bar"] == 0) & household.taxed & (table["lowest"] < 0)
        of_lot = np.where(lots["loss"] & may[household.lot_row], -lots["gain"] * lots["quantity"] / MICRO, 0.0)
        losses: Floats = np.bincount(household.lot_row, of_lot, len(household.rows)).astype(np.float64)
        return losses

    def _buyable(self) -> Bools:
        household = self.household
        table = household.search.problem.rows[household.rows]
        held = table["quantity"] / MICRO * (table["price"] / MICRO)
        may: Bools = (table["buy_bar"] == 0) & (table["highest"] > 0)
        return may & (household.bought_to[household.joint] / MICRO > held)
