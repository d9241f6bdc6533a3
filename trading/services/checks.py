"""Pre-trade checks: each looks at one order and says what it found, with the numbers it looked at.

What fails a rule that blocks is denied. What fails a rule that needs a note is held until somebody wrote one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from trading.models import Order, PreTradeCheck
from trading.services.pretrade import Facts
from trading.services.rules import approval, cash_account, holdings, neighbours, prices, sizes
from trading.services.rules.findings import Finding, Rule, Severity

RULES: Sequence[Rule] = (
    approval.account_open,
    approval.proposal_approved,
    approval.approval_young,
    approval.run_as_approved,
    approval.not_halted,
    prices.price_fresh,
    prices.price_collar,
    sizes.minimum_notional,
    sizes.maximum_notional,
    sizes.large_notional,
    sizes.part_of_account,
    sizes.part_of_volume,
    sizes.daily_notional,
    sizes.count_a_minute,
    neighbours.no_duplicate,
    neighbours.no_repeat,
    neighbours.no_opposite,
    holdings.not_restricted,
    holdings.tradable,
    holdings.shares_there,
    holdings.buying_power,
    cash_account.paid_for,
    cash_account.pays_nothing_late,
)

_STORE = """
INSERT INTO trading_pretradecheck
    (firm_id, order_id, rule, passed, severity, sentence, numbers, checked_at, note, noted_by, noted_at)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::bool[], %s::text[], %s::text[], %s::jsonb[],
                         %s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[])
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an order's findings: it is `denied`, it `waits` for a note, or it may go if both are empty."""

    denied: str
    waits: str


def check(order: Order, facts: Facts) -> list[Finding]:
    """Every rule's finding, in the order of the table. A block's order has none: those of its accounts were checked."""
    return [] if order.role == Order.Role.BLOCK else [rule(order, facts) for rule in RULES]


def verdict(order: Order, findings: Iterable[Finding], facts: Facts) -> Verdict:
    failed = [finding for finding in findings if not finding.passed]
    noted = facts.notes.get(order.pk, {})
    denied = [f"{finding.rule}: {finding.sentence}" for finding in failed if finding.severity == Severity.BLOCK]
    waits = [
        f"Waits for a note: {finding.sentence}"
        for finding in failed
        if finding.severity == Severity.NEEDS_NOTE and finding.rule not in noted
    ]
    return Verdict(next(iter(denied), ""), next(iter(waits), ""))


def rows(order: Order, findings: Sequence[Finding], facts: Facts, at: datetime) -> list[PreTradeCheck]:
    """What is stored of the findings; a note that was written about one before stays with it."""
    return [_row(order, finding, facts, at) for finding in findings]


def store(firm_id: int, found: Sequence[PreTradeCheck]) -> None:
    """Write the rows in one statement, in the caller's transaction."""
    if not found:
        return
    columns: list[list[Any]] = [
        [row.order_id for row in found],
        [row.rule for row in found],
        [row.passed for row in found],
        [str(row.severity) for row in found],
        [row.sentence for row in found],
        [json.dumps(row.numbers) for row in found],
        [row.checked_at for row in found],
        [row.note for row in found],
        [row.noted_by for row in found],
        [row.noted_at for row in found],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [firm_id, *columns])


def _row(order: Order, finding: Finding, facts: Facts, at: datetime) -> PreTradeCheck:
    note = None if finding.passed else facts.notes.get(order.pk, {}).get(finding.rule)
    return PreTradeCheck(
        order=order,
        rule=finding.rule,
        passed=finding.passed,
        severity=Severity.INFO if finding.passed else finding.severity,
        sentence=finding.sentence[:300],
        numbers=finding.numbers,
        checked_at=at,
        note=note.note if note else "",
        noted_by=note.noted_by if note else "",
        noted_at=note.noted_at if note else None,
    )
