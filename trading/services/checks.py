"""Pre-trade checks: each looks at one order and says what it found, with the numbers it looked at.

What fails a rule that blocks is denied. What fails a rule that needs a note is held until somebody wrote one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from trading.models import Order
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
    (firm_id, checked_at, order_id, rule, passed, severity, sentence, numbers, note, noted_by, noted_at)
SELECT %s, %s, order_id, rule, passed, severity, sentence, numbers, coalesce(note, ''), coalesce(noted_by, ''), noted_at
FROM jsonb_to_recordset(%s::jsonb)
    AS found(order_id bigint, rule text, passed bool, severity text, sentence text, numbers jsonb, note text,
             noted_by text, noted_at timestamptz)
"""
Row = Mapping[str, Any]


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


def rows(order: Order, findings: Sequence[Finding], facts: Facts) -> list[Row]:
    """What is stored of the findings; a note that was written about one before stays with it."""
    return [_row(order, finding, facts) for finding in findings]


def store(firm_id: int, found: Sequence[Row], at: datetime) -> None:
    """Write the rows in one statement, in the caller's transaction: there are twenty for each order."""
    if found:
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [firm_id, at, json.dumps(found)])


def _row(order: Order, finding: Finding, facts: Facts) -> Row:
    row: Row = {
        "order_id": order.pk,
        "rule": finding.rule,
        "passed": finding.passed,
        "severity": Severity.INFO if finding.passed else finding.severity,
        "sentence": finding.sentence[:300],
        "numbers": finding.numbers,
    }
    note = None if finding.passed else facts.notes.get(order.pk, {}).get(finding.rule)
    if note is None:
        return row
    noted_at = note.noted_at.isoformat() if note.noted_at else None
    return {**row, "note": note.note, "noted_by": note.noted_by, "noted_at": noted_at}
