"""What a rule says about an order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trading.models import Order, PreTradeCheck
from trading.services.pretrade import Facts

Severity = PreTradeCheck.Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found. `numbers` are what it compared, as text; `severity` is what follows if it did not pass."""

    rule: str
    passed: bool
    sentence: str
    numbers: dict[str, str]
    severity: str = Severity.BLOCK


Rule = Callable[[Order, Facts], Finding]


def buys(order: Order) -> bool:
    return order.side == Order.Side.BUY
