"""Decisions of many accounts: arrays as the kernel left them, put into words and decimals one by one when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, isnan
from typing import overload

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import NONE, Block, Book
from rebalancer.engine.book_tables import NO_BUDGET, Bools, Floats, Ints
from rebalancer.engine.drift import Drift
from rebalancer.engine.optimiser.coupled.settling import Settled
from rebalancer.engine.optimiser.coupled.volume import VolumeLimits
from rebalancer.engine.optimiser.decision import Decision, HouseholdYear, SkipReason
from rebalancer.engine.optimiser.facts import Reader
from rebalancer.engine.optimiser.kernel import Outcome
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.report import Proof, decide, undecided
from rebalancer.engine.optimiser.whole import whole_of
from rebalancer.engine.policy import Distance
from rebalancer.engine.triggers import MODES


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Decisions(Sequence[Decision]):
    """One decision each for the accounts asked for, in that order.

    The columns are there at once: `objective`, `bound` and `proven` by place; `problem` and `outcome` by row, lot and
    account of the book. Indexing makes the exact `Decision` with its sentences.
    """

    book: Book
    drift: Drift
    problem: Problem
    outcome: Outcome
    accounts: Ints
    modes: Ints
    """Indices into `triggers.MODES`."""
    sliders: Floats
    """By account of the book."""
    distance: Distance
    settled: Settled

    def __len__(self) -> int:
        return len(self.accounts)

    @overload
    def __getitem__(self, place: int) -> Decision: ...
    @overload
    def __getitem__(self, place: slice) -> list[Decision]: ...
    def __getitem__(self, place: int | slice) -> Decision | list[Decision]:
        if isinstance(place, slice):
            return [self._one(one) for one in range(*place.indices(len(self)))]
        return self._one(range(len(self))[place])

    def _one(self, place: int) -> Decision:
        account, mode = int(self.accounts[place]), MODES[int(self.modes[place])]
        reader = Reader(self.book, self.drift, self.problem, self.outcome)
        reason = None if self.problem.accounts["open"][account] else self._why_left(account)
        if reason:
            return undecided(account, reader, reason, mode, self._proof(account))
        return decide(whole_of(reader, account), reader, mode, self._proof(account))

    def _proof(self, account: int) -> Proof:
        return Proof(
            objective=float(self.outcome.objective[account]),
            bound=float(self.outcome.bound[account]),
            proven=bool(self.outcome.proven[account]),
            slider=float(self.sliders[account]),
            distance=self.distance.value,
            year=self._year(int(self.book.accounts.household[account])),
        )

    def _year(self, household: int) -> HouseholdYear | None:
        taxes, settled = self.book.taxes, self.settled.years
        if taxes is None or settled is None:
            return None
        limits = taxes.gain_budget_year[household], taxes.tax_budget_year[household]
        year_tax = float(settled.year_tax[household])
        if NO_BUDGET == limits[0] == limits[1] and isnan(year_tax):
            return None
        return HouseholdYear(
            gain_budget=_limit(int(limits[0])),
            gain_left=_dollars(float(settled.gain_left[household])),
            gain_price=float(settled.gain_price[household]),
            tax_budget=_limit(int(limits[1])),
            tax_left=_dollars(float(settled.tax_left[household])),
            tax_price=float(settled.tax_price[household]),
            year_tax=_dollars(year_tax),
        )

    def _why_left(self, account: int) -> SkipReason:
        block = int(self.book.accounts.block[account])
        if self.book.accounts.model[account] == NONE:
            return SkipReason.NO_MODEL
        if block != Block.NONE:
            return SkipReason.DATA_PROBLEM if block == Block.DATA_PROBLEM else SkipReason.BLOCKED
        return SkipReason.NO_VALUE if self.drift.value[account] <= 0 else SkipReason.VALUE_INCOMPLETE

    @property
    def volume_limits(self) -> VolumeLimits:
        """Most micro-shares of an order by account id and symbol, where orders of a block had to share a volume."""
        return self.settled.volume_limits

    @property
    def objective(self) -> Floats:
        """Dollars: the price of the drift left, tax and costs."""
        return self.outcome.objective[self.accounts]

    @property
    def bound(self) -> Floats:
        """Dollars; no decision under the same rules has less."""
        return self.outcome.bound[self.accounts]

    @property
    def proven(self) -> Bools:
        """Nothing cheaper exists."""
        return self.outcome.proven[self.accounts]

    @property
    def gap_bps(self) -> Floats:
        """Objective less bound in basis points of account value."""
        value = np.maximum(self.drift.value[self.accounts], 1) / 1e6
        gap: Floats = np.maximum(self.objective - self.bound, 0.0) / value * 1e4
        return gap

    @property
    def breaches(self) -> Ints:
        """What the exact re-footing found, by place: 0 is nothing (`exact.foots`)."""
        return self.outcome.breach[self.accounts]

    def trade_count(self) -> int:
        """Trades of all decisions."""
        return int(np.count_nonzero(self.outcome.steps))


def _limit(micros: int) -> Decimal | None:
    return None if micros == NO_BUDGET else money.from_micros(micros)


def _dollars(amount: float) -> Decimal | None:
    """To the cent; None where there is no amount."""
    return money.cents(Decimal(repr(amount))) if isfinite(amount) else None
