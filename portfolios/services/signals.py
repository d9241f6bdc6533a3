"""What a scan finds in the accounts it looks at, and writing down what calls for attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from accounts.models import Household
from portfolios.figures import day_text
from portfolios.models import DataProblem
from portfolios.snapshots.book import LoadedBook
from rebalancer.engine.calendars import next_session
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.money import MICRO
from rebalancer.engine.policy import Policy
from rebalancer.engine.triggers import Code, Triggers, is_scheduled
from rebalancer.engine.triggers import evaluate as evaluate_triggers

CENT = MICRO // 100
WEIGHT_SCALE = 100_000_000
"""Weights travel as whole hundred-millionths, the scale of their columns."""

# Money as whole cents and weights as whole hundred-millionths become numeric in the database: exact, and no text.
_STORE = """
INSERT INTO portfolios_accountsignal (firm_id, scan_id, account_id, household_id, reasons, is_breached, value, cash,
    drift_weight, largest_deviation_weight, outcome, sentence)
SELECT %(firm)s, %(scan)s, account, household, string_to_array(reasons, ','), breached, value / 100.0, cash / 100.0,
    drift / 100000000.0, deviation / 100000000.0, outcome, sentence
FROM unnest(%(account)s::bigint[], %(household)s::bigint[], %(reasons)s::text[], %(breached)s::boolean[],
    %(value)s::bigint[], %(cash)s::bigint[], %(drift)s::bigint[], %(deviation)s::bigint[], %(outcome)s::text[],
    %(sentence)s::text[])
    AS found (account, household, reasons, breached, value, cash, drift, deviation, outcome, sentence)
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Drift and reasons of every account of a book, in the book's order."""

    drift: Drift
    triggers: Triggers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scan did about an account: PROPOSED, or why not, in a code and a sentence."""

    code: str
    sentence: str = ""


NOT_DUE = Outcome("NOT_DUE")
CALENDAR_LOOKAHEAD = timedelta(days=366)

WHY_NOT: tuple[tuple[Code, Outcome], ...] = (
    (Code.BLOCKED, Outcome("BLOCKED", "The account holds a short position: it is blocked until that is put right.")),
    (Code.DATA_PROBLEM, Outcome("DATA_PROBLEM", "Its data have a problem that must be put right first.")),
    (Code.NO_MODEL, Outcome("NO_MODEL", "It follows no model, and without a target nothing is traded.")),
    (
        Code.VALUE_INCOMPLETE,
        Outcome("VALUE_INCOMPLETE", "It holds something that has no price, so its weights are not known."),
    ),
    (
        Code.COOL_DOWN,
        Outcome("COOL_DOWN", "It was rebalanced recently and is left alone for the days its policy says."),
    ),
)
"""Why an account that calls for attention is not due, the weightiest reason first."""


def households_of(firm_id: int) -> list[int]:
    return list(Household.objects.for_firm(firm_id).order_by("id").values_list("id", flat=True))


def evaluate(loaded: LoadedBook) -> Found:
    """Measure every account of a book against its target, and say what calls for attention."""
    drift = measure(loaded.book)
    return Found(drift, evaluate_triggers(loaded.book, drift))


def flagged(found: Found) -> Any:
    """Indices of the accounts that call for attention."""
    return np.flatnonzero(found.triggers.reasons & ~int(Code.NO_MODEL | Code.COOL_DOWN))


def store_signals(
    *, firm_id: int, scan_id: int, loaded: LoadedBook, found: Found, outcomes: Mapping[int, Outcome]
) -> int:
    """Write down the accounts that call for attention, and what was done about each; gives back how many they are.

    `outcomes` are by index in the book; an account that has none says why it was not due.
    """
    rows = flagged(found)
    names = {mask: _names(mask) for mask in set(found.triggers.reasons[rows].tolist())}
    done = _outcomes(firm_id, loaded, found, rows, outcomes)
    drift = found.drift
    parameters = {
        "firm": firm_id,
        "scan": scan_id,
        "account": loaded.account_ids[rows].tolist(),
        "household": loaded.household_ids[rows].tolist(),
        "reasons": [names[mask] for mask in found.triggers.reasons[rows].tolist()],
        "breached": drift.breached[rows].tolist(),
        "value": (drift.value[rows] // CENT).tolist(),
        "cash": (drift.cash[rows] // CENT).tolist(),
        "drift": _scaled(drift.drift_weight[rows]),
        "deviation": _scaled(drift.largest_deviation_weight[rows]),
        "outcome": [one.code for one in done],
        "sentence": [one.sentence[:500] for one in done],
    }
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_STORE, parameters)
    return len(rows)


def _scaled(weights: Any) -> list[int]:
    limit = 99 * WEIGHT_SCALE
    return np.clip(np.rint(weights * WEIGHT_SCALE), -limit, limit).astype(np.int64).tolist()  # type: ignore[no-any-return]


def _names(mask: int) -> str:
    return ",".join(code.name for code in Code(mask) if code.name)


def _outcomes(
    firm_id: int, loaded: LoadedBook, found: Found, rows: Any, outcomes: Mapping[int, Outcome]
) -> list[Outcome]:
    """What was done about each of these accounts: as told, or the weightiest reason that kept it from being due."""
    problems = _problem_sentences(firm_id) if len(rows) else {}
    policies, policy = loaded.book.policies, loaded.book.accounts.policy
    resting: dict[int, Outcome] = {}
    done: list[Outcome] = []
    for row in rows.tolist():
        one = outcomes.get(row) or _why_not(
            int(found.triggers.reasons[row]), problems.get(int(loaded.account_ids[row]), "")
        )
        if one is NOT_DUE and found.drift.breached[row]:
            place = int(policy[row])
            if place not in resting:
                resting[place] = _resting(policies[place], loaded.book.as_of)
            one = resting[place]
        done.append(one)
    return done


def _why_not(mask: int, problem: str) -> Outcome:
    for code, outcome in WHY_NOT:
        if mask & int(code):
            if code is Code.DATA_PROBLEM and problem:
                return Outcome(outcome.code, problem)
            return outcome
    return NOT_DUE


def _resting(policy: Policy, as_of: date) -> Outcome:
    """Of an account outside its bands that is not due: its policy trades on dates, and this says which is the next."""
    following = _next_called(policy, as_of)
    when = f"the next is {day_text(following)}" if following else "there is none within a year"
    return Outcome(
        NOT_DUE.code, f"It is outside its bands, but its policy trades on the dates of its calendar: {when}."
    )


def _next_called(policy: Policy, after: date) -> date | None:
    day = next_session(after)
    while day <= after + CALENDAR_LOOKAHEAD:
        if is_scheduled(policy, day):
            return day
        day = next_session(day)
    return None


def _problem_sentences(firm_id: int) -> dict[int, str]:
    """The first open problem of each account."""
    rows = DataProblem.objects.for_firm(firm_id).filter(resolved_at=None).order_by("-opened_at", "-id")
    return dict(rows.values_list("account_id", "sentence"))
