"""Sending no faster than custodians allow: tokens for a whole batch are taken in one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from portfolios.selectors.guards import guard_limits
from trading.budgets import Left, Purse, learn, left, take
from trading.connections import Line
from trading.custodians.protocol import Custodian
from trading.models import BrokerConnection, OrderCommand
from trading.services.lines import line_of

WAITS = "waits: the budget of requests is used up"


def purse_of(line: Line) -> Purse:
    """Firms that share a credential share its purse."""
    return Purse(f"{line.adapter}:{line.credentials_ref}", int(line.capabilities.get("requests_a_minute", 0)))


def affordable(*, firm_id: int, commands: Sequence[OrderCommand], now: datetime) -> list[OrderCommand]:
    """The locked commands that there are tokens for, in their order; the others are put off, in this transaction."""
    if not commands:
        return []
    orders_a_minute = guard_limits(firm_id).orders_a_minute
    allowed: set[int] = set()
    for purse, mine in _by_purse(commands).items():
        submits = [command for command in mine if command.kind == OrderCommand.Kind.SUBMIT]
        others = [command for command in mine if command.kind != OrderCommand.Kind.SUBMIT]
        granted = take(
            purse, firm_id=firm_id, submits=len(submits), others=len(others), orders_a_minute=orders_a_minute
        )
        allowed.update(command.pk for command in (*submits[: granted.submits], *others[: granted.others]))
        put_off = [command.pk for command in mine if command.pk not in allowed]
        if put_off:
            _put_off(firm_id, put_off, now + granted.wait)
    return [command for command in commands if command.pk in allowed]


def heed(used: Mapping[int, Line], lines: Mapping[int, Custodian]) -> None:
    """Take over what custodians said of their own counts in their last answers on these lines, by connection."""
    for connection_id, line in used.items():
        rate = lines[connection_id].rate
        if rate is not None:
            learn(purse_of(line), limit=rate.limit, remaining=rate.remaining, reset_at=rate.reset_at)


def budgets_left(*, firm_id: int) -> Mapping[int, Left]:
    """What is left by connection, where a limit is known."""
    rows = BrokerConnection.objects.for_firm(firm_id).order_by("id")
    found = {row.pk: left(purse_of(line_of(row))) for row in rows}
    return {connection_id: budget for connection_id, budget in found.items() if budget is not None}


def _by_purse(commands: Sequence[OrderCommand]) -> Mapping[Purse, list[OrderCommand]]:
    found: dict[Purse, list[OrderCommand]] = defaultdict(list)
    for command in commands:
        found[purse_of(line_of(command.order.connection))].append(command)
    return found


def _put_off(firm_id: int, command_ids: Sequence[int], until: datetime) -> None:
    OrderCommand.objects.for_firm(firm_id).filter(pk__in=command_ids).update(
        not_before=until + timedelta(milliseconds=1), outcome=WAITS
    )
