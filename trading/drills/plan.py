"""What a drill does: how many orders, which faults how often, and when what is killed, restarted or stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from trading.custodians.simulator.faults import FaultKind

ORDERS_A_KILL = 40
"""At 2,000 orders fifty workers are killed."""
ORDERS_A_BATCH = 100
SECONDS_A_STEP = 0.15
"""How long what is asked for may work before the next thing happens."""

# How often a fault befalls what it can befall, and for how many seconds.
RATES = {
    FaultKind.REJECT: (0.02, 0.0),
    FaultKind.REFUSE: (0.02, 0.0),
    FaultKind.ACCEPT_THEN_504: (0.04, 0.0),
    FaultKind.LOSE_THEN_504: (0.04, 0.0),
    FaultKind.HANG: (0.01, 1.6),
    FaultKind.RATE_LIMIT: (0.04, 0.0),
    FaultKind.DROP_STREAM: (0.005, 0.0),
    FaultKind.DUPLICATE_EVENTS: (0.1, 0.0),
    FaultKind.LOSE_EVENTS: (0.005, 0.0),
    FaultKind.REORDER_EVENTS: (0.1, 0.0),
    FaultKind.PARTIAL: (0.1, 0.0),
    FaultKind.EXPIRE: (0.02, 0.0),
    FaultKind.LATE_FILL: (0.03, 0.0),
    FaultKind.CANCEL_RACE: (0.1, 0.0),
    FaultKind.OVERFILL: (0.01, 0.0),
    FaultKind.BUST: (0.03, 0.5),
    FaultKind.CORRECT: (0.03, 0.5),
    FaultKind.STALE_POSITIONS: (0.2, 0.0),
    FaultKind.OUTAGE: (0.002, 1.0),
    FaultKind.CLOCK_SKEW: (0.1, 3.0),  # a clock that is further off opens the breaker, as it should
}


class Step(StrEnum):
    """Something that happens once."""

    STAGE = "STAGE"
    KILL_CHILD = "KILL_CHILD"
    KILL_WORKER = "KILL_WORKER"
    KILL_LISTENER = "KILL_LISTENER"
    KILL_CUSTODIAN = "KILL_CUSTODIAN"
    RESTART_POSTGRES = "RESTART_POSTGRES"
    RESTART_VALKEY = "RESTART_VALKEY"
    CANCEL = "CANCEL"
    HALT = "HALT"


RESTARTS = (Step.RESTART_POSTGRES, Step.RESTART_VALKEY, Step.KILL_CUSTODIAN, Step.KILL_LISTENER)


class BadPlan(ValueError):
    """A drill that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One drill. `kills` are of workers; `restarts`: PostgreSQL, Valkey, the custodian and the listener, once each.

    :raises BadPlan: if there are no orders, or a number is negative
    """

    seed: int
    orders: int
    faults: tuple[FaultKind, ...]
    kills: int
    restarts: bool
    seconds: float

    def __post_init__(self) -> None:
        if self.orders < 1 or self.kills < 0 or self.seconds <= 0:
            raise BadPlan("A drill needs at least one order, no negative number of kills, and some seconds.")

    def fault_rows(self) -> list[dict[str, Any]]:
        """As the custodian's operator sets them."""
        rows = []
        for kind in self.faults:
            rate, seconds = RATES[kind]
            rows.append({"kind": kind, "rate": rate, "seconds": seconds})
        return rows

    def steps(self) -> Iterator[Step]:
        """Everything that happens, in an order of the seed's: first and last orders are staged."""
        chance = Random(f"{self.seed}:steps")  # noqa: S311 - a drill, not a secret
        batches = max(2, -(-self.orders // ORDERS_A_BATCH))
        middle = [
            *[Step.STAGE] * (batches - 2),
            *(Step.KILL_WORKER if chance.random() < 0.2 else Step.KILL_CHILD for _ in range(self.kills)),
            *[Step.CANCEL] * max(1, self.orders // 100),
            *[Step.HALT] * (2 if self.orders >= ORDERS_A_BATCH else 1),
            *(RESTARTS if self.restarts else ()),
        ]
        chance.shuffle(middle)
        yield from (Step.STAGE, *middle, Step.STAGE)


def faults_of(words: str) -> tuple[FaultKind, ...]:
    """The faults that a command line names: `all`, `none`, or kinds with commas between.

    :raises BadPlan: if there is no such kind
    """
    if words.lower() in {"all", "none"}:
        return tuple(RATES) if words.lower() == "all" else ()
    names = [word.strip().upper().replace("-", "_") for word in words.split(",")]
    unknown = [name for name in names if name not in FaultKind.__members__]
    if unknown:
        raise BadPlan(f"There is no fault {unknown[0]}: name some of {', '.join(RATES)}, or `all`, or `none`.")
    return tuple(FaultKind(name) for name in names)


def kills_for(orders: int) -> int:
    """How many workers are killed where nobody says."""
    return max(1, orders // ORDERS_A_KILL)


def batches(total: int, parts: int) -> Sequence[int]:
    """A number in parts that differ by one at most."""
    return [total // parts + (place < total % parts) for place in range(parts)]
