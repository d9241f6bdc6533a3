"""One drill from the first approval to rest: orders are staged while things break, then everything is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from django.db import connections
from django.utils import timezone

from trading.benchmarks.trading_firms import TradingFirm, approve, custodian_book, make_world
from trading.drills import findings
from trading.drills.plan import ORDERS_A_BATCH, SECONDS_A_STEP, Plan, Step, batches
from trading.drills.stack import Stack
from trading.services.halts import agree_to_lift, ask_to_lift, raise_halt
from trading.services.orders import OrderHasEnded, OrderInBlock, cancel_order
from trading.services.reconcile import reconcile

HALT_SECONDS = 1.0
SETTLES_WITHIN_SECONDS = 15.0
LOOK_SECONDS = 0.5
BY, ANOTHER = "trader@drill.example", "compliance@drill.example"


@dataclass(slots=True)
class Course:
    """A drill under way."""

    plan: Plan
    stack: Stack
    say: Callable[[str], None]
    firms: list[TradingFirm] = field(default_factory=list)
    staged: int = 0
    cancels: int = 0
    halts: int = 0
    sent_while_halted: int = 0
    chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = Random(f"{self.plan.seed}:course")  # noqa: S311 - a drill, not a secret

    @property
    def firm_ids(self) -> list[int]:
        return [firm.firm_id for firm in self.firms]

    def run(self) -> dict[str, Any]:
        """Carry the drill out; gives its report."""
        begun = time.monotonic()
        self.firms = make_world(seed=self.plan.seed, orders=self.plan.orders, blocks=True)
        self.stack.start("custodian")
        self.stack.ask("POST", "load", custodian_book(self.firms))
        self.stack.ask("PUT", "faults", self.plan.fault_rows())
        self.stack.start("worker1", "worker2", "beat", "stream")
        sizes = iter(batches(self.plan.orders, max(2, -(-self.plan.orders // ORDERS_A_BATCH))))
        for step in self.plan.steps():
            self._do(step, sizes)
            self._wait(SECONDS_A_STEP)
        rested = self._rest(begun + self.plan.seconds)
        return self._report(rested, time.monotonic() - begun)

    def _do(self, step: Step, sizes: Iterator[int]) -> None:
        match step:
            case Step.STAGE:
                self._stage(next(sizes))
            case Step.CANCEL:
                self._cancel()
            case Step.HALT:
                self._halt(self.chance.choice(self.firms))
            case _:
                self.stack.act(step, self.chance)
                connections.close_all()

    def _stage(self, count: int) -> None:
        parts = batches(count, len(self.firms))
        for firm, orders in zip(self.firms, parts, strict=True):
            self.staged += approve(firm, orders=orders, chance=self.chance, at=timezone.now())

    def _cancel(self) -> None:
        """Ask for the end of a few orders, which may be faster."""
        firm = self.chance.choice(self.firms)
        open_ids = findings.open_ids(firm.firm_id)
        for order_id in self.chance.sample(open_ids, min(3, len(open_ids))):
            try:
                cancel_order(firm_id=firm.firm_id, order_id=order_id, by=BY, at=timezone.now())
            except (OrderHasEnded, OrderInBlock):
                continue
            self.cancels += 1

    def _halt(self, firm: TradingFirm) -> None:
        """Stop a firm; what leaves while it is stopped and nothing is under way any more, left in spite of the halt."""
        raised = raise_halt(firm_id=firm.firm_id, reason="A drill.", by=BY, at=timezone.now())
        self.halts += 1
        deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
        while findings.in_flight(firm.firm_id) and time.monotonic() < deadline:
            self._wait(0.1)
        before = self._arrived(firm)
        self._wait(HALT_SECONDS)
        if not findings.in_flight(firm.firm_id):
            self.sent_while_halted += self._arrived(firm) - before
        ask_to_lift(firm_id=firm.firm_id, halt_id=raised.halt_id, by=BY, at=timezone.now(), why="The drill goes on.")
        agree_to_lift(firm_id=firm.firm_id, halt_id=raised.halt_id, by=ANOTHER, at=timezone.now())

    def _arrived(self, firm: TradingFirm) -> int:
        orders, shares = self.stack.ask("GET", "record")["orders"], findings.in_blocks(firm.firm_id)
        return sum(row["number"].startswith(f"{firm.slug}-") and row["client_order_id"] not in shares for row in orders)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.stack.look()
            if time.monotonic() >= deadline:
                return
            time.sleep(0.05)

    def _rest(self, deadline: float) -> bool:
        """Wait until everything has come to rest; whether it has. Positions are told truly from here on."""
        self.stack.ask("PUT", "faults", [row for row in self.plan.fault_rows() if row["kind"] not in _BLINDING])
        while time.monotonic() < deadline:
            self._wait(LOOK_SECONDS)
            if findings.at_rest(self.firm_ids, self._record()):
                return True
            self.say(f"waiting for rest: {findings.states(self.firm_ids)}")
        return False

    def _record(self) -> findings.Record:
        record: findings.Record = self.stack.ask("GET", "record")
        return record

    def _report(self, rested: bool, seconds: float) -> dict[str, Any]:
        self.stack.ask("PUT", "faults", [])
        record = self._record()
        compared = asdict(findings.beside(self.firm_ids, record))
        counted: Mapping[str, Any] = {
            **compared,
            **findings.rules(self.firm_ids),
            **self._reconciled(),
            "sent_while_halted": self.sent_while_halted,
            "not_at_rest": int(not rested),
        }
        return {
            "seed": self.plan.seed,
            "orders": self.staged,
            "at_custodian": len(record["orders"]),
            "executions": len(record["executions"]),
            "states": findings.states(self.firm_ids),
            "befallen": findings.befallen(self.firm_ids, record),
            "kills": self.stack.kills,
            "restarts": self.stack.restarts,
            "cancels": self.cancels,
            "halts": self.halts,
            "faults": [str(kind) for kind in self.plan.faults],
            "seconds": round(seconds, 1),
            "breaches": {name: _plain(number) for name, number in counted.items()},
            "sound": not any(counted.values()),
        }

    def _reconciled(self) -> dict[str, int]:
        cash = shares = 0
        for firm_id in self.firm_ids:
            found = reconcile(firm_id=firm_id, now=timezone.now())
            if found.not_asked:
                raise RuntimeError(f"The custodian could not be asked of {found.not_asked} accounts at the end.")
            cash, shares = cash + found.cash_difference_cents, shares + found.share_differences
        return {"reconciled_cents": cash, "reconciled_positions": shares}


_BLINDING = ("STALE_POSITIONS", "OUTAGE")


def _plain(number: Any) -> int | str:
    return number if isinstance(number, int) else f"{number:f}"
