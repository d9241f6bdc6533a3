"""Do the decisions on a joint household lead towards its target? Worked out from decisions and book alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rebalancer.engine import money
from rebalancer.engine.book import NONE, Book
from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.drift import Drift
from rebalancer.engine.fees import Side
from rebalancer.engine.joint_drift import JointDrift
from rebalancer.engine.optimiser.decision import Decision, Trade

ROUNDING = 2 * 10**10
"""Twice a cent, in millionths of a micro-dollar: targets are weights of the fast world and not exact to the micro."""
Decided = Sequence[tuple[int, Decision]]
Room = Callable[[int, Decision, Trade], int | None]
"""By how much (millionths of a micro-dollar, doubled) a trade may end beyond the target; None where it is free."""


@dataclass(frozen=True, slots=True)
class Astray:
    """A trade that leads away from what the household wants."""

    account_id: str
    symbol: str
    crosses: bool
    """Past the target, not away from it."""


def astray(book: Book, drift: Drift, by_account: Decided, room: Room) -> Iterator[Astray]:
    """Trades past the household's target by more than their room, or away from it though nothing else moved it."""
    if drift.joint is None:
        return
    households: dict[int, list[tuple[int, Decision]]] = {}
    for account, decision in by_account:
        if drift.joint.owner[account] != NONE:
            households.setdefault(int(drift.joint.owner[account]), []).append((account, decision))
    for index, decided in households.items():
        yield from _of_household(_Household(book, drift.joint, index, decided), room)


class _Household:
    def __init__(self, book: Book, joint: JointDrift, index: int, decided: Decided) -> None:
        self.decided = decided
        self.symbols = {symbol: place for place, symbol in enumerate(book.securities.symbol)}
        rows, value = joint.drift.rows, int(joint.drift.value[index])
        first, last = int(rows.offsets[index]), int(rows.offsets[index + 1])
        places = {int(rows.security[row]): row for row in range(first, last)}
        self.prices = book.securities.price
        self.target = {one: round(float(rows.target[row]) * value) * MICRO for one, row in places.items()}
        held = joint.book.positions
        self.before = {
            one: int(held.quantity[rows.position[row]]) * int(self.prices[one]) if rows.position[row] != NONE else 0
            for one, row in places.items()
        }
        self.sides: dict[int, set[Side]] = {}
        self.after = dict(self.before)
        for _, decision in decided:
            for trade in decision.trades:
                security = self.symbols[trade.symbol]
                sign = 1 if trade.side is Side.BUY else -1
                self.after[security] += sign * money.to_micros(trade.quantity) * int(self.prices[security])
                self.sides.setdefault(security, set()).add(trade.side)


def _of_household(household: _Household, room: Room) -> Iterator[Astray]:
    """Trades of one side of a security end where the last of them does: the widest of their rooms counts."""
    bound = [
        (decision.account_id, trade, over)
        for account, decision in household.decided
        for trade in decision.trades
        if (over := room(account, decision, trade)) is not None
    ]
    widest: dict[tuple[str, Side], int] = {}
    for _, trade, over in bound:
        widest[trade.symbol, trade.side] = max(over, widest.get((trade.symbol, trade.side), 0))
    for account_id, trade, _ in bound:
        security = household.symbols[trade.symbol]
        sign, target = 1 if trade.side is Side.BUY else -1, household.target[security]
        alone = len(household.sides[security]) == 1
        if alone and sign * (target - household.before[security]) <= 0:
            yield Astray(account_id, trade.symbol, crosses=False)
        elif 2 * sign * (household.after[security] - target) > widest[trade.symbol, trade.side] + ROUNDING:
            yield Astray(account_id, trade.symbol, crosses=True)
