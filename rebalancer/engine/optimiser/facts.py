"""One decided account as `report` reads it: whole numbers of micro-dollars and micro-shares, lots, and codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import Book
from rebalancer.engine.book_tables import MICRO, NONE, Ints
from rebalancer.engine.drift import Drift
from rebalancer.engine.lots import Lot
from rebalancer.engine.optimiser.codes import SKIPS, TRADES
from rebalancer.engine.optimiser.decision import SkipReason, TradeReason
from rebalancer.engine.optimiser.kernel import Outcome
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A security that an account holds or should hold, and what is done with it."""

    row: int
    """Row of `Drift.rows`."""
    security: int
    symbol: str
    asset_class: int
    position: int
    price: int
    half_spread: int
    quantity: int
    value: int
    target: int
    """Micro-dollars at the target weight."""
    goal: int
    """Micro-dollars at which trades aim: the target, or the band's edge."""
    weight: float
    target_weight: float
    buy: int
    sell: int
    lots_sold: tuple[tuple[int, int], ...]
    """(row of `Book.lots`, micro-shares) of what is sold."""
    reason: TradeReason | None
    skip: SkipReason | None
    instead: str
    """The alternate that its target moved to, since it may not be bought; empty where there is none."""
    bar: SkipReason | None
    """What stops buys, the wash rule apart."""

    def spread(self, quantity: int) -> int:
        """Micro-dollars that half the spread takes from an order, rounded up."""
        return -(-quantity * self.half_spread // MICRO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An account: micro-dollars; `free` is cash after withdrawals."""

    index: int
    account_id: str
    taxable: bool
    policy: Policy
    value: int
    cash: int
    free: int
    withdrawals: int
    reserve: int
    missing: int
    """Cash that had to be raised."""
    minimum: int
    """Smallest amount of one trade."""
    too_small: bool
    """Trades were dropped because together they did not exceed the policy's minimum."""
    holdings: list[Holding]


class Reader:
    """Reads decided accounts out of a book, its problem and its outcome."""

    def __init__(self, book: Book, drift: Drift, problem: Problem, outcome: Outcome) -> None:
        self.book = book
        self.drift = drift
        self.problem = problem
        self.outcome = outcome
        self.sold_on: date = book.as_of

    def facts(self, account: int) -> Facts:
        """Everything about one account."""
        book, accounts = self.book, self.problem.accounts
        one = accounts[account]
        rows = range(int(self.problem.row_offsets[account]), int(self.problem.row_offsets[account + 1]))
        return Facts(
            index=account,
            account_id=book.accounts.account_id[account],
            taxable=bool(one["taxable"]),
            policy=book.policies[book.accounts.policy[account]],
            value=int(one["value"]),
            cash=int(self.drift.cash[account]),
            free=int(one["free"]),
            withdrawals=int(book.accounts.withdrawals_due[account]),
            reserve=int(one["reserve"]),
            missing=int(one["missing"]),
            minimum=int(one["minimum"]),
            too_small=bool(self.outcome.too_small[account]),
            holdings=sorted((self._holding(row) for row in rows), key=lambda holding: holding.security),
        )

    def _holding(self, row: int) -> Holding:
        book, one, drift = self.book, self.problem.rows[row], self.drift.rows
        quantity, steps, security = int(one["quantity"]), int(self.outcome.steps[row]), int(one["security"])
        traded = steps * int(one["step"]) if steps > 0 else min(-steps * int(one["step"]), max(quantity, 0))
        return Holding(
            row=row,
            security=security,
            symbol=book.securities.symbol[security],
            asset_class=int(book.securities.asset_class[security]),
            position=int(one["position"]),
            price=int(one["price"]),
            half_spread=int(one["half_spread"]),
            quantity=quantity,
            value=quantity * int(one["price"]) // MICRO,
            target=int(one["target"]),
            goal=int(one["goal"]),
            weight=float(drift.weight[row]),
            target_weight=float(drift.target[row]),
            buy=traded if steps > 0 else 0,
            sell=traded if steps < 0 else 0,
            lots_sold=self._sold(int(one["position"])) if steps < 0 else (),
            reason=TRADES[self.outcome.reason[row]],
            skip=SKIPS[self.outcome.skip[row]],
            instead=self._instead(row),
            bar=SKIPS[int(one["buy_bar"])],
        )

    def _instead(self, row: int) -> str:
        other = int(self.drift.rows.instead[row])
        return self.book.securities.symbol[int(self.problem.rows["security"][other])] if other != NONE else ""

    def _sold(self, position: int) -> tuple[tuple[int, int], ...]:
        """Lots of a position that are sold, in the order of the relief method."""
        rows = np.arange(self.problem.lot_offsets[position], self.problem.lot_offsets[position + 1])
        sold: Ints = rows[self.outcome.taken[rows] > 0]
        lots = self.problem.lots
        order = sorted(sold.tolist(), key=lambda lot: (float(lots["key"][lot]), int(lots["tie"][lot])))
        if len(sold) and lots["by_tax"][sold[0]]:
            order = sorted(order, key=self._tax_a_share)
        return tuple((lot, int(self.outcome.taken[lot])) for lot in order)

    def _tax_a_share(self, lot: int) -> float:
        one = self.problem.lots[lot]
        account = (
            int(
                np.searchsorted(
                    self.book.positions.offsets, np.searchsorted(self.problem.lot_offsets, lot, "right") - 1, "right"
                )
            )
            - 1
        )
        rate = self.problem.accounts[account]["long_rate" if one["long"] else "short_rate"]
        return float(one["gain"] * rate)

    def lot(self, row: int) -> Lot:
        """The exact lot."""
        lots = self.book.lots
        return Lot(
            lots.lot_id[row],
            lots.acquired_on[row].item(),
            money.from_micros(int(lots.quantity[row])),
            money.from_micros(int(lots.cost_basis[row])),
            bool(lots.inherited[row]),
        )


def dollars(micros: int) -> Decimal:
    """Micro-dollars as dollars."""
    return money.from_micros(micros)
