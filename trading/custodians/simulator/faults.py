"""What the simulator does wrong on purpose. Every fault is a behaviour of the real process, drawn from the seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from trading.custodians.simulator.fills import dice

DEFAULT_SECONDS = 30.0


class FaultKind(StrEnum):
    REJECT = "REJECT"  # accepted, and rejected when it reaches the market
    REFUSE = "REFUSE"  # refused at once
    ACCEPT_THEN_504 = "ACCEPT_THEN_504"  # accepted, and the answer is lost
    LOSE_THEN_504 = "LOSE_THEN_504"  # neither accepted nor answered
    HANG = "HANG"  # accepted, answered too late
    RATE_LIMIT = "RATE_LIMIT"  # refused for now
    DROP_STREAM = "DROP_STREAM"  # the connection breaks before the event is sent
    DUPLICATE_EVENTS = "DUPLICATE_EVENTS"  # sent twice
    LOSE_EVENTS = "LOSE_EVENTS"  # not sent while live, with the comment that says so
    REORDER_EVENTS = "REORDER_EVENTS"  # sent after the event that follows it
    PARTIAL = "PARTIAL"  # filled in as many executions as there may be
    EXPIRE = "EXPIRE"  # expires after it went live
    LATE_FILL = "LATE_FILL"  # cancelled by the market, and filled a moment later
    CANCEL_RACE = "CANCEL_RACE"  # a cancel is taken, and the fill was faster
    OVERFILL = "OVERFILL"  # a buy gets a share too many
    BUST = "BUST"  # an execution is taken back later
    CORRECT = "CORRECT"  # an execution's price or shares are corrected later
    STALE_POSITIONS = "STALE_POSITIONS"  # positions are told as at the time they were told before
    OUTAGE = "OUTAGE"  # nothing answers for some time
    CLOCK_SKEW = "CLOCK_SKEW"  # the moments it tells are ahead, or behind by negative seconds


FATES = (
    *(FaultKind.REJECT, FaultKind.EXPIRE, FaultKind.LATE_FILL, FaultKind.CANCEL_RACE, FaultKind.OVERFILL),
    FaultKind.PARTIAL,
)
"""What is decided about an order when it is accepted; the first that strikes counts."""


class BadFault(ValueError):
    """A fault that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: on which symbol (None: any), how often of all chances, how many times at most (None: for ever).

    :raises BadFault: if the rate is not within 0 and 1, or a count or a duration other than a clock's error is negative
    """

    kind: FaultKind
    symbol: str | None = None
    rate: float = 1.0
    times: int | None = None
    seconds: float = DEFAULT_SECONDS

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise BadFault(f"A fault's rate lies between 0 and 1, not at {self.rate}.")
        is_backwards = self.seconds < 0 and self.kind is not FaultKind.CLOCK_SKEW
        if (self.times is not None and self.times < 0) or is_backwards:
            raise BadFault("A fault's times and seconds are not negative; only a clock may run behind.")


def fault_of(words: Mapping[str, Any]) -> Fault:
    """:raises BadFault: if a member is unknown or malformed"""
    unknown = sorted(set(words) - {"kind", "symbol", "rate", "times", "seconds"})
    if unknown:
        raise BadFault(f"A fault has no {', '.join(unknown)}.")
    try:
        return Fault(
            kind=FaultKind(str(words["kind"]).upper()),
            symbol=words.get("symbol"),
            rate=float(words.get("rate", 1)),
            times=None if words.get("times") is None else int(words["times"]),
            seconds=float(words.get("seconds", DEFAULT_SECONDS)),
        )
    except (KeyError, TypeError, ValueError) as bad:
        raise BadFault(f"This is not a fault: {dict(words)} ({bad}).") from bad


def parse(spec: str) -> list[Fault]:
    """The faults of a command line: `reject,symbol=XYZ;accept_then_504,rate=0.05,times=3`.

    :raises BadFault: if it cannot be understood
    """
    faults = []
    for one in filter(None, (part.strip() for part in spec.split(";"))):
        kind, *settings = one.split(",")
        pairs = [setting.partition("=") for setting in settings]
        faults.append(
            fault_of({"kind": kind.strip().replace("-", "_"), **{name.strip(): value for name, _, value in pairs}})
        )
    return faults


class FaultBoard:
    """The faults in force; counts what is spent. The same subject draws anew each time it comes."""

    def __init__(self, seed: int, faults: list[Fault]) -> None:
        self._seed = seed
        self._faults = faults
        self._draws: Counter[tuple[FaultKind, str]] = Counter()

    def replace_all(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._draws.clear()

    def strikes(self, kind: FaultKind, *, symbol: str, subject: str) -> Fault | None:
        """The fault of this kind that befalls the subject now, if one does; it is then spent once."""
        for place, fault in enumerate(self._faults):
            if fault.kind is not kind or fault.times == 0 or fault.symbol not in {None, symbol}:
                continue
            self._draws[kind, subject] += 1
            if dice(self._seed, kind, subject, self._draws[kind, subject]).random() < fault.rate:
                if fault.times is not None:
                    self._faults[place] = replace(fault, times=fault.times - 1)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def dump(self) -> str:
        return json.dumps(self.as_json())


def load(text: str) -> list[Fault]:
    """The faults of an earlier `FaultBoard.dump`."""
    return [fault_of(words) for words in json.loads(text)]
